group "europe" {
  label = "Europe"

  group "germany" {
    label = "Germany"
    group "berlin" { label = "Berlin" }
    group "munich" { label = "Munich" }
  }

  group "france" {
    label = "France"
    group "paris" { label = "Paris" }
  }
}

group "asia" {
  label = "Asia"

  defaults { # far away: slower, and with people of their own
    also_notify = [notification_role.asia_team]
    thresholds {
      connect = "2s"
      total   = "10s"
    }
  }

  group "singapore" {
    label = "Singapore"
    group "west" { label = "Data centre West" }
  }
}

group "shops" {
  label = "Shops"
  defaults {
    interval        = "5m"
    fault_tolerance = "15m"
  }
}
