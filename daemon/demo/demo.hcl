notifier "email" "mailroom" {
  host     = "localhost"
  port     = @SMTP_PORT@
  username = "alerts"
  password = "secret"            # better: credential("smtp-password")
  from     = "imapvigil <alerts@example.net>"
  ca_file  = "ca.pem"
}

notifier "slack" "workspace" {
  token   = "xoxb-demo"
  api_url = "@SLACK_URL@"
}

notifier "sms" "twilio" {
  provider    = "twilio"
  account_sid = "AC0123"
  auth_token  = "demo"
  from        = "+15550199"
  base_url    = "@SMS_URL@"
}

notifier "webhook" "ticket" {
  url    = "@WEBHOOK_URL@"
  secret = "demo"
}

notification_role "it_team" {
  label = "IT team"
  notify {
    via = notifier.email.mailroom
    to  = ["it@example.net"]
  }
  notify {
    via     = notifier.slack.workspace
    channel = "#mail-ops"
  }
  notify {
    via = notifier.sms.twilio
    to  = ["+15550100"]
  }
  notify {
    via = notifier.webhook.ticket
  }
}

defaults {
  interval           = "1s"
  fault_tolerance    = "4s"      # the default is 3 minutes
  recovery_tolerance = "4s"      # the default is 2 minutes
  notification_roles = [notification_role.it_team]
}

group "europe" {
  label = "Europe"

  server "mx1" {
    label    = "Mail 1"
    hostname = "localhost"

    imap_check "imaps" {
      label     = "IMAP over TLS"
      port      = @IMAP_PORT@
      security  = "tls"
      addresses = "ipv4"
      tls { ca_file = "ca.pem" }
    }
  }
}
