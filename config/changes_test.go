package config_test

import (
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func TestSummary(t *testing.T) {
	port := func(old, new string) []config.AttributeChange {
		return []config.AttributeChange{{Name: "port", Old: old, New: new}}
	}
	many := make([]config.AttributeChange, 5)
	for i := range many {
		many[i] = config.AttributeChange{Name: "label", Old: "", New: "äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü"}
	}
	for _, test := range []struct {
		diff config.Diff
		want string
	}{
		{config.Diff{}, "no check and no other block changed"},
		{config.Diff{
			Added: []config.CheckID{"a", "b"}, Removed: []config.CheckID{"c"},
			Changed: []config.Change{{ID: "mx1/imaps", Attributes: port("993", "994")}},
		}, "2 added, 1 changed (mx1/imaps: port 993 -> 994), 1 removed"},
		{config.Diff{Changed: []config.Change{
			{ID: "a", Attributes: port("1", "2")},
			{ID: "b", Attributes: port("3", "4")},
			{ID: "c", Attributes: []config.AttributeChange{{Name: "login.password", Old: "(sensitive)", New: "(sensitive)"}}},
			{ID: "d", Attributes: port("5", "6")},
			{ID: "e", Attributes: port("7", "8")},
		}}, "5 changed (a: port 1 -> 2; b: port 3 -> 4; c: login.password and 2 more)"},
		{config.Diff{Changed: []config.Change{
			{ID: "a", Attributes: port("1", "2")}, {ID: "b", Attributes: port("1", "2")}, {ID: "c", Attributes: port("1", "2")},
		}}, "3 changed (all: port 1 -> 2)"},
		{
			config.Diff{Changed: []config.Change{{ID: "a", Attributes: many}}},
			"1 changed (a: label (none) -> äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü…, label (none) -> äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü…, " +
				"label (none) -> äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü… and 2 more)",
		},
		{config.Diff{
			Moved:     []config.Move{{From: "a", To: "b"}},
			Elsewhere: []string{"daemon", "notification_role.it", "notification_role.x", "notifier.email.m"},
		}, "1 moved (a -> b), other blocks: daemon, notification_role.it, notification_role.x and 1 more"},
	} {
		if got := test.diff.Summary(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// at makes a check probe a port, by which its probe is told from others.
func at(port uint16) func(*config.Check) { return func(c *config.Check) { c.Probe.Port = port } }

func TestRenames(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new []*config.Check
		want     []config.Move
	}{
		{"a check", []*config.Check{check("a", at(1))}, []*config.Check{check("b", at(1))}, []config.Move{{From: "a", To: "b"}}},
		{"another probe", []*config.Check{check("a", at(1))}, []*config.Check{check("b", at(2))}, nil},
		{
			"a server",
			[]*config.Check{check("mx1/imaps", at(1)), check("mx1/starttls", at(2))},
			[]*config.Check{check("mail/imaps", at(1)), check("mail/starttls", at(2))},
			[]config.Move{{From: "mx1/imaps", To: "mail/imaps"}, {From: "mx1/starttls", To: "mail/starttls"}},
		},
		{
			"alike, told by the last part",
			[]*config.Check{check("mx1/a"), check("mx1/b")},
			[]*config.Check{check("mail/b"), check("mail/c")},
			[]config.Move{{From: "mx1/a", To: "mail/c"}, {From: "mx1/b", To: "mail/b"}},
		},
		{"two that could be it", []*config.Check{check("a")}, []*config.Check{check("b"), check("c")}, nil},
		{"two that could have been it", []*config.Check{check("a"), check("b")}, []*config.Check{check("c")}, nil},
		{"one that stays", []*config.Check{check("a")}, []*config.Check{check("a"), check("b")}, nil},
	} {
		old, is := checks(test.old...), checks(test.new...)
		if got := config.Renames(config.Compare(old, is), old, is); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestMovedBlock(t *testing.T) {
	want := "moved {\n  from = \"mx1/imaps\"\n  to   = \"mail/imaps\"\n}\n"
	if got := (config.Move{From: "mx1/imaps", To: "mail/imaps"}).Block(); got != want {
		t.Error(got)
	}
}
