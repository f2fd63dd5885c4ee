package metrics

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A kept is what outlives the process of the counters of checks.
type kept struct {
	At     time.Time                   `json:"at"` // until when it was counted
	Checks map[config.CheckID]keptTime `json:"checks"`
}

// A keptTime is a [stateTime] in nanoseconds, so that nothing is lost by rounding: a counter that
// has fallen by the least bit is taken for one that began at 0.
type keptTime struct {
	Sums      [states]time.Duration `json:"ns"` // up, down, unknown, maintenance
	Undecided time.Duration         `json:"undecided_ns,omitempty"`
}

// Keep returns the seconds of all checks, counted up to now, for [Counts.Restore] after the next
// start. It may be called once nothing is counted any more.
func (c *Counts) Keep(now time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil { // the process ends before it began to count
		return json.Marshal(c.kept)
	}
	k := kept{At: now.UTC(), Checks: make(map[config.CheckID]keptTime, len(c.checks))}
	for id, check := range c.checks {
		if check.Enabled {
			check.addUntil(check.Check, now, c.maintenance)
		}
		k.Checks[id] = keptTime{check.sums, check.undecided}
	}
	return json.Marshal(k)
}

// Restore takes what Keep returned, before the first configuration. Whoever calls it makes sure
// that no other process does, and this one never again: after a crash the counters must begin
// at 0, and not with less than they had.
func (c *Counts) Restore(text []byte) error {
	k := &kept{}
	if err := json.Unmarshal(text, k); err != nil {
		return fmt.Errorf("reading the counters of the last run: %w", err)
	}
	for id, t := range k.Checks {
		for _, sum := range append(t.Sums[:], t.Undecided) {
			if sum < 0 {
				return fmt.Errorf("reading the counters of the last run: %s has %s", id, sum)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = k
	return nil
}

// timeOf returns what was kept of a check, under one of its names, or else the time of a check that
// begins now. What has passed since is not known, as in the history.
func (k *kept) timeOf(now time.Time, names ...config.CheckID) stateTime {
	if k == nil {
		return stateTime{until: now}
	}
	for _, name := range names {
		if t, known := k.Checks[name]; known {
			s := stateTime{sums: t.Sums, undecided: t.Undecided, until: k.At}
			if now.Before(k.At) { // the clock was set back
				s.until = now
			}
			return s
		}
	}
	return stateTime{until: now}
}
