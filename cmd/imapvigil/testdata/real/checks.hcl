# Two groups, one inside the other, a server with three checks, and a check of
# its own. The times are short, so that a test need not wait; an interval of 5
# seconds leaves a probe as much time on a machine that does other things too.

daemon {
  notification_roles = [notification_role.it_team]
}

defaults {
  interval           = "5s"
  retry_interval     = "1s"
  fault_tolerance    = "3s"
  recovery_tolerance = "2s"
  notification_roles = [notification_role.it_team, notification_role.cto]
  tls {
    ca_file = env("CA_FILE")
  }
}

group "europe" {
  label = "Europe"

  group "germany" {
    label = "Germany"

    server "mx1" {
      label    = "Mail 1"
      hostname = "127.0.0.1"

      imap_check "imaps" {
        label    = "IMAP over TLS"
        port     = env("IMAPS_PORT")
        security = "tls"
      }
      imap_check "starttls" {
        port     = env("IMAP_PORT")
        security = "starttls"
      }
      imap_check "plain" {
        port     = env("IMAP_PORT")
        security = "none"
      }
    }
  }
}

imap_check "partner" {
  label    = "Partner mailbox"
  hostname = "localhost"
  port     = env("IMAPS_PORT")
  security = "tls"
  group    = group.europe
}
