# Who is told, and how. Ports and addresses are those of the test's receivers.

notifier "email" "mailroom" {
  host     = "localhost"
  port     = env("SMTP_PORT")
  username = "alerts"
  password = credential("smtp")
  from     = "imapvigil <alerts@example.net>"
  ca_file  = env("CA_FILE")
}

notifier "slack" "workspace" {
  token   = credential("slack")
  api_url = env("SLACK_URL")
}

notifier "sms" "twilio" {
  provider    = "twilio"
  account_sid = "AC0123"
  auth_token  = credential("twilio")
  from        = "+15550199"
  base_url    = env("TWILIO_URL")
}

notifier "webhook" "tickets" {
  url    = env("WEBHOOK_URL")
  secret = credential("webhook")
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
    via = notifier.webhook.tickets
  }
}

notification_role "cto" {
  label = "CTO"
  notify {
    via = notifier.email.mailroom
    to  = ["cto@example.net"]
  }
  notify {
    via = notifier.sms.twilio
    to  = ["+15550100"]
  }
}
