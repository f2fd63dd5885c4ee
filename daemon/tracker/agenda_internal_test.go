package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// The agenda only saves looking: at any moment, looking at all incidents gives
// nothing to tell that has not been told. And what compaction writes is all there
// is to know: a tracker that begins with it goes on as the one before it.
func TestAgendaMissesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMiniature(t)
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"probe":     m.probe,
			"well":      func(t *rapid.T) { m.observe(m.draw(t), nil) },
			"wait":      m.wait,
			"configure": m.configure,
			"silence":   m.silence,
			"ack":       m.ack,
			"unack":     m.unack,
			"answer":    m.answer,
			"compact":   m.compact,
			"suspend":   func(*rapid.T) { m.wall += time.Hour; m.round() },
		})
	})
}

// memory is a journal that keeps nothing but what it began with.
type memory []journal.Record

func (memory) Append(...journal.Record) error { return nil }
func (m memory) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range m {
			if !yield(r, nil) {
				return
			}
		}
	}
}
func (memory) Status() journal.Status                       { return journal.Status{Durable: true} }
func (memory) Size() int64                                  { return 0 }
func (memory) Wanted() <-chan struct{}                      { return nil }
func (memory) Verify()                                      {}
func (memory) Compact(state iter.Seq[journal.Record]) error { return nil }

// A miniature is a tracker whose rounds the test makes itself.
type miniature struct {
	*rapid.T
	tracker *Tracker
	now     time.Time
	wall    time.Duration // by which the clock on the wall is ahead
	flying  []outbox.Key
	gate    config.CheckID // what the check "gate" is called now
}

func (m *miniature) Send(_ config.NotifyID, _ json.RawMessage, msg notifiers.Message) {
	m.flying = append(m.flying, outbox.Key(msg.Key))
}

type settings struct{ notifiers.Settings }

func (settings) Kind() notifiers.Kind { return email.Kind }

type programs struct{ notifiers.Settings }

func (programs) Kind() notifiers.Kind { return webhook.Kind }

type place string

func (p place) String() string { return string(p) }

func newMiniature(t *rapid.T) *miniature {
	m := &miniature{T: t, now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}
	m.tracker = m.open(nil)
	m.configure(t)
	return m
}

func (m *miniature) open(began memory) *Tracker {
	return m.openWith(Options{Journal: began, Sender: m})
}

func (m *miniature) openWith(o Options) *Tracker {
	tr, err := Open(Options{
		Journal: o.Journal, Sender: o.Sender, Standby: o.Standby, Jitter: func() float64 { return 0.5 },
		Clock: func() clock.Reading { return clock.Reading{At: m.now, Wall: m.now.Add(m.wall), Suspended: m.wall} },
		Rates: outbox.Rates{First: 10 * time.Second, Every: time.Minute, Digest: 5 * time.Minute, Large: 3},
	})
	if err != nil {
		m.Fatal(err)
	}
	tr.started = m.now
	return tr
}

// compactJournal has a tracker that knows what compaction writes take the place of the
// one before it. The clock may have been set back meanwhile.
func (m *miniature) compact(t *rapid.T) {
	for len(m.flying) > 0 {
		m.answer(t)
	}
	old, records := m.tracker, memory(slices.Collect(m.tracker.snapshotRecords(m.now)))
	again := m.reborn(old, records)
	was, is := contents(old), contents(again)
	m.same("what is shown", was, is)
	for _, later := range []time.Duration{0, time.Minute, 10 * time.Minute, time.Hour} {
		then := m.now.Add(later)
		was := outbox.Plan(old.book, old.world(true, nil, then), then)
		is := outbox.Plan(again.book, again.world(true, nil, then), then)
		m.same("notifications", was.Tell, is.Tell)
		m.same("undelivered openings", was.Undelivered, is.Undelivered)
	}
	m.tracker = m.reborn(old, records)
	m.now = m.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 1, 300}).Draw(t, "back")) * time.Minute)
	m.round()
}

// contents lists what a reader is shown, without what counts versions.
func contents(t *Tracker) (list []any) {
	s := t.publish()
	for c := range s.Checks() {
		state := *c.CheckState
		state.Version = 0
		if len(state.Incidents) == 0 {
			state.Incidents = nil // one that had some, which have moved, has an empty list
		}
		list = append(list, c.ID, state)
	}
	incidents := slices.SortedFunc(s.Incidents(), func(a, b *IncidentState) int { return cmpID(a.Incident, b.Incident) })
	for _, in := range incidents {
		var deliveries []DeliveryState
		for d := range s.Deliveries(in) {
			deliveries = append(deliveries, *d)
			deliveries[len(deliveries)-1].Version = 0
		}
		list = append(list, in.Incident, in.Events, in.Held, deliveries)
	}
	queued, dead := s.Counts()
	return append(list, queued, dead, s.CountHeld())
}

