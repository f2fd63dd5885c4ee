# The services and the people of each timeline.

daemon {
  notification_roles = [notification_role.it]
}

notifier "email" "mail" {
  host = "smtp.example.net"
  from = "imapvigil@example.net"
}

notification_role "it" {
  notify {
    via = notifier.email.mail
    to  = ["it@example.net"]
  }
}

defaults {
  notification_roles = [notification_role.it]
  interval           = "10s"
  retry_interval     = "5s"
  fault_tolerance    = "30s"
  recovery_tolerance = "20s"
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
