# Messages in a room of Webex. Make a bot at developer.webex.com, put its access token
# into the credential, and add the bot to the room.

notifier "webhook" "webex" {
  url     = "https://webexapis.com/v1/messages"
  headers = { Authorization = "Bearer ${credential("webex")}" }
  body    = <<-EOT
    {
      "roomId": "Y2lzY29zcGFyazovL3VzL1JPT00vEXAMPLE",
      "text": {{json (truncate 1800 .Text)}}
    }
  EOT
}

notification_role "webex" {
  notify {
    via = notifier.webhook.webex
  }
}
