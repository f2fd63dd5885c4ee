# The smallest useful configuration: one server, two ports, one person.
# Check it:  imapvigil validate quickstart.hcl
# Try it:    imapvigil test --config quickstart.hcl
# Once the daemon runs, its status page is at http://127.0.0.1:9143 on this machine.

daemon {
  notification_roles = [notification_role.me] # of problems of imapvigil itself
  heartbeat_url      = ""                     # no external dead man's switch yet
}

defaults {
  notification_roles = [notification_role.me]
}

notifier "email" "local" { # a mail server on this machine
  host     = "localhost"
  port     = 25
  security = "none"
  from     = "imapvigil@example.org"
}

notification_role "me" {
  notify {
    via = notifier.email.local
    to  = ["me@example.org"]
  }
}

server "mx1" {
  hostname = "imap.example.org"

  imap_check "imaps" {
    port = 993
  }
  imap_check "starttls" {
    port = 143
  }
}
