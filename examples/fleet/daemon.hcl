daemon {
  notification_roles = [notification_role.operations]
  self_check         = ["192.0.2.53:53", "[2001:db8::53]:53"]
  heartbeat_url      = credential("heartbeat-url")
}

locals {
  domain = "example.org"
}

defaults {
  notification_roles = [notification_role.operations]
  runbook            = "https://wiki.example.org/mail"
  thresholds {
    connect = "500ms"
    total   = "5s"
  }
}
