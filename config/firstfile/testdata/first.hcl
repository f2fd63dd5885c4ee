## Written by imapvigil init. The manual: man imapvigil-howto, man imapvigil.hcl.

## How messages are sent.
notifier "email" "relay" {
  host     = "smtp.example.net"
  port     = 587
  security = "starttls"
  username = "probe$${x}"
  password = credential("relay-password")
  from     = "imapvigil <imapvigil@example.org>"
}

## Who is notified.
notification_role "postmaster" {
  notify {
    via = notifier.email.relay
    to  = ["ops@example.org", "Night \"shift\" <night@example.org>"]
  }
}

## Who is notified of every server below, unless it says something else.
defaults {
  notification_roles = [notification_role.postmaster]
}

## Who is notified of problems of imapvigil itself. If this machine dies, nobody is
## notified: have a dead man's switch expect a ping at heartbeat_url.
daemon {
  notification_roles = [notification_role.postmaster]
  heartbeat_url      = ""
}

## What is watched. A failure that lasts 3 minutes is an incident (fault_tolerance).
server "imap.example.org" {
  hostname = "imap.example.org"

  imap_check "imaps" {
    port = 993
  }

  imap_check "starttls" {
    port = 143
  }

  imap_check "imap-10993" {
    port     = 10993
    security = "tls"
  }
}
