package hclfile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// TestLanguageKnowsEveryCondition lets a notify block ask for each condition, and
// looks for it in the manual.
func TestLanguageKnowsEveryCondition(t *testing.T) {
	var page bytes.Buffer
	if err := hclfile.Manual(&page, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for c := range config.AllConditions().All() {
		cfg, diags := loadText(fmt.Sprintf(`
notifier "webhook" "hook" {
  url = "https://example.org/hook"
}
notification_role "it" {
  notify {
    via        = notifier.webhook.hook
    conditions = [%q]
  }
}
`, c))
		if cfg == nil {
			t.Errorf("%s: %v", c, diags)
			continue
		}
		if got := cfg.Roles["it"].Notify[0].Conditions; got != config.ConditionSet(c) {
			t.Errorf("%s is read as %v", c, got)
		}
		if !strings.Contains(page.String(), `\(dq`+string(c)+`\(dq`) {
			t.Errorf("the manual does not name the condition %s", c)
		}
	}
}

// TestLanguageKnowsEveryThreshold sets each threshold to a time of its own.
func TestLanguageKnowsEveryThreshold(t *testing.T) {
	var body strings.Builder
	var want config.PhaseTimes
	for p := range config.LimitedPhases() {
		want[p] = time.Duration(p+1) * time.Second
		fmt.Fprintf(&body, "    %s = \"%ds\"\n", p.TimeKey(), p+1)
	}
	cfg, diags := loadText(`
imap_check "mx" {
  hostname           = "mx.example.org"
  notification_roles = []
  thresholds {
` + body.String() + `  }
}
`)
	if cfg == nil {
		t.Fatal(diags)
	}
	if got := cfg.Checks["mx"].Probe.Thresholds; got != want {
		t.Errorf("read as %v, want %v", got, want)
	}
}
