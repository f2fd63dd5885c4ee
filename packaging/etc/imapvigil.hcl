## What imapvigil watches, and who is notified.
##
## Nothing is watched yet. To begin: remove "# " at the beginning of the lines
## below that have it, and write your own names into them. "imapvigil init" can
## also ask you for the names, and write a file like this one.
##
## The daemon notices by itself that the file was saved. Then type:
##
##   sudo imapvigil validate                 is anything wrong with the file?
##   sudo imapvigil notify-test postmaster   does a test message arrive?
##   sudo imapvigil status                   how are the servers?
##
## The status page is at http://127.0.0.1:9143 on this machine. For others on
## the network see imapvigil-page(7).
##
## The first alarm comes about 3 minutes and 10 seconds after the first failure:
## a failure must last 3 minutes (fault_tolerance), and messages wait 10 seconds
## for what belongs to them.
##
## All *.hcl files in this directory and below it are one configuration. The
## manual: man imapvigil-howto ("How do I ..."), man imapvigil.hcl (everything),
## and examples in /usr/share/doc/imapvigil/examples.

## How messages are sent: by the mail server on this machine. For another mail
## server, with or without a password, see imapvigil-howto(7).
# notifier "email" "local" {
#   host     = "localhost"
#   port     = 25
#   security = "none"
#   from     = "imapvigil@example.org"
# }

## Who is notified.
# notification_role "postmaster" {
#   notify {
#     via = notifier.email.local
#     to  = ["postmaster@example.org"]
#   }
# }

## Who is notified of every server below, unless it says something else.
# defaults {
#   notification_roles = [notification_role.postmaster]
# }

## What is watched.
# server "mx1" {
#   hostname = "imap.example.org"
#   imap_check "imaps" {
#     port = 993
#   }
#   imap_check "starttls" {
#     port = 143
#   }
# }
