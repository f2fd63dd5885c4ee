package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// bounded is a tracker with a journal on a disk, and a clock of its own. It lives
// in a bubble of testing/synctest, in which a slow disk takes no time.
type bounded struct {
	*testing.T
	*Tracker
	dir string
	now time.Time
}

func newBounded(t *testing.T) *bounded {
	t.Helper()
	b := &bounded{T: t, dir: t.TempDir(), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	b.open()
	return b
}

// noSender sends nothing.
type noSender struct{}

func (noSender) Send(config.NotifyID, json.RawMessage, notifiers.Message) {}

func (b *bounded) open() {
	b.Helper()
	j, err := journal.Open(b.dir, journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if b.Tracker, err = Open(Options{Journal: j, Sender: noSender{}}); err != nil {
		b.Fatal(err)
	}
	b.useConfiguration(&config.Config{Checks: map[config.CheckID]*config.Check{"c": {ID: "c", Enabled: true}}})
	b.Cleanup(func() { _ = j.Close() })
}

// again gives what a start after kill -9 finds.
func (b *bounded) again() {
	b.Helper()
	if err := b.Journal.(*journal.Journal).Close(); err != nil {
		b.Fatal(err)
	}
	b.open()
}

// inputs makes one round of them, a second later.
func (b *bounded) inputs(list ...input) {
	b.now = b.now.Add(time.Second)
	if err := b.round(context.Background(), list, b.now); err != nil {
		panic(err)
	}
}

// happened is an input of events that something else has decided.
type happened []incident.Event

func (in happened) handle(t *Tracker, r *round) { t.addEvents(r, in) }

func begun(id incident.ID, check config.CheckID, at time.Time) happened {
	e := incident.Event{At: at, Since: at, Incident: id, Check: check, Condition: config.ConditionService}
	failing, opened := e, e
	failing.Kind, opened.Kind = incident.Failing, incident.Opened
	return happened{failing, opened}
}

// known is all that is in memory of incidents, with their events.
func (b *bounded) known() map[incident.ID]string {
	m := map[incident.ID]string{}
	for id, rec := range b.ledger.records {
		text, err := json.Marshal(whole{rec.incident, rec.events, false})
		if err != nil {
			b.Fatal(err)
		}
		m[id] = string(text)
	}
	return m
}

// A record that is too large is refused alone: nothing comes of it, the rest of
// its round is kept, a monitor incident says so for an hour, and what is in
// memory is what a replay gives.
func TestARecordThatIsTooLargeIsRefusedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		large := begun("large", config.CheckID(strings.Repeat("x", journal.MaxData)), b.now)
		b.inputs(begun("before", "a", b.now).handle, large.handle, begun("after", "c", b.now).handle)
		trouble := b.stateOf(Records.check())
		in, _ := trouble.Incident(config.ConditionMonitor)
		if !in.Open() || !strings.Contains(in.Finding.Hint, "at most 1048576 are kept") {
			t.Errorf("the monitor incident: %+v", in)
		}
		for _, stage := range []string{"in memory", "after a restart"} {
			want := []incident.ID{"after", "before", in.ID}
			slices.Sort(want)
			if ids := slices.Sorted(maps.Keys(b.ledger.records)); !slices.Equal(ids, want) {
				t.Errorf("%s: incidents %q, want %q", stage, ids, want)
			}
			before := b.known()
			if stage == "in memory" {
				b.inputs(large.handle) // again, which is no news
				b.again()
				if d := cmp.Diff(before, b.known()); d != "" {
					t.Errorf("a replay differs from what was in memory (-memory +replay):\n%s", d)
				}
			}
		}
	})
}

func TestTheReportOfARefusedRecordEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		b.inputs(begun("large", config.CheckID(strings.Repeat("x", journal.MaxData)), b.now).handle)
		for _, step := range []struct {
			after time.Duration
			open  bool
		}{{59 * time.Minute, true}, {2 * time.Minute, false}} {
			b.now = b.now.Add(step.after)
			b.inputs()
			if in, _ := b.stateOf(Records.check()).Incident(config.ConditionMonitor); in.Open() != step.open {
				t.Errorf("%s later: open %v", step.after, in.Open())
			}
		}
	})
}

// picky refuses what the tracker did not expect it to.
type picky struct{ memory }

func (picky) Append(...journal.Record) error {
	return fmt.Errorf("appending to journal: %w", &journal.RefusedError{Kind: "incident.opened", Err: errRefused})
}

func TestAnUnexpectedRefusalIsReportedInTheNextRound(t *testing.T) {
	t.Parallel()
	tr, err := Open(Options{Journal: picky{}, Sender: noSender{}})
	if err != nil {
		t.Fatal(err)
	}
	tr.useConfiguration(&config.Config{})
	now := time.Now()
	if err := tr.round(context.Background(), []input{begun("i", "c", now).handle}, now); err != nil {
		panic(err)
	}
	if err := tr.round(context.Background(), nil, now); err != nil {
		panic(err)
	}
	if in, _ := tr.stateOf(Records.check()).Incident(config.ConditionMonitor); !in.Open() || !strings.Contains(in.Finding.Hint, errRefused.Error()) {
		t.Errorf("the monitor incident: %+v", in)
	}
}

