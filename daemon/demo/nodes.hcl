cluster {
  servers = ["nats://127.0.0.1:4222"]   # the demo has a bus in itself
}

@NODES@
notifier "email" "mailroom" {
  host     = "localhost"
  port     = @SMTP_PORT@
  username = "alerts"
  password = "secret"            # better: credential("smtp-password")
  from     = "imapvigil <alerts@example.net>"
  ca_file  = "ca.pem"
}

notifier "sms" "twilio" {
  provider    = "twilio"
  account_sid = "AC0123"
  auth_token  = "demo"
  from        = "+15550199"
  base_url    = "@SMS_URL@"
}

notification_role "it_team" {
  label = "IT team"
  notify {
    via = notifier.email.mailroom
    to  = ["it@example.net"]
  }
  notify {
    via = notifier.sms.twilio    # by default only of what is down
    to  = ["+15550100"]
  }
}

daemon {
  notification_roles = []        # none about the nodes
}

defaults {
  nodes              = @N@         # agree: the majority of them
  interval           = "2s"
  retry_interval     = "1s"
  timeout            = "2s"
  fault_tolerance    = "4s"      # the default is 3 minutes
  recovery_tolerance = "4s"      # the default is 2 minutes
  notification_roles = [notification_role.it_team]
}

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
