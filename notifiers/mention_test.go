package notifiers_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Phones ring for what is wrong, as the notify block says, and never for what is over or worked on.
func TestMayMention(t *testing.T) {
	t.Parallel()
	item := func(transition notifiers.Transition, severity string) notifiers.Item {
		return notifiers.Item{Transition: transition, Incident: notifiers.Incident{Severity: severity}}
	}
	for _, c := range []struct {
		from string // mention_severity
		item notifiers.Item
		want bool
	}{
		{"", item(notifiers.Opened, "degraded"), true},
		{"degraded", item(notifiers.Reminder, "degraded"), true},
		{"down", item(notifiers.Opened, "degraded"), false},
		{"down", item(notifiers.Changed, "down"), true},
		{"down", item(notifiers.Reminder, "degraded"), false},
		{"down", item(notifiers.Escalated, "degraded"), true},
		{"", item(notifiers.Closed, "down"), false},
		{"", item(notifiers.Acknowledged, "down"), false},
		{"down", item(notifiers.Acknowledged, "down"), false},
	} {
		m := notifiers.Message{Items: []notifiers.Item{c.item}, MentionSeverity: c.from}
		if got := m.MayMention(); got != c.want {
			t.Errorf("%s of what is %s, from %q on: %v", c.item.Transition, c.item.Incident.Severity, c.from, got)
		}
	}
	if (notifiers.Message{}).MayMention() {
		t.Error("a test mentions somebody")
	}
	m := notifiers.Message{MentionSeverity: "down", Items: []notifiers.Item{item(notifiers.Closed, "down"), item(notifiers.Opened, "degraded")}}
	if m.MayMention() {
		t.Error("what is over was down, and what is open is degraded")
	}
	m.Items = append(m.Items, item(notifiers.Changed, "down"))
	if !m.MayMention() {
		t.Error("one of several is down")
	}
}
