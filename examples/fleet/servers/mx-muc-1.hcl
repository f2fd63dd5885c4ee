server "mx-muc-1" {
  label    = "Munich"
  hostname = "mx-muc-1.${local.domain}"
  group    = group.europe.germany.munich

  imap_check "imaps" {
    port        = 993
    also_notify = [notification_role.certificates]
  }
  imap_check "starttls" { port = 143 }
}
