package hclfile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

func TestSalvage(t *testing.T) {
	tree(t, map[string]string{"etc/main.hcl": `
daemon {
  notification_roles = [notification_role.lost]
}
notifier "webhook" "good" {
  url = "https://example.org/"
}
notifier "webhook" "bad" {
  url = "ftp://example.org/"
}
schedule "bad" {
  timezone = "Mars/Olympus"
  weekly   = ["sun 00:00-24:00"]
}
notification_role "kept" {
  notify {
    via    = notifier.webhook.good
    during = schedule.bad
  }
  notify {
    via      = notifier.webhook.bad
  }
}
notification_role "lost" {
  notify { via = notifier.webhook.bad }
}
server "gone" {
  hostname = "h"
  unknown  = 1
}
imap_check "good" {
  hostname           = "mx.example.org"
  notification_roles = [notification_role.lost]
  depends_on         = [imap_check.bad]
}
imap_check "bad" {
  hostname = "mx.example.org"
  port     = 99999
}
imap_check "quiet" {
  hostname           = "mx.example.org"
  notification_roles = []
}
`, "etc/broken.hcl": "imap_check {"})
	cfg, diags := hclfile.Salvage(read(t, "etc", source.Options{}))
	if !config.HasErrors(diags) || cfg == nil {
		t.Fatal("nothing was wrong")
	}
	if len(cfg.Checks) != 2 || len(cfg.Roles) != 1 || len(cfg.Roles["kept"].Notify) != 1 || cfg.Roles["kept"].Notify[0].During != "" {
		t.Errorf("salvaged %+v, %+v", cfg.Checks, cfg.Roles)
	}
	if got := cfg.Checks["good"]; !slices.Equal(got.Roles, []config.RoleID{"kept"}) || len(got.DependsOn) != 0 {
		t.Errorf("the good check tells %q and depends on %v", got.Roles, got.DependsOn)
	}
	if got := cfg.Checks["quiet"]; len(got.Roles) != 0 {
		t.Errorf("the quiet check tells %q", got.Roles)
	}
}

// A check that may have been meant otherwise is not watched as something else,
// and one that only has lost its login goes on.
func TestSalvageChecks(t *testing.T) {
	const good = "  imap_check \"x\" {}\n"
	for text, want := range map[string]bool{
		"server \"s\" {\n  hostname = \"h\"\n" + good + "}\n":                                                               true,
		"server \"s\" {\n  hostname = \"h\"\n  unknown = 1\n" + good + "}\n":                                                false,
		"server \"s\" {\n  hostname = \"h\"\n  imap_check \"x\" {\n  unknown = 1\n}\n}\n":                                   false,
		"server \"s\" {\n  hostname = \"h\"\n  imap_check \"x\" {\n  tls {\n  unknown = 1\n}\n}\n}\n":                       false,
		"server \"s\" {\n  hostname = \"h\"\n  imap_check \"x\" {\n  tls {\n  ca_file = \"gone\"\n}\n}\n}\n":                false,
		"server \"s\" {\n  hostname = \"h\"\n  imap_check \"x\" {\n  login {\n  unknown = 1\n}\n}\n}\n":                     true,
		"server \"s\" {\n  hostname = \"h\"\n  imap_check \"x\" {\n  login {\n  password = credential(\"no\")\n}\n}\n}\n":   true,
		"defaults {\n  unknown = 1\n}\nserver \"s\" {\n  hostname = \"h\"\n" + good + "}\n":                                 false,
		"defaults {\n  tls {\n  ca_file = \"gone\"\n}\n}\nserver \"s\" {\n  hostname = \"h\"\n" + good + "}\n":              false,
		"defaults {\n  login {\n  password = credential(\"no\")\n}\n}\nserver \"s\" {\n  hostname = \"h\"\n" + good + "}\n": true,
	} {
		cfg, _ := hclfile.Salvage(source.OfText("main.hcl", []byte(text)))
		if c := cfg.Checks["s/x"]; (c != nil) != want || c != nil && c.Probe.Login != (config.Login{}) {
			t.Errorf("of\n%s\nis salvaged %+v", text, c)
		}
		if hasLogin := strings.Contains(text, "login {"); cfg.LoginLeftOut["s/x"] != hasLogin {
			t.Errorf("of\n%s\nis a login left out: %v", text, !hasLogin)
		}
	}
}
