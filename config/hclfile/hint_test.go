package hclfile_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// whole is a configuration in which SLIP stands for one line.
const whole = `notifier "webhook" "hook" {
  url = "https://hooks.example.org/"
}
notification_role "it_team" {
  notify { via = notifier.webhook.hook }
}
daemon {
  heartbeat_url      = ""
  notification_roles = [notification_role.it_team]
}
server "mx1" {
  hostname = "mx1.example.org"
  imap_check "imaps" {}
}
imap_check "a" {
  hostname           = "a.example.org"
SLIP
}
`

// slips are lines that people write in a check, and what the line becomes when they
// follow the hint.
var slips = [][2]string{
	{`enabled = yes`, `enabled = true`},
	{`enabled = off`, `enabled = false`},
	{`enabled = "no"`, `enabled = false`},
	{`enabled: yes`, `enabled = true`},
	{`enabled = True`, `enabled = true`},
	{`notification_roles = [it_team]`, `notification_roles = [notification_role.it_team]`},
	{`notification_roles = ["it_team"]`, `notification_roles = [notification_role.it_team]`},
	{`notification_roles = it_team`, `notification_roles = [notification_role.it_team]`},
	{`notification_roles = "it_team"`, `notification_roles = [notification_role.it_team]`},
	{`notification_roles = notification_role.it_team`, `notification_roles = [notification_role.it_team]`},
	{`depends_on = [mx1]`, `depends_on = [server.mx1]`},
	{`depends_on = ["mx1"]`, `depends_on = [server.mx1]`},
	{`depends_on = server.mx1`, `depends_on = [server.mx1]`},
	{`server = mx1`, `server = server.mx1`},
	{`interval = 1m`, `interval = "1m"`},
	{`interval = 1m30s`, `interval = "1m30s"`},
	{`interval = 5 minutes`, `interval = "5m"`},
	{`interval = 60`, `interval = "60s"`},
	{`interval = "60"`, `interval = "60s"`},
	{`interval = "1 min"`, `interval = "1m"`},
	{`interval = "1 hour and 30 minutes"`, `interval = "1h30m"`},
	{`interval = "0,5 h"`, `interval = "0.5h"`},
	{`interval = "5M"`, `interval = "5m"`},
	{`interval: 5m`, `interval = "5m"`},
	{`interval = 10 min;`, `interval = "10m"`},
	{`reopen_within = "2 weeks"`, `reopen_within = "14d"`},
	{`description = mail`, `description = "mail"`},
	{`description = imap.example.org`, `description = "imap.example.org"`},
	{`description = groups.example.org`, `description = "groups.example.org"`},
	{`description = 'mail of all'`, `description = "mail of all"`},
	{`description = “mail of all”`, `description = "mail of all"`},
	{`description = „mail of all“`, `description = "mail of all"`},
	{`description "mail"`, `description = "mail"`},
	{`description: mail of all`, `description = "mail of all"`},
	{`"description" = "mail"`, `description = "mail"`},
	{`description => "mail"`, `description = "mail"`},
	{`description := "mail"`, `description = "mail"`},
	{`description = "mail",`, `description = "mail"`},
	{`description = "mail";`, `description = "mail"`},
	{`description = mail of all # for a while`, `description = "mail of all"`},
	{`- description: mail`, ``},
	{`export description="mail"`, `description = "mail"`},
	{`expect_greeting = Dovecot`, `expect_greeting = "Dovecot"`},
	{`security = tls`, `security = "tls"`},
	{`security = TLS`, `security = "tls"`},
	{`security = 'STARTTLS'`, `security = "starttls"`},
	{`addresses = ipv4`, `addresses = "ipv4"`},
	{`slo = 99,9`, `slo = 99.9`},
	{`slo = 99.9%`, `slo = 99.9`},
	{`port: 993`, `port = 993`},
	{`port = 993,`, `port = 993`},
	{`port "993"`, `port = "993"`},
	{`require_capabilities = ["IDLE" "MOVE"]`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities = "IDLE", "MOVE"`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities = ("IDLE", "MOVE")`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities = {"IDLE", "MOVE"}`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities = ['IDLE', 'MOVE']`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities: [IDLE, MOVE]`, `require_capabilities = ["IDLE", "MOVE"]`},
	{`require_capabilities = "IDLE"`, `require_capabilities = ["IDLE"]`},
	{`tls = { min_version = "1.3" }`, ``},
	{`login: x`, ``},
}

var suggestion = regexp.MustCompile(`(?m)^    (.+)$`)

// TestEveryHintWorksTheFirstTime follows the hint for each slip, and loads again.
func TestEveryHintWorksTheFirstTime(t *testing.T) {
	t.Parallel()
	for _, slip := range slips {
		text := strings.Replace(whole, "SLIP", "  "+slip[0], 1)
		d := firstError(t, text)
		m := suggestion.FindStringSubmatch(d.Detail)
		if m == nil {
			if slip[1] != "" {
				t.Errorf("%s: nothing is suggested: %s", slip[0], d.Detail)
			}
			continue
		}
		fixed := m[1]
		if under := underlined(d); !strings.Contains(fixed, "=") && under != "" {
			fixed = strings.Replace(slip[0], under, fixed, 1)
		}
		if fixed != slip[1] {
			t.Errorf("%s: becomes %s, want %s", slip[0], fixed, slip[1])
			continue
		}
		if _, diags := loadText(strings.Replace(whole, "SLIP", "  "+fixed, 1)); config.HasErrors(diags) {
			t.Errorf("%s: after %s: %v", slip[0], fixed, diags)
		}
	}
}

func loadText(text string) (*config.Config, []config.Diagnostic) {
	return hclfile.Load(source.OfText("main.hcl", []byte(text)))
}

// firstError is the only thing that is wrong.
func firstError(t *testing.T, text string) config.Diagnostic {
	t.Helper()
	_, diags := loadText(text)
	if len(diags) != 1 {
		t.Errorf("%d complaints about %s: %v", len(diags), text, diags)
	}
	for _, d := range diags {
		if d.Gravity == config.Error {
			return d
		}
	}
	t.Errorf("nothing is wrong with %s", text)
	return config.Diagnostic{}
}

// underlined is the part of the line that a diagnostic is about.
func underlined(d config.Diagnostic) string {
	line := []rune(d.Excerpt)
	if d.Mark[1] > len(line) {
		return ""
	}
	return string(line[d.Mark[0]:d.Mark[1]])
}

// TestOtherLanguages holds what is said of files that are written in others.
func TestOtherLanguages(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"imap_check:\n  - name: x\n":                    "YAML",
		"- name: x\n  hostname: y\n":                    "YAML",
		"[imap_check]\nhostname = \"y\"\n":              "INI",
		"imap_check \"x\" {\n  description = None\n}\n": "Remove an attribute without a value",
		"imap_check \"x\" {\n  ssl = true\n}\n":         "Here this is security.",
		"{\"imap_check\": {}}\n":                        ".hcl.json",
		"schedule \"s\" {\n  timezone = \"UTC\"\n  weekly = [\"monday-friday 8-18\"]\n}\n":    "Write \"mon-fri 08:00-18:00\".",
		"schedule \"s\" {\n  timezone = \"UTC\"\n  weekly = [\"Weekdays 8.30 - 18.00\"]\n}\n": "Write \"mon-fri 08:30-18:00\".",
		"schedule \"s\" {\n  timezone = \"UTC\"\n  weekly = [\"Mo-Fr 08:00-18:00\"]\n}\n":     "\"mo-fr\" is none of them",
		"maintenance \"m\" {\n  timezone = \"UTC\"\n  start = \"06.01.2026 02:00\"\n}\n":      "Write \"2026-01-06T02:00:00\".",
		"maintenance \"m\" {\n  timezone = \"UTC\"\n  start = \"2026-01-06 02:00\"\n}\n":      "Write \"2026-01-06T02:00:00\".",
		"[[imap_check]]\nhostname = \"y\"\n":                                                  "INI",
		"{% for h in hosts %}\n{% endfor %}\n":                                                "Ansible",
		"imap_check \"x\" {\n  hostname = {{ host }}\n}\n":                                    "Ansible",
		"imap_check \"x\" {\n  hostname = \"{{ host }}\"\n}\n":                                "Ansible",
		"imap_check \"{{ name }}\" {\n  hostname = \"x\"\n}\n":                                "cannot be a name",
		"imap_check \"x\" {\n  hostname = $HOST\n}\n":                                         `env("HOST")`,
		"imap_check \"x\" {\n  hostname = \"$HOST\"\n}\n":                                     `env("HOST")`,
		"imap_check \"x\" {\n  hostname = \"${HOST}\"\n}\n":                                   `${env("HOST")}`,
		"-- a comment\n":                                                "A comment begins with #.",
		"; a comment\n":                                                 "A comment begins with #.",
		"<!-- a comment -->\n":                                          "A comment begins with #.",
		"<<<<<<< HEAD\n":                                                "git",
		"imap_check \"x\" = {\n}\n":                                     "no equals sign:\n    imap_check \"x\" {",
		"imap_check \"x\"\n{\n}\n":                                      "on the same line:\n    imap_check \"x\" {",
		"imap_check 'x' {\n}\n":                                         "Write\n    imap_check \"x\" {",
		"imap_check “x” {\n}\n":                                         "Write\n    imap_check \"x\" {",
		"imap_check \"x\" {\n  hostname =\n}\n":                         "hostname has no value",
		"imap_check \"x\" {\n}\n}\n":                                    "one } too many",
		"imap_check \"x\" { hostname = \"x\" port = 1 }\n":              "lines of their own",
		"imap_check \"x\" { hostname = \"x\", port = 1 }\n":             "lines of their own",
		"imap_check \"x\" {\n  hostname = \"x\"\n":                      "no closing brace",
		"imap_check \"x\" {\n  description = \"C:\\mail\"\n}\n":         "backslash",
		"imap_check \"x\" {\n  hostname = \"x\n}\n":                     "missing on its line",
		"imap_check \"x\" {\n  description = \"100%{done}\"\n}\n":       "%%{",
		"imap_check \"x\" {\n  description = \"costs ${x y}\"\n}\n":     "$${",
		"imap_check \"x\" {\n  login {\n    password: hunter2\n}}\n":    "An attribute is written name = value",
		"imap_check \"x\" {\n  login {\n    password = 'hunter2'\n}}\n": "straight double quotes",
	} {
		_, diags := loadText(text)
		said := ""
		for _, d := range diags {
			said += d.Detail + "\n"
		}
		if !strings.Contains(said, want) || strings.Contains(said, "hunter2") {
			t.Errorf("of %q is said:\n%swant %q", text, said, want)
		}
	}
}
