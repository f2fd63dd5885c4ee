package tracker_test

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// A past is a journal that was written before the start.
type past []journal.Record

func (past) Append(...journal.Record) error         { return nil }
func (past) Status() journal.Status                 { return journal.Status{Durable: true} }
func (past) Size() int64                            { return 0 }
func (past) Wanted() <-chan struct{}                { return nil }
func (past) Verify()                                {}
func (past) Compact(iter.Seq[journal.Record]) error { return nil }

func (p past) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range p {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// outgoing keeps the messages that a tracker hands over.
type outgoing chan notifiers.Message

func (o outgoing) Send(_ config.NotifyID, _ json.RawMessage, m notifiers.Message) { o <- m }

// What the journal still owes waits for the configuration: without it a closing
// would go out without labels, and along notifiers that are not open yet.
func TestNothingIsSentBeforeTheFilesAreRead(t *testing.T) {
	start := time.Now().Add(-time.Minute)
	event := incident.Event{At: start, Since: start, Incident: "i1", Check: "mx1/imaps", Condition: config.ConditionService}
	kinds := []incident.Kind{incident.Failing, incident.Opened, incident.Recovering, incident.Closed}
	var written past
	add := func(kind string, data any) {
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, journal.Record{Seq: uint64(len(written) + 1), At: start, Kind: kind, Data: text})
	}
	for _, event.Kind = range kinds {
		add("incident."+string(event.Kind), event)
	}
	add("telling", outbox.Notification{
		Key: "iv_1", At: start, NotifyID: config.NotifyID{Role: "it_team", Notifier: "webhook.tickets"}, Kind: webhook.Kind,
		Items: []outbox.Item{{Incident: "i1", Transition: notifiers.Closed, Episode: 1}},
	})
	sent := make(outgoing, 8)
	tr, err := tracker.Open(tracker.Options{Journal: written, Sender: sent})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	if err := tr.Ping(ctx); err != nil { // a round, in which it could be sent
		t.Fatal(err)
	}
	if len(sent) > 0 {
		t.Fatalf("sent without a configuration: %+v", <-sent)
	}
	check := &config.Check{ID: "mx1/imaps", Label: "IMAP over TLS", Enabled: true}
	if err := tr.Configure(ctx, &config.Config{Checks: map[config.CheckID]*config.Check{check.ID: check}}); err != nil {
		t.Fatal(err)
	}
	m := <-sent
	labels := []string{}
	for _, item := range m.Items {
		labels = append(labels, item.Incident.Label)
	}
	if want := []string{"IMAP over TLS"}; m.Key != "iv_1" || !slices.Equal(labels, want) {
		t.Errorf("message %s about %q, want iv_1 about %q", m.Key, labels, want)
	}
}

// A journal may have lost what a message tells of. That is not sent, and nobody
// tries for ever.
func TestAMessageAboutNothingIsNotSent(t *testing.T) {
	text, err := json.Marshal(outbox.Notification{
		Key: "iv_1", At: time.Now(), NotifyID: config.NotifyID{Role: "it_team", Notifier: "webhook.tickets"}, Kind: webhook.Kind,
		Items: []outbox.Item{{Incident: "lost", Transition: notifiers.Closed, Episode: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(outgoing, 8)
	tr, err := tracker.Open(tracker.Options{
		Journal: past{{Seq: 1, At: time.Now(), Kind: "telling", Data: text}}, Sender: sent,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	if err := tr.Configure(ctx, &config.Config{}); err != nil {
		t.Fatal(err)
	}
	if v := look(t, tr); v.Notifications.Queued != 0 || len(sent) > 0 {
		t.Errorf("%d messages are queued, %d sent", v.Notifications.Queued, len(sent))
	}
}
