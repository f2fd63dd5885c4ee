server "mx-sin-1" {
  label    = "Singapore"
  hostname = "mx-sin-1.${local.domain}"
  group    = group.asia.singapore.west

  imap_check "imaps" {
    port        = 993
    also_notify = [notification_role.certificates]
  }
  imap_check "starttls" { port = 143 }
}
