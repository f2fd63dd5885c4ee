# What the nights begin with that have no imapvigil.hcl of their own; more.hcl
# adds to it.

daemon {
  notification_roles = [notification_role.it]
}

notifier "email" "mail" {
  host = "smtp.example.net"
  from = "imapvigil@example.net"
}

notifier "webhook" "hook" {
  url = "https://hook.example.net/"
}

notification_role "it" {
  notify {
    via = notifier.email.mail
    to  = ["it@example.net"]
  }
  notify {
    via = notifier.webhook.hook
  }
}

defaults {
  notification_roles = [notification_role.it]
  interval           = "1m"
  retry_interval     = "15s"
  fault_tolerance    = "3m"
  recovery_tolerance = "2m"
  reopen_within      = "1h"
  remind             = "12h"
}

server "mx1" {
  hostname = "mx1.example.org"
  imap_check "imaps" {}
}

server "mx2" {
  hostname = "mx2.example.org"
  imap_check "imaps" {}
}
