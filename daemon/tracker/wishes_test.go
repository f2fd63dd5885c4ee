package tracker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A wishing is a tracker of two checks that gets wishes of another journal.
type wishing struct {
	*deliverer
	t       *testing.T
	ctx     context.Context
	stop    func()
	records []journal.Record
	said    tracker.Wishes // at first
}

// testWishes runs a test with a tracker.
func testWishes(t *testing.T, test func(w *wishing)) {
	synctest.Test(t, func(t *testing.T) {
		w := &wishing{deliverer: &deliverer{}, t: t, stop: func() {}}
		w.begin()
		defer func() { w.stop() }()
		test(w)
	})
}

// begin has a tracker go on with what the one before it has journaled.
func (w *wishing) begin() {
	w.t.Helper()
	w.stop()
	var err error
	if w.tracker, err = tracker.Open(tracker.Options{Journal: written{slices.Clone(w.records), &w.records}, Sender: w}); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	w.ctx = ctx
	var running sync.WaitGroup
	running.Go(func() { _ = w.tracker.Run(ctx) })
	w.stop = func() { stop(); running.Wait() }
	if err := w.tracker.Configure(ctx, house(2)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wishing) take(wishes tracker.Wishes) {
	w.t.Helper()
	if err := w.tracker.TakeWishes(w.ctx, wishes); err != nil {
		w.t.Fatal(err)
	}
}

// acknowledged is that anna works on the service of customer00000, since a time.
func acknowledged(at time.Time) tracker.Wish {
	return tracker.Wish{
		Check: "customer00000", Condition: config.ConditionService, By: "anna", Reason: "on it", At: at,
		Finding: symptoms["refused"].finding,
	}
}

// see has the check observed as a symptom says; empty: it is well.
func (w *wishing) see(symptom string) {
	r := result()
	if symptom != "" {
		r = result(symptoms[symptom].finding)
	}
	r.Check = "customer00000"
	w.tracker.Observe(w.ctx, r)
}

// seeFrom has the check observed by two nodes as well, of which one sees something else.
func (w *wishing) seeFrom(other incident.Sighting) {
	r := result()
	r.Sightings = []incident.Sighting{{Node: "fra1", Health: incident.OK}, other}
	w.tracker.Observe(w.ctx, r)
}

// failsFromOnePlace has the check fail as one node sees it, for long enough to be reported.
func (w *wishing) failsFromOnePlace() {
	for range 3 {
		r := result(incident.Finding{Condition: config.ConditionLocation, Health: incident.Degraded})
		r.Observed |= config.ConditionSet(config.ConditionLocation)
		r.Sightings = []incident.Sighting{{Node: "fra1", Health: incident.OK}, {Node: "nyc1", Health: incident.Down}}
		w.tracker.Observe(w.ctx, r)
		time.Sleep(2 * time.Minute)
	}
}

// fails has the check fail for long enough to be reported.
func (w *wishing) fails() {
	for range 3 {
		w.see("refused")
		time.Sleep(2 * time.Minute)
	}
}

// recovers has the check be well for so long that what fails then is another incident.
func (w *wishing) recovers() {
	for range 3 {
		w.see("")
		time.Sleep(2 * time.Minute)
	}
	time.Sleep(24 * time.Hour)
}

// takeUntil takes an acknowledgement that holds for a while.
func (w *wishing) takeUntil(d time.Duration) {
	a := acknowledged(time.Now())
	a.Until = a.At.Add(d)
	w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{a}})
}

// takeBy takes one of somebody.
func (w *wishing) takeBy(who string) {
	a := acknowledged(time.Now())
	a.By = who
	w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{a}})
}