func cmpID(a, b incident.Incident) int { return strings.Compare(string(a.ID), string(b.ID)) }

// reborn makes a tracker of what was written, beside what the one before it has
// observed.
func (m *miniature) reborn(old *Tracker, records memory) *Tracker {
	again := m.open(records)
	again.useConfiguration(old.cfg)
	again.started, again.lastRound, again.clock = old.started, old.lastRound, old.clock
	for id := range old.ledger.records {
		again.book.Hold(nil, old.book.Held(id))
	}
	m.same("broken notifiers", old.channels.broken, again.channels.broken)
	for id, c := range old.checks {
		known := again.ensureCheck(id)
		known.fresh, known.served, known.last = c.fresh, c.served, c.last
		known.unknown, known.since = c.unknown, c.since
		again.published.checkChanged(known)
		m.same("incidents of "+string(id), slices.Collect(c.state.Incidents()), slices.Collect(known.state.Incidents()))
	}
	return again
}

// same compares as JSON, which knows no monotonic clock.
func (m *miniature) same(what string, was, is any) {
	var texts [2]string
	for i, v := range []any{was, is} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			m.Fatal(err)
		}
		texts[i] = string(text)
	}
	if diff := cmp.Diff(strings.Split(texts[0], "\n"), strings.Split(texts[1], "\n")); diff != "" {
		m.Fatalf("%s differ after a compaction (-before +after):\n%s", what, diff)
	}
}

var ids = []config.CheckID{"mx/a", "mx/b", "gate", "child", "grandchild"}

// draw gives a check, under the name that it has now.
func (m *miniature) draw(t *rapid.T) config.CheckID {
	id := rapid.SampledFrom(ids).Draw(t, "check")
	if id == "gate" {
		return m.gate
	}
	return id
}

func (m *miniature) configure(t *rapid.T) {
	seconds := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 10).Draw(t, name)) * 15 * time.Second
	}
	mail, phone := config.NotifyID{Role: "it", Notifier: "email.mail"}, config.NotifyID{Role: "it", Notifier: "email.phone"}
	hook := config.NotifyID{Role: "ops", Notifier: "webhook.hook"}
	old := m.gate
	m.gate = rapid.SampledFrom([]config.CheckID{"gate", "gate", "portal"}).Draw(t, "name of the gate")
	cfg := &config.Config{
		Moved:  []config.Move{{From: old, To: m.gate}},
		Checks: map[config.CheckID]*config.Check{}, Servers: map[config.ServerID]*config.Server{"mx": {ID: "mx"}},
		Notifiers: map[config.NotifierID]*config.Notifier{
			"email.mail":   {Settings: settings{}, MaxPerHour: rapid.IntRange(0, 6).Draw(t, "max")},
			"email.phone":  {Settings: settings{}},
			"webhook.hook": {Settings: programs{}, MaxPerHour: rapid.IntRange(0, 6).Draw(t, "max")},
		},
		Roles: map[config.RoleID]*config.Role{
			"it": {ID: "it", Notify: []config.Notify{
				{ID: mail, Target: place("")}, {ID: phone, Target: place(""), After: 4 * time.Minute, During: "night"},
			}},
			"ops": {ID: "ops", Notify: []config.Notify{{ID: hook, Target: place("")}}},
		},
		Schedules: map[config.ScheduleID]*config.Schedule{"night": {ID: "night", Zone: time.UTC, Windows: []config.Window{
			{Days: [7]bool{true, true, true, true, true, true, true}, From: 10, To: 25},
			{Days: [7]bool{true, true, true, true, true, true, true}, From: 60, To: 1440},
		}}},
		Maintenance: []config.Maintenance{{
			Zone: time.UTC, Start: m.now.Add(seconds("start")), Duration: time.Minute + seconds("lasts"), AppliesTo: []config.Ref{{Check: m.gate}},
		}},
		Daemon: config.Daemon{Roles: []config.RoleID{"ops"}},
	}
	for _, id := range ids {
		if id == "gate" {
			id = m.gate
		}
		c := &config.Check{
			ID: id, Enabled: rapid.IntRange(0, 5).Draw(t, "enabled") > 0,
			Roles: rapid.SampledFrom([][]config.RoleID{{"it", "ops"}, {"it"}}).Draw(t, "roles"),
			Policy: config.Policy{
				FaultTolerance: seconds("fault"), RecoveryTolerance: seconds("recovery"), ReopenWithin: time.Hour,
				Remind: rapid.SampledFrom([]time.Duration{10 * time.Minute, 0}).Draw(t, "remind"), // 0: nothing else wakes
			},
		}
		switch id {
		case "mx/a":
			c.Server = "mx"
		case "mx/b": // so that the server may be undecided for the sake of the gate
			c.Server, c.DependsOn = "mx", []config.Ref{{Check: m.gate}}
		case "child":
			c.DependsOn = []config.Ref{{Check: m.gate}}
		case "grandchild":
			c.DependsOn = []config.Ref{{Server: "mx"}, {Check: "child"}}
		}
		if rapid.IntRange(0, 9).Draw(t, "there") > 0 {
			cfg.Checks[id] = c
		}
	}
	m.round(func(t *Tracker, r *round) { t.configure(r, cfg) })
}

