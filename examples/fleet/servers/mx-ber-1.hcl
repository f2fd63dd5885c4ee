server "mx-ber-1" {
  label    = "Berlin 1"
  hostname = "mx-ber-1.${local.domain}"
  group    = group.europe.germany.berlin

  imap_check "imaps" {
    port        = 993
    also_notify = [notification_role.certificates]
  }
  imap_check "starttls" { port = 143 }
}

# The account that everybody uses: the whole way, to an open mailbox.
imap_check "ber-login" {
  label           = "Login in Berlin"
  server          = server.mx-ber-1
  interval        = "5m"
  fault_tolerance = "0s"
  login {
    username = "probe@example.org"
    password = credential("probe")
    mailbox  = "INBOX"
  }
}
