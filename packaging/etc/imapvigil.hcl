# What imapvigil watches, and whom it tells. See imapvigil.hcl(5), and
# /usr/share/doc/imapvigil/examples for the whole language.
#
# Nothing is watched yet: take the signs away below, and put your own names in.
# The daemon notices as soon as the file is written. What is wrong with it, and
# whether it is in force, you hear from:
#
#   imapvigil validate
#   systemctl reload imapvigil
#   imapvigil status
#
# All *.hcl files in this directory and below are one configuration.

#notifier "email" "local" { # a mail server on this machine
#  host     = "localhost"
#  port     = 25
#  security = "none"
#  from     = "imapvigil@example.org"
#}
#
#notification_role "postmaster" {
#  notify {
#    via = notifier.email.local
#    to  = ["postmaster@example.org"]
#  }
#}
#
#daemon {
#  notification_roles = [notification_role.postmaster] # of its own trouble
#}
#
#defaults {
#  notification_roles = [notification_role.postmaster]
#}
#
#server "mx1" {
#  hostname = "imap.example.org"
#
#  imap_check "imaps" { port = 993 }
#  imap_check "starttls" { port = 143 }
#}
