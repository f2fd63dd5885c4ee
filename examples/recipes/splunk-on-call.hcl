# Incidents in Splunk On-Call (VictorOps). Enable the REST integration there. The
# credential is its URL, with the routing key in the place of $routing_key.

notifier "webhook" "splunk_on_call" {
  url  = credential("splunk-on-call")
  body = <<-EOT
    {
      "entity_id": {{json .Key}},
      {{- range .Items}}
      "message_type":
      {{- if eq .Transition "closed"}} "RECOVERY"
      {{- else if eq .State "acknowledged"}} "ACKNOWLEDGEMENT"
      {{- else if eq .Severity "down"}} "CRITICAL"
      {{- else}} "WARNING"{{end}},
      "entity_display_name": {{json .Headline}},
      {{- else}}
      "message_type": "RECOVERY",
      "entity_display_name": {{json .Subject}},
      {{- end}}
      "state_message": {{json (truncate 5000 .Text)}},
      "monitoring_tool": "imapvigil"
    }
  EOT
}

notification_role "splunk_on_call" {
  notify {
    via = notifier.webhook.splunk_on_call
  }
}
