package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// begin is when the clock of a synctest bubble starts.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// past is a journal with a silence, an incident that was reported to two destinations,
// and a message about it that was replaced by a newer one.
func past(t *testing.T) (w written) {
	t.Helper()
	add := func(kind string, ago time.Duration, data any) {
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		w = append(w, journal.Record{Seq: uint64(len(w) + 1), At: begin.Add(-ago), Kind: kind, Data: text})
	}
	at := func(ago time.Duration) time.Time { return begin.Add(-ago) }
	refused := &incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseGreeting, Cause: config.CauseBye,
		Hint: "The server says BYE.", Evidence: opaque.Sanitise("* BYE <overloaded>"), Address: "192.0.2.1",
	}
	event := func(kind incident.Kind, ago time.Duration, f *incident.Finding) {
		add("incident."+string(kind), ago, incident.Event{
			Kind: kind, At: at(ago), Since: at(ago + time.Minute), Incident: "dead0beef0", Check: "mx1/imaps", Condition: config.ConditionService,
			Finding: f, Target: "mx1.example.org:993",
		})
	}
	event(incident.Failing, 20*time.Minute, refused)
	event(incident.Opened, 17*time.Minute, refused)
	tell := func(key outbox.Key, notifier config.NotifierID, kind notifiers.Kind, target string, ago time.Duration, replaces ...outbox.Key) {
		add("telling", ago, outbox.Notification{
			Key: key, At: at(ago), Kind: kind, NotifyID: config.NotifyID{Role: "it_team", Notifier: notifier, Target: target},
			Items: []outbox.Item{{Incident: "dead0beef0", Transition: notifiers.Opened, Episode: 1}}, Replaces: replaces,
		})
	}
	tell("iv_1", "email.mail", email.Kind, "it@example.org", 16*time.Minute)
	tell("iv_2", "webhook.tickets", webhook.Kind, "", 15*time.Minute)
	add("outcome", 14*time.Minute, outbox.Outcome{
		Key: "iv_2", At: at(14 * time.Minute), State: outbox.Sent, Attempts: 1, Receipt: notifiers.Receipt{Answer: opaque.Sanitise("200 OK")},
	})
	tell("iv_3", "email.mail", email.Kind, "it@example.org", 13*time.Minute, "iv_1")
	add("outcome", 12*time.Minute, outbox.Outcome{
		Key: "iv_3", At: at(12 * time.Minute), State: outbox.Dead, Attempts: 3, Error: opaque.Sanitise("550 no such user"),
	})
	add("silence", time.Hour, outbox.Silence{
		ID: "c0ffee", Scope: outbox.Scope{Server: "mx1"}, Reason: "racks", From: at(time.Hour), Until: at(-time.Hour),
	})
	add("silence", time.Hour, outbox.Silence{
		ID: "bygone", Scope: outbox.Scope{Server: "mx1"}, From: at(2 * time.Hour), Until: at(time.Minute),
	})
	return w
}

var configured = &config.Config{
	Servers: map[config.ServerID]*config.Server{"mx1": {ID: "mx1"}},
	Checks: map[config.CheckID]*config.Check{
		"mx1/imaps": {
			ID: "mx1/imaps", Label: "IMAP over TLS", Server: "mx1", Path: []config.GroupID{"europe", "europe/germany"}, Enabled: true,
			Policy: config.Policy{FaultTolerance: time.Hour, RecoveryTolerance: time.Hour},
		},
		"mx1/imap": {
			ID: "mx1/imap", Label: "mx1/imap", Server: "mx1", Path: []config.GroupID{"europe", "europe/germany"}, Enabled: true,
			Policy: config.Policy{FaultTolerance: time.Hour, RecoveryTolerance: time.Hour},
		},
		"new":    {ID: "new", Label: "new", Enabled: true},
		"paused": {ID: "paused", Label: "paused"},
		"racks":  {ID: "racks", Label: "racks", Enabled: true},
		"well":   {ID: "well", Label: "well", Enabled: true},
	},
	Groups:      map[config.GroupID]*config.Group{"europe": {ID: "europe", Label: "europe"}, "europe/germany": {ID: "europe/germany", Label: "Deutschland"}},
	Maintenance: []config.Maintenance{{Name: "move", AppliesTo: []config.Ref{{Check: "racks"}}, Zone: time.UTC, Start: begin.Add(-time.Hour), Clock: begin.Add(-time.Hour), Duration: 3 * time.Hour}},
}

// seen runs a tracker with what is in [past], lets it see a few probes, and gives it to
// do.
func seen(t *testing.T, do func(*tracker.Tracker)) {
	t.Helper()
	tr, err := tracker.Open(tracker.Options{Journal: past(t), Sender: nobody{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	if err := tr.Configure(ctx, configured); err != nil {
		t.Fatal(err)
	}
	probe := func(id config.CheckID, findings ...incident.Finding) {
		now := time.Now()
		tr.Observe(ctx, incident.Result{
			Check: id, Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService), Findings: findings, Target: "mx1.example.org:143",
			Addresses: []incident.Address{{Node: "here", IP: netip.MustParseAddr("192.0.2.1"), Port: 143, Health: incident.OK}},
		})
	}
	timeout := incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseTimeout, Hint: "Nothing answers.",
	}
	probe("well")
	probe("racks", timeout)
	probe("mx1/imap", timeout)
	time.Sleep(time.Minute)
	probe("mx1/imaps")
	probe("mx1/imap")
	do(tr)
}

type nobody struct{}

func (nobody) Send(config.NotifyID, json.RawMessage, notifiers.Message) {}

// shown is a snapshot for tests of what crosses the socket.
func shown(t *testing.T) (s *tracker.Snapshot) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		seen(t, func(tr *tracker.Tracker) {
			var err error
			if s, err = tr.Snapshot(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
	return s
}

// The JSON of status and incidents is an interface. The golden files were written by
// what was there before snapshots.
func TestWhatIsShownAsJSON(t *testing.T) {
	s := shown(t)
	f := &fake{snapshot: s}
	for name, value := range map[string]any{
		"status":    api.NewStatus(s, f.Self(), f.NextProbe),
		"incidents": api.NewIncidents(s),
		"silences":  api.NewSilences(s, false),
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetIndent("", "  ")
			if err := e.Encode(value); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".json")
			golden.Compare(t, file, text.String())
		})
	}
}