// worker returns who works on the service of the check.
func (w *wishing) worker() string {
	w.t.Helper()
	s, err := w.tracker.Snapshot(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	c, _ := s.Check("customer00000")
	for _, in := range c.Incidents {
		if in.Open() && in.Condition == config.ConditionService {
			return in.AckedBy
		}
	}
	return "no incident"
}

// An acknowledgement of before counts for what is opened, unless it is over, it was seen well before, or it is
// worse than what was acknowledged.
func TestAnAcknowledgementOfAnotherJournalWaitsForTheIncident(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tracker.Wish)
		first  func(*wishing)
		want   string
	}{
		"as it is":                  {want: "anna"},
		"its time is over":          {change: func(a *tracker.Wish) { a.Until = a.At.Add(time.Minute) }, want: ""},
		"its time is not over":      {change: func(a *tracker.Wish) { a.Until = a.At.Add(time.Hour) }, want: "anna"},
		"it was milder":             {change: func(a *tracker.Wish) { a.Finding.Health = incident.Degraded }, want: ""},
		"of another condition":      {change: func(a *tracker.Wish) { a.Condition = config.ConditionAddresses }, want: ""},
		"it is well in between":     {first: func(w *wishing) { w.see("") }, want: ""},
		"it fails before":           {first: func(w *wishing) { w.see("refused") }, want: "anna"},
		"one node sees it fail":     {first: func(w *wishing) { w.seeFrom(incident.Sighting{Health: incident.Down}) }, want: "anna"},
		"its certificate ends soon": {first: func(w *wishing) { w.seeFrom(incident.Sighting{Health: incident.Degraded}) }, want: ""},
		"only one node saw it":      {first: func(w *wishing) { w.failsFromOnePlace() }, want: ""},
		"by a clock that is off":    {change: func(a *tracker.Wish) { a.At = a.At.Add(time.Hour) }, want: "anna"},
	} {
		t.Run(name, func(t *testing.T) {
			testWishes(t, func(w *wishing) {
				a := acknowledged(time.Now())
				if c.change != nil {
					c.change(&a)
				}
				w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{a}})
				if c.first != nil {
					c.first(w)
				}
				w.fails()
				if got := w.worker(); got != c.want {
					t.Errorf("%q works on it, not %q", got, c.want)
				}
			})
		})
	}
}

// Whoever decides next knows the acknowledgements that wait, and which do no longer.
func TestAnAcknowledgementThatWaitsIsJournaled(t *testing.T) {
	for name, c := range map[string]struct {
		first func(*wishing)
		want  string
	}{
		"it waits":                      {want: "anna"},
		"it was seen well":              {first: func(w *wishing) { w.see("") }, want: ""},
		"only one node saw it":          {first: func(w *wishing) { w.failsFromOnePlace() }, want: ""},
		"it was said twice":             {first: func(w *wishing) { w.take(w.said) }, want: "anna"},
		"it was that of an incident":    {first: func(w *wishing) { w.fails(); w.recovers() }, want: ""},
		"its time has come to its end":  {first: func(w *wishing) { w.takeUntil(time.Minute); time.Sleep(time.Hour) }, want: ""},
		"another one counts in between": {first: func(w *wishing) { w.takeBy("bob") }, want: "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			testWishes(t, func(w *wishing) {
				w.said = tracker.Wishes{Acknowledgements: []tracker.Wish{acknowledged(time.Now())}}
				w.take(w.said)
				if c.first != nil {
					c.first(w)
				}
				w.begin()
				w.fails()
				if got := w.worker(); got != c.want {
					t.Errorf("%q works on it, not %q", got, c.want)
				}
				kept := slices.DeleteFunc(slices.Clone(w.records), func(r journal.Record) bool { return r.Kind != "wish" })
				if most := 3; len(kept) > most { // two acknowledgements, and that one no longer waits
					t.Errorf("%d records, and %d are enough", len(kept), most)
				}
			})
		})
	}
}

// Of an incident that is open here the newer word counts, and the same word twice is one.
func TestTheNewerAcknowledgementCounts(t *testing.T) {
	testWishes(t, func(w *wishing) {
		w.fails()
		s, err := w.tracker.Snapshot(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := s.Check("customer00000")
		id := c.Incidents[0].ID
		early := acknowledged(time.Now())
		time.Sleep(time.Minute)
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{early}})
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{early}})
		if got := w.worker(); got != "anna" {
			t.Fatalf("%q works on it", got)
		}
		if _, err := w.tracker.Unacknowledge(w.ctx, id, "bob"); err != nil {
			t.Fatal(err)
		}
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{early}})
		if got := w.worker(); got != "" {
			t.Errorf("what bob took back later is back: %q works on it", got)
		}
		time.Sleep(time.Minute)
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{acknowledged(time.Now())}})
		if got := w.worker(); got != "anna" {
			t.Errorf("%q works on it", got)
		}
		if s, err = w.tracker.Snapshot(w.ctx); err != nil {
			t.Fatal(err)
		}
		times := 0
		for in := range s.Incidents() {
			for _, e := range in.Events {
				if e.Kind == incident.Acknowledged {
					times++
				}
			}
		}
		if times != 2 {
			t.Errorf("it was acknowledged %d times", times)
		}
	})
}

