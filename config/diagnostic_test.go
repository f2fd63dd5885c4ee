package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// Three hundred warnings of one rule are one, errors and few warnings stay.
func TestGatherWarnings(t *testing.T) {
	var diags []config.Diagnostic
	add := func(g config.Gravity, rule string, n int) {
		for i := range n {
			diags = append(diags, config.Diagnostic{Gravity: g, Rule: rule, Detail: fmt.Sprintf("Number %d.", i), Pos: config.Pos{File: "a.hcl", Line: int32(i + 1), Column: 1}})
		}
	}
	add(config.Error, "wrong", 5)
	add(config.Warning, "few", 3)
	add(config.Warning, "many", 300)
	add(config.Warning, "", 5) // of no rule: nothing says that they are alike
	gathered := config.GatherWarnings(diags)
	if len(gathered) != 5+3+1+5 {
		t.Fatalf("%d are left", len(gathered))
	}
	want := "Number 0.\n299 more warnings of this kind: a.hcl:2:1, a.hcl:3:1 and 297 others; imapvigil validate --json lists them all."
	if last := gathered[8]; last.Detail != want {
		t.Errorf("got %q", last.Detail)
	}
	if strings.Contains(diags[8].Detail, "more") {
		t.Error("the diagnostics themselves were changed")
	}
}

// A reminder of what is only degraded comes once a day at most.
func TestRemindEvery(t *testing.T) {
	for remind, degraded := range map[string]string{"0s": "0s", "10m": "1d", "4h": "1d", "2d": "2d"} {
		span, err := config.ParseDuration(remind)
		if err != nil {
			t.Fatal(err)
		}
		p := config.Policy{Remind: span}
		if got := config.FormatDuration(p.RemindEvery(config.SeverityDegraded)); got != degraded {
			t.Errorf("degraded, %s: every %s", remind, got)
		}
		if p.RemindEvery(config.SeverityDown) != span {
			t.Errorf("down, %s: every %s", remind, p.RemindEvery(config.SeverityDown))
		}
	}
}
