# A secret wherever one is allowed. secret("name") is written by the test: as
# credential("name"), or as the secret itself.

daemon {
  log_level          = "debug"
  reload             = "explicit"
  notification_roles = [notification_role.all]
  heartbeat_url      = "${env("MIRROR")}/${secret("heartbeat")}"
}

defaults {
  interval           = "2s"
  retry_interval     = "1s"
  fault_tolerance    = "0s"
  notification_roles = [notification_role.all]
  tls {
    ca_file = env("CA_FILE")
  }
}

# Each of these receivers refuses, and repeats what it was sent.

notifier "email" "mail" {
  host     = "localhost"
  port     = env("SMTP_PORT")
  username = "alerts"
  password = secret("smtp")
  from     = "alerts@example.net"
  ca_file  = env("CA_FILE")
}

notifier "slack" "chat" {
  token     = secret("slack")
  app_token = "xapp-1-${secret("slack-app")}"
  api_url   = env("MIRROR")
}

notifier "sms" "twilio" {
  provider    = "twilio"
  account_sid = "AC0123"
  auth_token  = secret("twilio")
  from        = "+15550199"
  base_url    = env("MIRROR")
}

notifier "sms" "gateway" {
  provider = "http"
  url      = "${env("MIRROR")}/${secret("gateway-url")}/send"
  headers  = { Authorization = "Bearer ${secret("gateway-bearer")}", X-Key = secret("gateway-header") }
  body     = "{\"key\": \"${secret("gateway-body")}\", \"to\": \"{to}\", \"text\": \"{text}\"}"
}

notifier "sms" "preset" {
  provider = "vonage"
  key      = secret("sms-key")
  secret   = secret("sms-secret")
  from     = "15550199"
  base_url = env("MIRROR")
}

notifier "alertmanager" "alerts" {
  urls  = ["${env("MIRROR")}/${secret("alertmanager-url")}"]
  token = secret("alertmanager-token")
}

notifier "exec" "program" { # shows its environment, and fails
  command = ["/bin/sh", "-c", "env; env >&2; exit 75"]
  env     = { TOKEN = secret("exec-env") }
}

notifier "pagerduty" "pager" {
  routing_key = secret("pagerduty")
  api_url     = env("MIRROR")
}

notifier "jsm" "desk" {
  api_key = secret("jsm")
  api_url = env("MIRROR")
}

notifier "webhook" "hook" {
  url     = "${env("MIRROR")}/${secret("hook-url")}"
  secret  = secret("hook-secret")
  headers = { X-Key = "${secret("hook-header")}, and more" }
}

notification_role "all" {
  notify {
    via = notifier.email.mail
    to  = ["it@example.net"]
  }
  notify {
    via     = notifier.slack.chat
    channel = "#mail-ops"
  }
  notify {
    via      = notifier.sms.twilio
    to       = ["+15550100"]
    severity = "degraded"
  }
  notify {
    via      = notifier.sms.gateway
    to       = ["+15550101"]
    severity = "degraded"
  }
  notify {
    via      = notifier.sms.preset
    to       = ["+15550102"]
    severity = "degraded"
  }
  notify {
    via = notifier.alertmanager.alerts
  }
  notify {
    via = notifier.exec.program
  }
  notify {
    via = notifier.pagerduty.pager
  }
  notify {
    via = notifier.jsm.desk
  }
  notify {
    via = notifier.webhook.hook
  }
}

# Servers that refuse the login, some with the words of it. Each check has a user of its
# own: of one account nobody else would log in after two rejections.

server "local" {
  hostname = "localhost"

  imap_check "password" {
    port     = env("IMAPS_PORT")
    security = "tls"
    login {
      username = "probe"
      password = secret("imap")
    }
  }
  imap_check "echo" {
    port     = env("ECHO_PORT")
    security = "tls"
    login {
      username = "echo"
      password = secret("imap-echo")
    }
  }
  imap_check "token" {
    port     = env("TOKEN_PORT")
    security = "tls"
    login {
      username = "token"
      token    = secret("imap-token")
    }
  }
  imap_check "oauth" {
    port     = env("TOKEN_PORT")
    security = "tls"
    login {
      username      = "oauth"
      token_url     = env("MIRROR")
      client_id     = "probe"
      client_secret = secret("imap-client")
    }
  }
  imap_check "key" {
    port     = env("IMAPS_PORT")
    security = "tls"
    tls {
      cert_file = env("CERT_FILE")
      key_file  = env("KEY_FILE")
    }
  }
}
