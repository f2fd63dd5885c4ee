package metrics

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A life is a check that is probed at random, its incidents, and what daemon/availability is to
// know of it.
type life struct {
	t      *rapid.T
	counts *Counts
	check  *config.Check
	state  incident.State
	known  availability.Life
	began  time.Time // of the last probe
	judged bool
	sums   [states]time.Duration
}

const lived config.CheckID = "mx1/imaps"

// probe makes a probe that begins now, or finds that the monitor cannot judge.
func (l *life) probe(now time.Time, judged bool, findings ...incident.Finding) {
	vouched := l.began
	if l.judged {
		vouched = vouched.Add(2*l.check.Probe.Interval + l.check.Probe.Timeout)
	}
	if vouched.Before(now) {
		l.known.Intervals = append(l.known.Intervals, availability.Interval{From: vouched, To: now, Kind: availability.Unknown})
	}
	l.began, l.judged = now, judged
	r := incident.Result{Check: lived, Started: now, Ended: now.Add(time.Second), Findings: findings, Target: "mx1.example.org:993"}
	if judged {
		r.Observed = config.ConditionSet(config.ConditionService)
	}
	counts, events := incident.Observe(l.check.Policy, l.state, r)
	l.state = l.state.WithCounts(counts)
	for _, e := range events {
		l.state = incident.Apply(l.state, e)
		l.note(e)
	}
	l.counts.Result(r)
	l.counts.Events(events)
	sums, _ := l.counts.secondsOf(lived)
	for s := range sums {
		if sums[s] < l.sums[s] {
			l.t.Fatalf("%s falls from %s to %s", stateWords[s], l.sums[s], sums[s])
		}
	}
	l.sums = sums
}

// note notes the bouts of the service.
func (l *life) note(e incident.Event) {
	if e.Condition != config.ConditionService {
		return
	}
	last := len(l.known.Bouts) - 1
	switch e.Kind {
	case incident.Failing:
		l.known.Bouts = append(l.known.Bouts, availability.Bout{From: e.Since, Service: true, Incident: string(e.Incident)})
	case incident.Opened:
		l.known.Bouts[last].Reported = e.At
	case incident.Closed:
		l.known.Bouts[last].To = e.Since
	default:
	}
}

// The counters and the history are made in different ways of the same probes, and say the same,
// to the nanosecond, once nothing is undecided. Until then no counter ever falls.
func TestCountedSecondsAreThoseOfAvailability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		l := &life{t: t, counts: NewCounts(), began: begin, check: &config.Check{
			ID: lived, Enabled: true,
			Probe: config.Probe{Interval: time.Minute, Timeout: 10 * time.Second},
			Policy: config.Policy{
				FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: 30 * time.Minute,
			},
		}}
		work := availability.Interval{From: begin.Add(40*time.Minute + 7*time.Second), To: begin.Add(55 * time.Minute), Kind: availability.Maintenance}
		l.known.Intervals = append(l.known.Intervals, work)
		maintenance := func(_ *config.Check, at time.Time) (change time.Time, in bool) {
			switch {
			case at.Before(work.From):
				return work.From, false
			case at.Before(work.To):
				return work.To, true
			}
			return time.Time{}, false
		}
		l.counts.Use(&config.Config{Checks: map[config.CheckID]*config.Check{lived: l.check}}, begin, maintenance,
			func(config.CheckID) []incident.Incident { return nil })
		now := begin
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused}
		for range rapid.IntRange(1, 80).Draw(t, "probes") {
			now = now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "pause")) * time.Second)
			switch rapid.SampledFrom([]string{"good", "good", "bad", "bad", "unknown"}).Draw(t, "probe") {
			case "good":
				l.probe(now, true)
			case "bad":
				l.probe(now, true, down)
			default:
				l.probe(now, false)
			}
		}
		// Long enough for a recovery tolerance that has doubled up to its bound.
		for range 40 {
			now = now.Add(time.Minute)
			l.probe(now, true)
		}
		want := availability.Measure(l.known, begin, now, now, nil)
		got := l.sums
		if got[stateUp] != want.OK+want.Degraded || got[stateDown] != want.Down || got[stateUnknown] != want.Unknown || got[stateMaintenance] != want.Maintenance {
			t.Errorf("counted %v\nwant    %+v\nof %+v", got, want, l.known)
		}
	})
}

// A restart takes nothing away from any counter; the time in between is not known, and what was
// undecided is decided by the next process.
func TestCountersGoOnAfterARestart(t *testing.T) {
	c := &config.Check{ID: lived, Enabled: true, Probe: config.Probe{Interval: time.Minute, Timeout: 10 * time.Second}}
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{lived: c}}
	never := func(*config.Check, time.Time) (time.Time, bool) { return time.Time{}, false }
	event := func(counts *Counts, kind incident.Kind) {
		counts.Events([]incident.Event{{Kind: kind, Check: lived, Condition: config.ConditionService}})
	}
	observe := func(counts *Counts, at time.Time) {
		counts.Result(incident.Result{Check: lived, Started: at, Observed: config.ConditionSet(config.ConditionService)})
	}
	now := time.Now()
	first := NewCounts()
	first.Use(cfg, now, never, func(config.CheckID) []incident.Incident { return nil })
	observe(first, now)
	observe(first, now.Add(60*time.Second))
	event(first, incident.Failing)
	observe(first, now.Add(90*time.Second))
	text, err := first.Keep(now.Add(95 * time.Second))
	if err != nil {
		t.Fatal(err)
	}

	// One that ends before it has begun loses nothing.
	between := NewCounts()
	if err := between.Restore(text); err != nil {
		t.Fatal(err)
	}
	if text, err = between.Keep(now.Add(100 * time.Second)); err != nil {
		t.Fatal(err)
	}

	second := NewCounts()
	if err := second.Restore(text); err != nil {
		t.Fatal(err)
	}
	failing := incident.Incident{Check: lived, Condition: config.ConditionService, Unconfirmed: true}
	second.Use(cfg, now.Add(105*time.Second), never, func(config.CheckID) []incident.Incident { return []incident.Incident{failing} })
	expect := func(up, down, unknown float64) {
		t.Helper()
		got, _ := second.secondsOf(lived)
		if got[stateUp].Seconds() != up || got[stateDown].Seconds() != down || got[stateUnknown].Seconds() != unknown {
			t.Errorf("counted %v, want %g, %g, %g", got, up, down, unknown)
		}
	}
	expect(60, 0, 0)
	observe(second, now.Add(110*time.Second))
	expect(60, 0, 15)
	observe(second, now.Add(120*time.Second))
	event(second, incident.Opened)
	expect(60, 45, 15)
}

// A file that somebody has damaged is as good as none.
func TestDamagedCountersAreRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{"checks":{"a":{"ns":[1,-2,3,4]}}}`, `{"checks":{"a":{"ns":[1],"undecided_ns":-1}}}`} {
		if err := NewCounts().Restore([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