// A reason of any length and content is kept in 1 KiB that can be shown.
func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"300,000 letters":    strings.Repeat("x", 300_000),
		"escaped in JSON":    strings.Repeat("<", 300_000),
		"control characters": strings.Repeat("\x1b[2J\x00", 60_000),
		"not UTF-8":          strings.Repeat("\xff", 300_000),
		"many bytes a rune":  strings.Repeat("\U0001F4A5", 75_000),
		"line ends":          strings.Repeat("a\r\n", 100_000),
		"bidi":               strings.Repeat("\u202e", 100_000),
		"exactly 1 KiB":      strings.Repeat("x", 1<<10),
		"short":              "I am on it: <mx1>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBounded(t)
				b.inputs(begun("i", "c", b.now).handle)
				var silence outbox.Silence
				var notAcked, notSilent error
				b.inputs(
					func(_ *Tracker, r *round) {
						_, notAcked = b.acknowledge(r, "i", Acknowledgement{By: text, Reason: text, Until: b.now.Add(time.Hour)})
					},
					func(_ *Tracker, r *round) {
						silence, notSilent = b.silence(r, outbox.Silence{Scope: outbox.Scope{Check: "c"}, By: text, Reason: text, Until: b.now.Add(time.Hour)})
					},
					begun("with it", "d", b.now).handle,
				)
				if err := errors.Join(notAcked, notSilent); err != nil {
					t.Fatal(err)
				}
				events := b.ledger.records["i"].events
				reason := events[len(events)-1].Reason
				if len(reason) > maxReason || reason == "" || silence.Reason != reason || opaque.Bounded(reason, maxReason) != reason {
					t.Errorf("%d bytes were kept: %.60q", len(reason), reason)
				}
				if name == "short" && reason != text {
					t.Errorf("%q became %q", text, reason)
				}
				before := b.known()
				b.again()
				if d := cmp.Diff(before, b.known()); d != "" || b.silences[silence.ID].Reason != reason {
					t.Errorf("a replay differs (-memory +replay):\n%s", d)
				}
			})
		})
	}
}

// The journals of before have reasons of up to a megabyte.
func TestALongReasonOfBeforeIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		b.inputs(begun("i", "c", b.now).handle)
		r := &round{now: b.now}
		long := incident.Event{Kind: incident.Acknowledged, At: b.now, Incident: "i", Check: "c", Condition: config.ConditionService, Reason: strings.Repeat("x", 300_000)}
		for range 5 { // together they are more than one record can hold
			r.addRecord(kindIncident+string(long.Kind), b.now, long)
		}
		r.addRecord(kindSilence, b.now, outbox.Silence{ID: "s", Reason: long.Reason, Until: b.now.Add(time.Hour)})
		if err := b.Journal.Append(r.records...); err != nil {
			t.Fatal(err)
		}
		b.again()
		if n := len(b.silences["s"].Reason); n > maxReason {
			t.Errorf("the silence has a reason of %d bytes", n)
		}
		if err := b.Journal.Compact(b.snapshotRecords(b.now)); err != nil {
			t.Fatal(err)
		}
		b.again()
		if events := b.ledger.records["i"].events; len(events) != 7 || len(events[6].Reason) > maxReason {
			t.Errorf("%d events", len(events))
		}
	})
}

// An incident whose events would not fit into one record loses the middle ones.
func TestAnIncidentFitsIntoOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		all := begun("i", "c", b.now)
		for i := range 198 {
			all = append(all, incident.Event{
				Kind: incident.CauseChanged, At: b.now, Incident: "i", Check: "c", Condition: config.ConditionService,
				Finding: &incident.Finding{Hint: fmt.Sprint(i, strings.Repeat("<", maxHint-10))},
			})
		}
		b.inputs(all.handle)
		if err := b.Journal.Compact(b.snapshotRecords(b.now)); err != nil {
			t.Fatal(err)
		}
		before := b.known()
		b.again()
		events := b.ledger.records["i"].events
		if d := cmp.Diff(before, b.known()); d != "" || len(events) < 20 || events[0].Kind != incident.Failing || !strings.HasPrefix(events[len(events)-1].Finding.Hint, "197<") {
			t.Errorf("%d events are left (-memory +replay):\n%.500s", len(events), d)
		}
	})
}

// One message about very many incidents is journaled as several.
func TestATellingThatIsTooLargeBecomesSeveral(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10_000, 20_000, 100_000} {
		telling := outbox.Notification{Key: "all"}
		for i := range n {
			telling.Items = append(telling.Items, outbox.Item{Incident: incident.ID(fmt.Sprintf("%010d", i)), Transition: notifiers.Opened, Episode: 1})
			telling.Replaces = append(telling.Replaces, outbox.Key(fmt.Sprintf("iv_%024d", i)))
		}
		r := &round{now: time.Now()}
		parts := decide(r, []outbox.Notification{telling})
		var items []outbox.Item
		var replaced []outbox.Key
		keys := map[outbox.Key]bool{}
		for _, part := range parts {
			items, replaced = append(items, part.Items...), append(replaced, part.Replaces...)
			keys[part.Key] = true
		}
		if !slices.Equal(items, telling.Items) || !slices.Equal(replaced, telling.Replaces) {
			t.Errorf("%d incidents: %d are told, %d messages replaced", n, len(items), len(replaced))
		}
		if len(keys) != len(parts) || len(r.records) != len(parts) || len(r.refused) > 0 || (n <= 10_000) != (len(parts) == 1) {
			t.Errorf("%d incidents: %d messages with %d keys, %d records, refused %v", n, len(parts), len(keys), len(r.records), r.refused)
		}
	}
}

// A time that JSON has no words for is refused, and stops nothing.
func TestTimesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		b.inputs(begun("i", "c", b.now).handle)
		until := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("west", -3600))
		b.inputs(func(_ *Tracker, r *round) {
			_, err := b.acknowledge(r, "i", Acknowledgement{Reason: "x", Until: until})
			if _, silent := b.silence(r, outbox.Silence{Scope: outbox.Scope{Check: "c"}, Reason: "x", Until: until}); err == nil || silent == nil || !strings.Contains(err.Error(), "10000") {
				t.Errorf("%v, %v", err, silent)
			}
		})
	})
}
