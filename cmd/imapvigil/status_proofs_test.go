package main

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// The status says when messages last arrived, what has waited longest first, and no more than a few.
func TestStatusSaysWhenMessagesArrived(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	list := []api.Destination{
		{Role: "it_team", Notifier: "email.mailroom", ProvedAt: ago(2 * time.Hour), ProvedBy: "message"},
		{Role: "it_team", Notifier: "slack.ops", ProvedAt: ago(76 * time.Hour), ProvedBy: "test"},
		{Role: "it_team", Notifier: "teams.ops", ProvedAt: ago(900 * time.Hour), ProvedBy: "message", FailedAt: ago(time.Hour), Error: "HTTP 404"},
		{Role: "cto", Notifier: "sms.gateway"},
	}
	g := &statusPage{program: &program{utc: true}, now: now}
	const want = "Messages last delivered: cto by sms.gateway never; it_team by teams.ops 37d 12h ago, test not delivered 2026-11-30 07:00 UTC; " +
		"it_team by slack.ops 3d 4h ago (test); it_team by email.mailroom 2h ago"
	if got := g.proofsText(list); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	list = append(list, list...)
	if got := g.proofsText(list); got[len(got)-8:] != "; 2 more" {
		t.Error(got)
	}
	if got := g.proofsText(nil); got != "" {
		t.Error(got)
	}
}
