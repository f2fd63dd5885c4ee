notifier "email" "relay" { # not one of the servers that are watched
  host     = "smtp.provider.example"
  username = "alerts@example.org"
  password = credential("smtp-password")
  from     = "Mail monitor <alerts@example.org>"
}

notifier "slack" "workspace" {
  token = credential("slack-token")
}

notifier "sms" "gateway" {
  provider = "http"
  url      = "https://sms.provider.example/v1/messages"
  headers  = { Content-Type = "application/json", Authorization = "Bearer ${credential("sms-token")}" }
  body     = "{\"to\": \"{to}\", \"text\": \"{text}\"}"
}

schedule "office_hours" {
  timezone = "Europe/Berlin"
  weekly   = ["mon-fri 08:00-18:00"]
}

schedule "off_hours" {
  timezone = "Europe/Berlin"
  weekly   = ["mon-fri 18:00-08:00", "sat,sun 00:00-24:00"]
}

# Everything in the channel at once; the desk by day, the duty phone by night;
# the head of operations when nobody has acknowledged after half an hour.
notification_role "operations" {
  label = "Operations"
  notify {
    via     = notifier.slack.workspace
    channel = "#mail"
  }
  notify {
    via    = notifier.email.relay
    to     = ["desk@example.org"]
    during = schedule.office_hours
  }
  notify {
    via    = notifier.sms.gateway
    to     = ["+15550100"]
    during = schedule.off_hours
  }
  notify {
    via   = notifier.sms.gateway
    to    = ["+15550101"]
    after = "30m"
  }
}

notification_role "asia_team" {
  label = "Team in Singapore"
  notify {
    via     = notifier.slack.workspace
    channel = "#mail-asia"
  }
}

notification_role "certificates" {
  label = "Who renews certificates"
  notify {
    via        = notifier.email.relay
    to         = ["certificates@example.org"]
    conditions = ["certificate"]
  }
}
