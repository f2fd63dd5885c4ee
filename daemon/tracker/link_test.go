package tracker_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// A message about an open incident that nobody works on has the link that acknowledges, for a day
// from when the message was decided, where the status page has an address. It has the code of a
// button for as long as there is something to acknowledge, whether there is a page or not.
func TestMessagesHaveTheLinkThatAcknowledges(t *testing.T) {
	const page = "https://status.example.org/"
	for name, c := range map[string]struct {
		page string
		ago  time.Duration // since it was decided
		kind incident.Kind // what happened last
		want string
		code string
	}{
		"open":         {page, time.Minute, incident.Opened, "https://status.example.org/a/i1.it_team.2000-01-01T23:59:00Z", "i1 by webhook.tickets"},
		"no page":      {"", time.Minute, incident.Opened, "", "i1 by webhook.tickets"},
		"acknowledged": {page, time.Minute, incident.Acknowledged, "", ""},
		"closed":       {page, time.Minute, incident.Closed, "", ""},
		"a day ago":    {page, 24 * time.Hour, incident.Opened, "", "i1 by webhook.tickets"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := incidentOfMessage(t, c.page, time.Now().Add(-c.ago).UTC(), c.kind)
				if got.AcknowledgeURL != c.want || got.AcknowledgeCode != c.code {
					t.Errorf("%q and %q, want %q and %q", got.AcknowledgeURL, got.AcknowledgeCode, c.want, c.code)
				}
			})
		})
	}
}

// incidentOfMessage returns the incident as a message tells it.
func incidentOfMessage(t *testing.T, page string, decided time.Time, last incident.Kind) notifiers.Incident {
	t.Helper()
	var written past
	add := func(kind string, data any) {
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, journal.Record{Seq: uint64(len(written) + 1), At: decided, Kind: kind, Data: text})
	}
	event := incident.Event{At: decided, Since: decided, Incident: "i1", Check: "mx1/imaps", Condition: config.ConditionService, ClosedAs: incident.Recovered}
	kinds := []incident.Kind{incident.Failing, incident.Opened}
	switch last {
	case incident.Acknowledged:
		kinds = append(kinds, last)
	case incident.Closed:
		kinds = append(kinds, incident.Recovering, last)
	}
	for _, event.Kind = range kinds {
		add("incident."+string(event.Kind), event)
	}
	add("telling", outbox.Notification{
		Key: "iv_1", At: decided, NotifyID: config.NotifyID{Role: "it_team", Notifier: "webhook.tickets"}, Kind: webhook.Kind,
		Items: []outbox.Item{{Incident: "i1", Transition: notifiers.Closed, Episode: 1}}, // which no notify block has to ask for
	})
	sent := make(outgoing, 8)
	token := func(id incident.ID, to config.RoleID, until time.Time) string {
		return string(id) + "." + string(to) + "." + until.UTC().Format(time.RFC3339)
	}
	code := func(id incident.ID, by config.NotifierID) string { return string(id) + " by " + string(by) }
	tr, err := tracker.Open(tracker.Options{Journal: written, Sender: sent, LinkToken: token, ButtonCode: code})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	check := &config.Check{ID: "mx1/imaps", Enabled: true}
	if err := tr.Configure(ctx, &config.Config{Checks: map[config.CheckID]*config.Check{check.ID: check}, Daemon: config.Daemon{PublicURL: page}}); err != nil {
		t.Fatal(err)
	}
	if err := tr.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	if len(sent) == 0 {
		t.Fatal("nothing is sent")
	}
	return (<-sent).Items[0].Incident
}

// Who acknowledges once changes nothing where somebody works on the incident already.
func TestAcknowledgedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{}, "partner")
		service := config.ConditionSet(config.ConditionService)
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		w.observe("partner", service, down)
		w.observe("partner", service, down)
		id := w.view().Incidents[0].ID
		for _, by := range []string{"anna", "bert"} {
			before, err := w.tracker.Acknowledge(t.Context(), id, tracker.Acknowledgement{By: by, Once: true})
			if err != nil || before.Acknowledged() != (by == "bert") {
				t.Errorf("%s: %v, before: %+v", by, err, before)
			}
		}
		if in := w.view().Incidents[0]; in.Acknowledged == nil || in.Acknowledged.By != "anna" || len(in.Events) != 3 {
			t.Errorf("acknowledged: %+v, %d events", in.Acknowledged, len(in.Events))
		}
	})
}