func (m *miniature) probe(t *rapid.T) {
	id := m.draw(t)
	phase := rapid.SampledFrom([]config.Phase{config.PhaseConnect, config.PhaseGreeting}).Draw(t, "phase")
	for range rapid.IntRange(1, 4).Draw(t, "probes") {
		m.observe(id, []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: phase, Cause: config.CauseTimeout}})
	}
}

func (m *miniature) observe(id config.CheckID, findings []incident.Finding) {
	m.pass(15 * time.Second)
	m.round(func(t *Tracker, r *round) {
		t.observe(r, incident.Result{
			Check: id, Target: "mx:993", Started: m.now, Ended: m.now, Findings: findings,
			Observed: config.ConditionSet(config.ConditionService, config.ConditionCertificate),
		})
	})
}

func (m *miniature) wait(t *rapid.T) {
	m.pass(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second)
}

// pass lets time go by; the tracker wakes when it wants to.
func (m *miniature) pass(d time.Duration) {
	const glance = 20 * time.Second
	for end := m.now.Add(d); m.now.Before(end); {
		pause := m.tracker.sleepTime(m.now)
		if step := min(glance, end.Sub(m.now)); pause > step {
			m.now = m.now.Add(step)
			m.check(m.T)
			continue
		}
		m.now = m.now.Add(max(pause, time.Millisecond))
		m.round()
	}
}

func (m *miniature) silence(t *rapid.T) {
	scope := rapid.SampledFrom([]outbox.Scope{{Check: m.gate}, {Server: "mx"}, {Role: "it"}}).Draw(t, "scope")
	until := m.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
	m.round(func(t *Tracker, r *round) { _, _ = t.silence(r, outbox.Silence{Scope: scope, Until: until}) }) // refused when there is no such check
}

func (m *miniature) ack(*rapid.T) {
	var inputs []input
	for id := range m.tracker.ledger.active {
		inputs = append(inputs, func(t *Tracker, r *round) {
			_, _ = t.acknowledge(r, id, Acknowledgement{Until: m.now.Add(5 * time.Minute)})
		}) // refused when it is not open
	}
	m.round(inputs...)
}

func (m *miniature) unack(*rapid.T) {
	var inputs []input
	for id := range m.tracker.ledger.active {
		inputs = append(inputs, func(t *Tracker, r *round) {
			_, _ = t.noteWork(r, id, incident.Event{Kind: incident.Unacknowledged, By: "anna"})
		}) // refused when it is not acknowledged
	}
	m.round(inputs...)
}

// answer ends the attempts that are under way, well or not.
func (m *miniature) answer(t *rapid.T) {
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "answer") {
	case 1:
		err = errors.New("refused")
	case 2:
		err = notifiers.Permanent(errors.New("no such user"))
	}
	flying := m.flying
	m.flying = nil
	for _, key := range flying {
		m.round(func(t *Tracker, r *round) { t.conclude(r, outbox.Attempt{Key: key, At: m.now, Err: err}) })
	}
}

func (m *miniature) round(inputs ...input) {
	for _, in := range inputs {
		if err := m.tracker.round(context.Background(), []input{in}, m.now); err != nil {
			panic(err)
		}
	}
	if len(inputs) == 0 {
		if err := m.tracker.round(context.Background(), nil, m.now); err != nil {
			panic(err)
		}
	}
	for m.tracker.sleepTime(m.now) == 0 { // it wants to go on at once
		if err := m.tracker.round(context.Background(), nil, m.now); err != nil {
			panic(err)
		}
	}
	m.check(m.T)
}

func (m *miniature) check(t *rapid.T) {
	tr := m.tracker
	all := outbox.Plan(tr.book, tr.world(true, nil, m.now), m.now)
	if len(all.Tell) > 0 {
		t.Fatalf("at %s nobody was told %v", m.now, all.Tell)
	}
}
