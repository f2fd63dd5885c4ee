# Messages by Signal, through signal-cli-rest-api on this machine, in which the number
# that sends has been registered.

notifier "sms" "signal" {
  provider = "http"
  url      = "http://127.0.0.1:8080/v2/send"
  headers  = { Content-Type = "application/json" }
  from     = "+15550199"
  body = jsonencode({
    message    = "{text}"
    number     = "{from}"
    recipients = ["{to}"]
  })
  success = "201"
}

notification_role "signal" {
  notify {
    via      = notifier.sms.signal
    to       = ["+15550100"]
    severity = "degraded" # Signal costs nothing; the default of SMS is "down"
  }
}
