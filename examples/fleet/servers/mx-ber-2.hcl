server "mx-ber-2" {
  label    = "Berlin 2"
  hostname = "mx-ber-2.${local.domain}"
  group    = group.europe.germany.berlin

  imap_check "imaps" {
    port        = 993
    also_notify = [notification_role.certificates]
  }
  imap_check "starttls" { port = 143 }
}
