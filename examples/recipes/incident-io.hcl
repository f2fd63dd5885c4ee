# Alerts in incident.io. Make an alert source of the kind "HTTP" there: it shows the
# URL and the token. Each incident of imapvigil is one alert, by its key.

notifier "webhook" "incident_io" {
  url     = "https://api.incident.io/v2/alert_events/http/01EXAMPLE"
  headers = { Authorization = "Bearer ${credential("incident-io")}" }
  body    = <<-EOT
    {
      "deduplication_key": {{json .Key}},
      {{- range .Items}}
      "title": {{json .Headline}},
      {{- with .URL}}
      "source_url": {{json .}},
      {{- end}}
      "metadata": {
        "check": {{json .Check}},
        "severity": {{json .Severity}},
        "groups": {{json .Groups}}
      },
      {{- else}}
      "title": {{json .Subject}},
      {{- end}}
      "description": {{json .Text}},
      "status": {{if eq .Transition "closed" "test"}}"resolved"{{else}}"firing"{{end}}
    }
  EOT
}

notification_role "incident_io" {
  notify {
    via = notifier.webhook.incident_io
  }
}
