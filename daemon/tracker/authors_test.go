package tracker_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// TestAcknowledgementsHaveAuthors follows who works on an incident: each acknowledgement
// replaces the one before with its time, and is taken back once.
func TestAcknowledgementsHaveAuthors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{}, "partner")
		service := config.ConditionSet(config.ConditionService)
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		w.observe("partner", service, down)
		w.observe("partner", service, down)
		id := w.view().Incidents[0].ID
		ctx := t.Context()

		hour := time.Now().Add(time.Hour)
		before, err := w.tracker.Acknowledge(ctx, id, tracker.Acknowledgement{By: "anna", Reason: "new disk", Until: hour})
		if err != nil || before.Acknowledged() {
			t.Fatalf("%v, before: %+v", err, before)
		}
		before, err = w.tracker.Acknowledge(ctx, id, tracker.Acknowledgement{By: "bert\x1b[31m", Reason: "I go on"})
		if err != nil || before.AckedBy != "anna" || before.AckReason != "new disk" || !before.AckedUntil.Equal(hour) {
			t.Errorf("%v, before: %+v", err, before)
		}
		// The first would have ended by now; the second lasts.
		time.Sleep(2 * time.Hour)
		if a := w.view().Incidents[0].Acknowledged; a == nil || a.By != `bert\x1b[31m` || a.Until != nil || a.Reason != "I go on" {
			t.Errorf("acknowledged: %+v", a)
		}
		before, err = w.tracker.Unacknowledge(ctx, id, "anna")
		if err != nil || before.AckReason != "I go on" {
			t.Errorf("%v, before: %+v", err, before)
		}
		if _, err := w.tracker.Unacknowledge(ctx, id, "anna"); err == nil || err.Error() != "incident "+string(id)+" is not acknowledged" {
			t.Errorf("taken back twice: %v", err)
		}
		if _, err := w.tracker.Acknowledge(ctx, id, tracker.Acknowledgement{Until: time.Now()}); err == nil {
			t.Error("an acknowledgement that is over at once")
		}
		in := w.view().Incidents[0]
		if in.State != incident.StatusOpen || in.Acknowledged != nil {
			t.Errorf("it is %s, %+v", in.State, in.Acknowledged)
		}
		var got []string
		for _, e := range in.Events[2:] {
			got = append(got, string(e.Kind)+" by "+e.By)
		}
		if diff := cmp.Diff([]string{"acknowledged by anna", `acknowledged by bert\x1b[31m`, "unacknowledged by anna"}, got); diff != "" {
			t.Errorf("events:\n%s", diff)
		}
	})
}

// TestRecordsWithoutAuthors reads acknowledgements and silences of a journal that was
// written before there were authors.
func TestRecordsWithoutAuthors(t *testing.T) {
	const at = `"at":"2026-11-24T08:00:00Z","incident":"8wswsqxagv","check":"mx1/imaps","condition":"service"`
	var old past
	for _, record := range [][2]string{
		{"incident.failing", `{"kind":"failing",` + at + `,"since":"2026-11-24T08:00:00Z","finding":{"condition":"service","health":"down","phase":"connect","cause":"refused"}}`},
		{"incident.opened", `{"kind":"opened",` + at + `,"finding":{"condition":"service","health":"down","phase":"connect","cause":"refused"}}`},
		{"incident.acknowledged", `{"kind":"acknowledged",` + at + `,"reason":"on it","until":"2099-11-24T10:00:00+02:00"}`},
		{"silence", `{"id":"c0ffee","scope":{"server":"mx1"},"reason":"racks","from":"2026-11-24T08:00:00+01:00","until":"2099-11-24T08:00:00+01:00"}`},
	} {
		old = append(old, journal.Record{At: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), Kind: record[0], Data: json.RawMessage(record[1])})
	}
	tr, err := tracker.Open(tracker.Options{Journal: old, Sender: make(outgoing, 8)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	s, err := tr.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Config = &config.Config{Servers: map[config.ServerID]*config.Server{"mx1": {}}}
	a := api.NewIncidents(s).Incidents[0].Acknowledged
	if a == nil || a.By != "" || a.Reason != "on it" || a.Until == nil || !a.Until.Equal(time.Date(2099, 11, 24, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("acknowledged: %+v", a)
	}
	want := api.ListedSilence{Silence: api.Silence{
		ID: "c0ffee", Scope: outbox.Scope{Server: "mx1"}, Reason: "racks",
		From: time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), Until: time.Date(2099, 11, 24, 7, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff([]api.ListedSilence{want}, api.NewSilences(s, false).Silences); diff != "" {
		t.Error(diff)
	}
}

// TestSilencesOfNothing refuses what would mute nothing, and counts what is muted.
func TestSilencesOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{
			Groups:  map[config.GroupID]*config.Group{"europe": {ID: "europe"}},
			Servers: map[config.ServerID]*config.Server{"mx1": {ID: "mx1"}},
		}, "partner")
		until := time.Now().Add(time.Hour)
		for _, test := range []struct {
			scope outbox.Scope
			err   string
		}{
			{outbox.Scope{Check: "partner"}, ""},
			{outbox.Scope{Check: "partnr"}, "there is no check partnr"},
			{outbox.Scope{Group: "europe"}, "group europe has no checks, so there is nothing to silence"},
			{outbox.Scope{Server: "mx1"}, "server mx1 has no checks, so there is nothing to silence"},
			{outbox.Scope{}, "a silence needs a group, a server, a check or a role"},
		} {
			s, err := w.tracker.Silence(t.Context(), outbox.Silence{Scope: test.scope, By: "anna", Until: until})
			if err == nil && (test.err != "" || s.By != "anna") || err != nil && err.Error() != test.err {
				t.Errorf("%s: %+v, %v, want %q", test.scope, s, err, test.err)
			}
		}
	})
}
