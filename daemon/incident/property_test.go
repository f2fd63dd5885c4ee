package incident_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// For any sequence of results, configurations, acknowledgements, policies,
// restarts and waits: what Observe, Tick and Configured decide folds, through
// the journal's JSON, to the live state, and keeps the promises that are made to
// people.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{T: t, now: epoch, target: "mx1:993", seen: map[config.Condition][]bool{}}
		m.redraw(t)
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"probe":     m.probe,
			"good":      func(*rapid.T) { m.observe(all, nil) },
			"wait":      m.wait,
			"policy":    m.redraw,
			"configure": m.configure,
			"ack":       m.acknowledge,
			"restart":   m.restart,
		})
	})
}

var all = config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionCertificate)

type model struct {
	*rapid.T
	now      time.Time
	policy   config.Policy
	target   string
	live     incident.State
	replayed incident.State
	// seen are the observations of a condition since the last restart: failed?
	seen map[config.Condition][]bool
}

func (m *model) redraw(t *rapid.T) {
	tolerance := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 8).Draw(t, name)) * 30 * time.Second
	}
	m.policy = config.Policy{
		FaultTolerance: tolerance("fault"), RecoveryTolerance: tolerance("recovery"), ReopenWithin: tolerance("reopen"),
	}
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
	m.happen(incident.Tick(m.policy, m.live, m.now))
}

func (m *model) probe(t *rapid.T) {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(sorted(findings)), 0, 3, rapid.ID).Draw(t, "findings")
	var list []incident.Finding
	for _, name := range names {
		list = append(list, findings[name])
	}
	observed := config.Conditions(rapid.IntRange(0, int(all)).Draw(t, "observed")) & all
	m.target = rapid.SampledFrom([]string{"mx1:993", "mx1:993", "mx2:993"}).Draw(t, "target")
	m.observe(observed, list)
}

func (m *model) observe(observed config.Conditions, list []incident.Finding) {
	r := incident.Result{
		Check: "mx1/imaps", Target: m.target, Observed: observed, Findings: list,
		Started: m.now, Ended: m.now.Add(3 * time.Second),
	}
	m.now = r.Ended.Add(12 * time.Second)
	was := m.live
	m.remember(r)
	streaks, events := incident.Observe(m.policy, m.live, r)
	m.live = m.live.WithCounts(streaks)
	for _, e := range events {
		m.promises(was, r, e)
	}
	m.happen(events)
	m.unmoved(was, observed)
	if at := incident.PaceOf(m.policy, m.live, m.now).At; !at.IsZero() && !at.After(m.now) {
		m.Fatalf("a probe is wanted in the past: %s", at)
	}
}

func (m *model) remember(r incident.Result) {
	for c := range r.Observed.All() {
		var worst incident.Health
		for _, f := range r.Findings {
			if f.Condition == c && worst != incident.Down && (worst == "" || f.Health != incident.Unknown) {
				worst = f.Health
			}
		}
		if worst != incident.Unknown {
			m.seen[c] = append(m.seen[c], worst != "")
		}
	}
}

// promises are what people can count on when they are told.
func (m *model) promises(was incident.State, r incident.Result, e incident.Event) {
	if e.Condition == config.ConditionIntermittent {
		return // follows from the history, see the rules
	}
	if !r.Observed.Has(e.Condition) {
		m.Fatalf("%s %s, which was not observed", e.Condition, e.Kind)
	}
	in, _ := was.Incident(e.Condition)
	switch e.Kind {
	case incident.Opened:
		m.lasted(in.FailingSince, e.At, m.policy.FaultTolerance)
		m.confirmed(e.Condition, true)
	case incident.Closed:
		m.lasted(in.WellSince, e.At, m.policy.RecoveryTolerance)
		m.confirmed(e.Condition, false)
	case incident.Worsened:
		if in.Unconfirmed || in.Reported == 0 {
			m.Fatal("worse than what nobody was told")
		}
	}
}

func (m *model) lasted(since, now time.Time, tolerance time.Duration) {
	if now.Sub(since) < tolerance {
		m.Fatalf("after %s, the tolerance is %s", now.Sub(since), tolerance)
	}
}

func (m *model) confirmed(c config.Condition, bad bool) {
	if n := len(m.seen[c]); n < 2 || m.seen[c][n-1] != bad || m.seen[c][n-2] != bad {
		m.Fatalf("not confirmed: failed %v", m.seen[c])
	}
}

// unmoved: a condition that was not observed stays as it is.
func (m *model) unmoved(was incident.State, observed config.Conditions) {
	for in := range was.Incidents() {
		if in.Condition == config.ConditionIntermittent {
			continue
		}
		if is, _ := m.live.Incident(in.Condition); !observed.Has(in.Condition) && is != in {
			m.Fatalf("%s was not observed and has changed", in.Condition)
		}
	}
}

func (m *model) configure(t *rapid.T) {
	is := rapid.SampledFrom([]incident.Presence{incident.Present, incident.Disabled, incident.Absent}).Draw(t, "presence")
	m.happen(incident.Configured(m.live, is, m.now))
	if again := incident.Configured(m.live, is, m.now); len(again) > 0 {
		t.Fatalf("the same configuration again is not the same: %v", again)
	}
}

func (m *model) acknowledge(t *rapid.T) {
	for in := range m.live.Incidents() {
		if in.Open() {
			until := m.now.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "until")) * time.Second)
			m.happen([]incident.Event{{
				Kind: incident.Acknowledged, At: m.now, Incident: in.ID, Check: in.Check, Condition: in.Condition, Until: until,
			}})
		}
	}
}

func (m *model) restart(*rapid.T) {
	m.live = m.live.WithCounts(incident.Counts{})
	clear(m.seen)
}

func (m *model) happen(events []incident.Event) {
	for _, e := range events {
		text, err := json.Marshal(e)
		if err != nil {
			m.Fatal(err)
		}
		var again incident.Event
		if err := json.Unmarshal(text, &again); err != nil {
			m.Fatal(err)
		}
		m.live = incident.Apply(m.live, e)
		m.replayed = incident.Apply(m.replayed, again)
	}
}

func (m *model) check(t *rapid.T) {
	if diff := sameIncidents(m.live, m.replayed); diff != "" {
		t.Fatalf("a replay gives another state (-live +replayed):\n%s", diff)
	}
	for in := range m.live.Incidents() {
		notBefore(t, "failing again", in.FailingSince, in.StartedAt)
		notBefore(t, "well", in.WellSince, in.FailingSince)
		notBefore(t, "reported", in.ReportedAt, in.StartedAt)
		notBefore(t, "ended", in.EndedAt, in.StartedAt)
		notBefore(t, "closed", in.ClosedAt, in.EndedAt)
		if in.Open() && in.Reported == 0 {
			t.Fatal("open and never reported")
		}
	}
	if due := incident.Due(m.live); !due.IsZero() && len(incident.Tick(m.policy, m.live, due)) == 0 {
		t.Fatal("Tick has nothing to decide when it is due")
	}
}

// notBefore: no duration is ever negative.
func notBefore(t *rapid.T, what string, later, earlier time.Time) {
	if !later.IsZero() && later.Before(earlier) {
		t.Fatalf("%s at %s, before %s", what, later, earlier)
	}
}

func sorted(m map[string]incident.Finding) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
