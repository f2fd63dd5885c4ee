package pages

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// lives is what the history tells of the past of checks; *history.Store is one.
type lives interface {
	Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error)
	CompleteSince(ctx context.Context) (time.Time, error)
}

const (
	stripDays = 90
	// barsFor is how long the bars of the overview are shown again: those of 10,000 checks
	// take 100 ms to make, and a day changes slowly.
	barsFor = 10 * time.Second
	// barsTime bounds how long a page waits for the history.
	barsTime = 3 * time.Second
)

// bars are the last days of all checks, as far as the overview shows them.
type bars struct {
	dates  []time.Time // their midnights
	checks map[config.CheckID]pastDays
	groups map[config.GroupID]pastDays
	since  time.Time // since when the history is complete
	err    error     // why there is no history
	nodes  string    // of which nodes something is missing, in a sentence; empty: of none
}

// pastDays is how long a check or a group was in each state.
type pastDays struct {
	days []availability.Seconds // of a group: those of the check that was worst that day
	sum  availability.Seconds
}

// A barMaker makes bars, and remembers the last ones.
type barMaker struct {
	mu   sync.Mutex
	last *bars
	of   string // the digest of the configuration that they are of
	at   time.Time
}

// get returns the bars of all checks of a configuration. Who asks while they are made waits.
func (m *barMaker) get(ctx context.Context, past lives, cfg *config.Config, now time.Time) *bars {
	if past == nil || cfg == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if age := now.Sub(m.at); m.last == nil || m.of != cfg.Digest || age < 0 || age >= barsFor {
		// Whoever asked may hang up; the answer is for the others, too.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), barsTime)
		defer cancel()
		m.last, m.of, m.at = makeBars(ctx, past, cfg, now), cfg.Digest, now
	}
	return m.last
}

func makeBars(ctx context.Context, past lives, cfg *config.Config, now time.Time) *bars {
	borders := lastDays(now, stripDays, cfg.PageZone())
	b := &bars{dates: borders[:stripDays], checks: map[config.CheckID]pastDays{}, groups: map[config.GroupID]pastDays{}}
	ids := make([]config.CheckID, 0, len(cfg.Checks))
	for id := range cfg.Checks {
		ids = append(ids, id)
	}
	if b.since, b.err = past.CompleteSince(ctx); b.err != nil {
		return b
	}
	known, err := past.Lives(ctx, ids, borders[0], now)
	b.nodes = missingNodes(past)
	if b.err = err; err != nil {
		return b
	}
	few := len(ids) <= mostOpen
	// Most checks had nothing: theirs is made once, because of 10,000 it would be 50 MB.
	uneventful := daysOfLife(availability.Life{}, b.since, borders, now, nil)
	for id, life := range known {
		c := cfg.Checks[id]
		p := uneventful
		if corrections := api.CorrectionsOf(cfg, c); len(life.Intervals)+len(life.Bouts)+len(corrections) > 0 {
			p = daysOfLife(life, b.since, borders, now, corrections)
		}
		if few { // else nobody sees it
			b.checks[id] = p
		}
		for _, g := range c.Path {
			b.groups[g] = b.groups[g].with(p)
		}
	}
	return b
}

func daysOfLife(l availability.Life, since time.Time, borders []time.Time, now time.Time, corrections []config.Correction) (p pastDays) {
	p.days = availability.Days(sinceKnown(l, since), borders, now, corrections)
	for i := range p.days {
		p.sum = p.sum.Plus(p.days[i])
	}
	return p
}

// sinceKnown returns a life of which nothing is known before a time: what was not watched
// was not well.
func sinceKnown(l availability.Life, since time.Time) availability.Life {
	if since.IsZero() {
		return l
	}
	l.Intervals = append(slices.Clone(l.Intervals), availability.Interval{To: since, Kind: availability.Absent, Why: "before the history"})
	return l
}

// with returns the days of a group with those of one more check.
func (g pastDays) with(c pastDays) pastDays {
	g.sum = g.sum.Plus(c.sum)
	if g.days == nil {
		g.days = slices.Clone(c.days)
		return g
	}
	for i := range c.days {
		if worseDay(c.days[i], g.days[i]) {
			g.days[i] = c.days[i]
		}
	}
	return g
}

// worseDay reports whether one day looks worse than another; one without data is the best.
func worseDay(a, b availability.Seconds) bool {
	for _, of := range []func(availability.Seconds) time.Duration{
		func(s availability.Seconds) time.Duration { return s.Down },
		func(s availability.Seconds) time.Duration { return s.Degraded },
		func(s availability.Seconds) time.Duration { return s.Unknown },
		func(s availability.Seconds) time.Duration { return s.Maintenance },
		func(s availability.Seconds) time.Duration { return s.OK },
	} {
		if of(a) != of(b) {
			return of(a) > of(b)
		}
	}
	return false
}

// lastDays returns the midnights around the last days, today included.
func lastDays(now time.Time, days int, zone *time.Location) []time.Time {
	y, m, d := now.In(zone).Date()
	// From noon, because a day may lack its midnight.
	return availability.DayBorders(time.Date(y, m, d-days+1, 12, 0, 0, 0, zone), now.Add(time.Nanosecond), zone)
}

// strip draws the days of a check or a group, with its percent.
func (b *bars) strip(p pastDays) (s *strip, percent string) {
	drawn := newStrip(b.daysOf(p), false)
	return &drawn, availability.Percent(p.sum.Figures().Availability)
}

func (b *bars) daysOf(p pastDays) []day {
	list := make([]day, len(p.days))
	for i := range list {
		list[i] = day{b.dates[i], p.days[i]}
	}
	return list
}

// note says what the bars cannot show; empty: they show everything.
func (b *bars) note(now clock) string {
	since := now.at(&b.since)
	switch {
	case b.err != nil:
		return "There are no bars and percentages now: " + b.err.Error() + "."
	case since.Known() && len(b.dates) > 0 && b.since.After(b.dates[0]):
		return strings.TrimSpace("The history begins " + since.Exact() + ". Days before it are empty, and count for nothing. " + b.nodes)
	}
	return b.nodes
}

// missingNodes says of which nodes the figures have nothing; empty: all have answered, or one machine watches
// on its own.
func missingNodes(past any) string {
	if all, ok := past.(*elsewhere.Past); ok {
		return elsewhere.Sentence(all.Nodes())
	}
	return ""
}

// pastReader is all that a check's page asks the history; *history.Store is one.
type pastReader interface {
	lives
	Points(ctx context.Context, check config.CheckID, from, to time.Time, step time.Duration) ([]history.Point, error)
	Ghost(ctx context.Context, check config.CheckID) ([]history.Ghost, error)
	Incidents(ctx context.Context, from, to time.Time) ([]history.Incident, error)
	Certificates(ctx context.Context, check config.CheckID) ([]history.Certificate, error)
}

// history returns what tells of the past, for one request; nil: there is none.
func (v *viewer) history() pastReader {
	if v.past != nil {
		return v.past
	}
	if all, ok := v.Daemon.(api.Several); ok {
		if past := all.PastOfAll(); past != nil {
			return past
		}
	}
	if store := v.Daemon.History(); store != nil {
		return store
	}
	return nil
}
