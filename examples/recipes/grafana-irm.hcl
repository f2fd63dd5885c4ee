# Alert groups in Grafana IRM (OnCall). Add an integration of the kind "Formatted
# webhook" there, and put its URL into the credential: who has it can post.

notifier "webhook" "grafana_irm" {
  url  = credential("grafana-irm")
  body = <<-EOT
    {
      "alert_uid": {{json .Key}},
      {{- range .Items}}
      "title": {{json .Headline}},
      {{- with .URL}}
      "link_to_upstream_details": {{json .}},
      {{- end}}
      {{- else}}
      "title": {{json .Subject}},
      {{- end}}
      "message": {{json .Text}},
      "state": {{if eq .Transition "closed" "test"}}"ok"{{else}}"alerting"{{end}}
    }
  EOT
}

notification_role "grafana_irm" {
  notify {
    via = notifier.webhook.grafana_irm
  }
}
