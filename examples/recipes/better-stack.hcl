# Incidents in Better Stack, by e-mail: its API ends an incident only by an id of its
# own, which a webhook cannot know. Add an e-mail integration there, with the rules
# "start an incident when the subject contains DOWN" and "resolve when it contains
# RECOVERED", and the id at the end of the subject, in brackets, as the alert id.

notifier "email" "better_stack" {
  host     = "localhost"
  port     = 25
  security = "none"
  from     = "imapvigil <alerts@example.net>"
  subject  = <<-EOT
    {{range first 1 .Items -}}
    {{if eq .Transition "closed"}}RECOVERED{{else}}DOWN{{end}} {{.Check}} [{{.Incident}}]
    {{- else}}{{.Subject}}{{end}}
  EOT
}

notification_role "better_stack" {
  notify {
    via      = notifier.email.better_stack
    to       = ["example@uptime.betterstack.com"]
    on       = ["opened", "closed"]
    severity = "down"
  }
}
