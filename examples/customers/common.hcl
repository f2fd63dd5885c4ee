# What holds for all customers. Their own files are written by a template.

daemon {
  notification_roles = [notification_role.hosting]
  heartbeat_url      = credential("heartbeat-url")
  reload             = "explicit" # 400 files are written one after the other
}

defaults {
  interval           = "1m"
  fault_tolerance    = "5m"
  notification_roles = [notification_role.hosting]
}

notifier "email" "relay" {
  host     = "smtp.provider.example"
  username = "alerts@hosting.example"
  password = credential("smtp-password")
  from     = "Mail monitor <alerts@hosting.example>"
}

notification_role "hosting" {
  label = "Hosting"
  notify {
    via = notifier.email.relay
    to  = ["noc@hosting.example"]
  }
}

group "customers" {
  label = "Customers"
}
