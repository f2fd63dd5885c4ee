package hclfile_test

import (
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
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
	cfg, diags := hclfile.Salvage(read(t, "etc", hclfile.Options{}))
	if !config.HasErrors(diags) || cfg == nil {
		t.Fatal("nothing was wrong")
	}
	if len(cfg.Checks) != 2 || len(cfg.Roles) != 1 || len(cfg.Roles["kept"].Ways) != 1 || cfg.Roles["kept"].Ways[0].During != "" {
		t.Errorf("salvaged %+v, %+v", cfg.Checks, cfg.Roles)
	}
	if got := cfg.Checks["good"]; !slices.Equal(got.Roles, []config.RoleID{"kept"}) || len(got.DependsOn) != 0 {
		t.Errorf("the good check tells %q and depends on %v", got.Roles, got.DependsOn)
	}
	if got := cfg.Checks["quiet"]; len(got.Roles) != 0 {
		t.Errorf("the quiet check tells %q", got.Roles)
	}
}
