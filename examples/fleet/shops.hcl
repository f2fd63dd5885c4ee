locals {
  shops = csvdecode(file("shops.csv"))
}

dynamic "server" {
  for_each = local.shops
  labels   = [server.value.name]
  content {
    label      = "Shop ${server.value.city}"
    hostname   = server.value.address
    group      = group.shops
    depends_on = [imap_check["mx-ber-1/imaps"]] # their mail goes through Berlin

    imap_check "starttls" {
      port = 143
      tls {
        server_name = "${server.value.name}.example.org"
      }
    }
  }
}
