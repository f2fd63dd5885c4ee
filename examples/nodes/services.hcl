notifier "email" "relay" {
  host     = "smtp.example.net"
  from     = "imapvigil <alerts@example.net>"
  username = "alerts"
  password = credential("relay-password") # on fra1 and nyc1
}

notification_role "team" {
  notify {
    via = notifier.email.relay
    to  = ["it@example.org"]
  }
}

daemon {
  notification_roles = [notification_role.team] # of the nodes themselves
  heartbeat_url      = "https://heartbeat.example.org/imapvigil"
}

defaults {
  notification_roles = [notification_role.team]
  nodes              = 3 # all three probe, of which the majority, two, has to see a failure
}

server "mx1" {
  hostname = "imap.example.org"

  imap_check "imaps" { port = 993 }
  imap_check "starttls" { port = 143 }
}

# Far away, one failed probe in a while is normal: all three have to see a failure.
server "mx-sydney" {
  hostname = "imap.sydney.example.org"

  imap_check "imaps" {
    port  = 993
    agree = 3
  }
}

# Behind a firewall that lets in only Frankfurt: one node probes it, as a single machine would.
imap_check "archive" {
  hostname  = "archive.example.org"
  nodes     = 1
  locations = ["frankfurt"]
}
