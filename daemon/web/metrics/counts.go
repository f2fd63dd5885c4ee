package metrics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Counts is what is counted while it happens. Its methods may be called by several goroutines at
// once, and never wait for more than a few counters to be read: Result, Events and Outcome are
// called in the goroutine that decides alarms.
type Counts struct {
	histogram *prometheus.HistogramVec
	observers [config.PhaseCount]prometheus.Observer

	mu          sync.Mutex
	durations   []duration                 // that are not in the histogram yet
	checks      map[config.CheckID]counted // Use replaces it and is called by one goroutine
	maintenance MaintenanceOf
	outcomes    map[outcome]uint64
	kept        *kept // of the process before this one, until the first configuration; nil: nothing
}

// A duration is how long a phase took.
type duration struct {
	phase config.Phase
	took  time.Duration
}

// The histogram takes 0.1 us for each duration, and a probe of two addresses has twenty. So they
// are put into it by another goroutine than the one that decides alarms, each observeEvery. Should
// that be stuck, mostDurations are kept (a minute of 100,000 checks), and the rest is not counted.
const (
	observeEvery  = time.Second
	mostDurations = 1 << 21
)

// MaintenanceOf reports whether a check is in maintenance at a time, and when that changes;
// zero: nobody knows.
type MaintenanceOf func(check *config.Check, at time.Time) (change time.Time, in bool)

// A counted check is what the files say of it, and what was counted.
type counted struct {
	*config.Check
	*account
}

// An account is what was counted of a check.
type account struct {
	stateTime
	failures []failure
}

// A failure is how often the probes of a check failed in one phase for one cause.
type failure struct {
	phase config.Phase
	cause config.Cause
	times uint64
}

// An outcome is what attempts to send through a notifier came to.
type outcome struct {
	notifier config.NotifierID
	word     string
}

// outcomeWords are what an attempt comes to. The words are those of deliveries.
var outcomeWords = []string{"sent", "retrying", "dead", "expired"}

// durationBuckets are the classic buckets of probe durations, in seconds: a DNS answer from
// memory takes less than a millisecond, and no timeout is longer than two minutes.
var durationBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}

// NewCounts returns counts of nothing.
func NewCounts() *Counts {
	c := &Counts{
		histogram: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "imapvigil_probe_duration_seconds", Help: "How long the phases of all conversations took; total is the whole conversation.",
			Buckets: durationBuckets,
			// Ten per cent from bucket to bucket; the resolution halves rather than that there are more.
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"phase"}),
		outcomes: map[outcome]uint64{},
	}
	for p := range config.TimedPhases() {
		c.observers[p] = c.histogram.WithLabelValues(p.TimeKey())
	}
	return c
}

// Use takes a configuration: what is counted of checks that stay goes on, under a new name if
// they have one. incidents returns those of a check. What was counted of others is forgotten.
func (c *Counts) Use(cfg *config.Config, now time.Time, maintenance MaintenanceOf, incidents func(config.CheckID) []incident.Incident) {
	names := map[config.CheckID]config.CheckID{}
	for _, m := range cfg.Moved {
		names[m.To] = m.From
	}
	// Nobody else writes this map, so that it is read, and the next one made, without the lock.
	checks := make(map[config.CheckID]counted, len(cfg.Checks))
	var paused []*account
	for id, check := range cfg.Checks {
		before, known := c.checks[id]
		if from := names[id]; !known && from != "" && cfg.Checks[from] == nil {
			before, known = c.checks[from]
		}
		if !known {
			before.account = &account{stateTime: c.kept.timeOf(now, id, names[id])}
			before.bout = boutOf(incidents(id))
		}
		checks[id] = counted{check, before.account}
		if !check.Enabled || known && !before.Enabled {
			paused = append(paused, before.account)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range paused {
		a.interrupt(now)
	}
	c.checks, c.maintenance, c.kept = checks, maintenance, nil
	for id := range cfg.Notifiers {
		for _, word := range outcomeWords {
			c.outcomes[outcome{id, word}] += 0 // so that its first failure is an increase
		}
	}
}

// Result implements the feed of the tracker.
func (c *Counts) Result(r incident.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range r.Addresses {
		for p, took := range r.Addresses[i].Timings {
			if took > 0 && len(c.durations) < mostDurations { // else it was not reached, or nobody takes them
				c.durations = append(c.durations, duration{config.Phase(p), took})
			}
		}
	}
	check, known := c.checks[r.Check]
	if !known {
		return
	}
	check.observe(check.Check, r.Newest(), r.Observed != 0, c.maintenance)
	if worst, bad := r.Worst(); bad && worst.Health != incident.Unknown {
		check.count(worst.Phase, worst.Cause)
	}
}

// Run puts durations into the histogram until ctx ends.
func (c *Counts) Run(ctx context.Context) error {
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.observeDurations()
		}
	}
}

// observeDurations puts into the histogram what is not in it yet.
func (c *Counts) observeDurations() {
	c.mu.Lock()
	list := c.durations
	// About as many will come again; a storm's are not kept.
	c.durations = make([]duration, 0, min(len(list), 1<<14))
	c.mu.Unlock()
	for _, d := range list {
		c.observers[d.phase].Observe(d.took.Seconds())
	}
}

// count counts a failed probe.
func (a *account) count(phase config.Phase, cause config.Cause) {
	for i := range a.failures {
		if f := &a.failures[i]; f.phase == phase && f.cause == cause {
			f.times++
			return
		}
	}
	a.failures = append(a.failures, failure{phase, cause, 1})
}

// Events implements the feed of the tracker.
func (c *Counts) Events(list []incident.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range list {
		if list[i].Condition != config.ConditionService {
			continue // the service works, be it badly
		}
		if check, known := c.checks[list[i].Check]; known {
			check.follow(list[i].Kind)
		}
	}
}

// Outcome counts what an attempt to send a message came to, in the word of deliveries.
func (c *Counts) Outcome(notifier config.NotifierID, word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes[outcome{notifier, word}]++
}

// secondsOf returns for how long a check was in each state.
func (c *Counts) secondsOf(id config.CheckID) (sums [states]time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	check, known := c.checks[id]
	if known {
		sums = check.sums
	}
	return sums, known
}

// failuresOf appends the failures of a check to a list.
func (c *Counts) failuresOf(list []failure, id config.CheckID) []failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if check, known := c.checks[id]; known {
		list = append(list, check.failures...)
	}
	return list
}

// outcomesByName returns what attempts came to, in the order of the notifiers.
func (c *Counts) outcomesByName() (list []outcome, times []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list = slices.SortedFunc(maps.Keys(c.outcomes), func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.notifier, b.notifier), cmp.Compare(a.word, b.word))
	})
	for _, o := range list {
		times = append(times, c.outcomes[o])
	}
	return list, times
}
