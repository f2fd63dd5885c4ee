# Who is told while the daemon is killed again and again, and how. The times
# are as short as they can be.

daemon {
  notification_roles = [notification_role.tickets]
}

defaults {
  interval           = "1s"
  fault_tolerance    = "2s"
  recovery_tolerance = "1s"
  reopen_within      = "0s"
}

notifier "webhook" "tickets" {
  url     = env("TICKETS")
  secret  = credential("webhook")
  headers = { X-Life = env("LIFE") }
}

notifier "webhook" "oncall" {
  url     = env("ONCALL")
  secret  = credential("webhook")
  headers = { X-Life = env("LIFE") }
}

notifier "email" "mailroom" {
  host     = "127.0.0.1"
  port     = env("SMTP_PORT")
  security = "none"
  from     = "imapvigil <alerts@example.net>"
}

notification_role "tickets" {
  notify {
    via = notifier.webhook.tickets
  }
}

notification_role "oncall" {
  notify {
    via = notifier.webhook.oncall
  }
}

notification_role "people" {
  notify {
    via = notifier.email.mailroom
    to  = ["it@example.net"]
  }
}
