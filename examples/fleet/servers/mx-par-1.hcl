server "mx-par-1" {
  label    = "Paris"
  hostname = "mx-par-1.${local.domain}"
  group    = group.europe.france.paris

  imap_check "imaps" {
    port        = 993
    also_notify = [notification_role.certificates]
  }
  imap_check "starttls" { port = 143 }
}
