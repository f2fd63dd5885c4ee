
daemon {
  listen = "127.0.0.1:@PAGE_PORT@"
}

page {
  title = "Demo of imapvigil"
}

group "america" {
  label = "America"

  server "mx2" {
    label    = "Mail 2"
    hostname = "localhost"

    imap_check "imaps" {
      label     = "IMAP over TLS"
      port      = @STEADY_PORT@
      security  = "tls"
      addresses = "ipv4"
      tls { ca_file = "ca.pem" }
    }
  }

  server "mx3" {
    label    = "Mail 3"
    hostname = "localhost"

    imap_check "imaps" {
      label     = "IMAP over TLS"
      port      = @EXPIRING_PORT@
      security  = "tls"
      addresses = "ipv4"
      tls { ca_file = "ca.pem" }
    }
  }
}
