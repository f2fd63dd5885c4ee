# Three machines with the same files. Each probes, and one of them decides for all and notifies
# people; if it fails, another one does. imapvigil-nodes(7) has it step by step.

cluster {
  servers = ["tls://fra1.example.net:4222", "tls://nyc1.example.net:4222", "tls://lon1.example.net:4222"]
  ca_file = "bus-ca.pem"          # imapvigil nodes bus-config makes it
  key     = credential("bus-key") # imapvigil nodes key makes it, on each node
}

# The name is that of the machine, without the domain. The key is what imapvigil nodes key prints
# there: the public half, which is no secret.
node "fra1" {
  location = "frankfurt"
  key      = "UAUZHGFOV4TNATU4IUVORBCT2DIPYUJTQJDYUB2C7UOAI4FSKMU2HJJ3"
}

node "nyc1" {
  location = "new-york"
  key      = "UDHBIDJGZYN3PLFQ72LJBLTS2BLH2UTBWS3M2BCSK5KKKLCGV6TR53TQ"
}

node "lon1" {
  location = "london"
  key      = "UANW7KR7JOED3RJC2QV2HPAIW555SOMST7SFTZK2GGBC2CPSME5UDWYD"
  decide   = false # it only probes, and needs no password of the mail relay
}