// Who was told by another node of what is acknowledged hears nothing of it, and reads why; when the
// acknowledgement is taken back, they hear.
func TestWhoWasToldElsewhereIsNotToldAgain(t *testing.T) {
	testWishes(t, func(w *wishing) {
		a := acknowledged(time.Now())
		a.Told = []outbox.Destination{{Notifier: "slack.chat", Target: "#ops"}}
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{a}})
		w.fails()
		told := w.heard()
		if slices.ContainsFunc(told, func(m string) bool { return m[:5] == "slack" }) || len(told) != 1 {
			t.Errorf("heard: %q", told)
		}
		s, err := w.tracker.Snapshot(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := s.Check("customer00000")
		held, err := w.tracker.Explain(w.ctx, c.Incidents[0].ID)
		if err != nil || len(held) != 1 || held[0].Reason != outbox.HeldKnown {
			t.Errorf("%+v, %v", held, err)
		}
		if _, err := w.tracker.Unacknowledge(w.ctx, c.Incidents[0].ID, "bob"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := w.heard(); len(got) != 1 || got[0][:5] != "slack" {
			t.Errorf("heard: %q", got)
		}
	})
}

// Who was told by another node hears of the end as one who knows of the beginning.
func TestWhoWasToldElsewhereIsToldOfTheEnd(t *testing.T) {
	testWishes(t, func(w *wishing) {
		a := acknowledged(time.Now())
		a.Told = []outbox.Destination{{Notifier: "slack.chat", Target: "#ops"}}
		w.take(tracker.Wishes{Acknowledgements: []tracker.Wish{a}})
		w.fails()
		w.heard()
		for range 3 {
			w.see("")
			time.Sleep(2 * time.Minute)
		}
		if got := w.heard(); len(got) != 2 || len(w.untold) != 0 {
			t.Errorf("heard: %q, of what nobody had told: %q", got, w.untold)
		}
	})
}

// Of two journals that have a silence, the one that has ended it counts; one that is over is not taken.
func TestASilenceThatOneJournalHasEndedEnds(t *testing.T) {
	testWishes(t, func(w *wishing) {
		now := time.Now()
		one := outbox.NewSilence(outbox.Scope{Check: "customer00000"}, "works", now, now.Add(time.Hour))
		one.By = "anna"
		over := outbox.NewSilence(outbox.Scope{Check: "customer00001"}, "worked", now.Add(-2*time.Hour), now.Add(-time.Hour))
		ended := one
		ended.Until, ended.EndedBy = now.Add(time.Minute), "bob"
		time.Sleep(2 * time.Minute)
		for _, c := range []struct {
			take outbox.Silence
			want string
		}{
			{over, "[]"}, {one, "[1h0m0s anna ]"}, {one, "[1h0m0s anna ]"}, {ended, "[1m0s anna bob]"}, {one, "[1m0s anna bob]"},
		} {
			w.take(tracker.Wishes{Silences: []outbox.Silence{c.take}})
			s, err := w.tracker.Snapshot(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, known := range s.Silences {
				got = append(got, fmt.Sprintf("%s %s %s", known.Until.Sub(now), known.By, known.EndedBy))
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("after %v: %v, not %s", c.take, got, c.want)
			}
		}
		all, err := w.tracker.Snapshot(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if rest := (tracker.Wishes{Silences: []outbox.Silence{one, ended, over}}).NewTo(all); len(rest.Silences) != 0 {
			t.Errorf("%+v is said again", rest)
		}
	})
}
