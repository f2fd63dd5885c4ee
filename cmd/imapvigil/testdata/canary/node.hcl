# A node of a cluster, as a daemon runs it. LOGIN is written by the test; PUBLIC, BUS and PAGE are in the environment.

daemon {
  log_level          = "debug"
  reload             = "explicit"
  listen             = "127.0.0.1:${env("PAGE")}"
  notification_roles = []
}

cluster {
  servers     = ["nats://127.0.0.1:${env("BUS")}"]
  alone_after = "10s"
  LOGIN
}

node "fra1" {
  key = env("PUBLIC")
}

imap_check "mail" {
  hostname           = "127.0.0.1"
  port               = 1
  security           = "tls"
  interval           = "5s"
  retry_interval     = "1s"
  fault_tolerance    = "0s"
  timeout            = "1s"
  notification_roles = []
}
