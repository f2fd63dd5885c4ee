# Who is told when everything fails at once, and how.

daemon {
  notification_roles = [notification_role.it_team]
}

defaults {
  interval           = "1m"
  fault_tolerance    = "5s"
  recovery_tolerance = "5s"
  notification_roles = [notification_role.it_team, notification_role.cto]
}

notifier "email" "mailroom" {
  host     = "127.0.0.1"
  port     = env("SMTP_PORT")
  security = "none"
  from     = "imapvigil <alerts@example.net>"
}

notifier "slack" "workspace" {
  token   = credential("slack")
  api_url = env("SLACK")
}

notifier "webhook" "tickets" {
  url = env("WEBHOOK")
}

notification_role "it_team" {
  notify {
    via     = notifier.slack.workspace
    channel = "#mail-ops"
  }
  notify {
    via = notifier.webhook.tickets
  }
}

notification_role "cto" {
  notify {
    via = notifier.email.mailroom
    to  = ["cto@example.net"]
  }
}
