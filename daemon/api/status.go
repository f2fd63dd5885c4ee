package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Status is what `status --json` prints. The keys are an interface.
type Status struct {
	GeneratedAt   time.Time     `json:"generated_at"`
	Config        Config        `json:"config"`
	Journal       Journal       `json:"journal"`
	Checks        []Check       `json:"checks"`
	Notifications Notifications `json:"notifications"`
	Probes        Probes        `json:"probes"`
	Log           Log           `json:"log"`
	// Notes are what the probes cannot see from this machine, and what else people
	// should know of it, in sentences.
	Notes []string `json:"notes,omitempty"`
}

// Probes say whether probes begin when they should.
type Probes struct {
	// LagS is how much later than its turn a probe began in the last minute or
	// two, or has not begun yet, in seconds: the most of all checks.
	LagS float64 `json:"lag_s"`
	// Waiting counts checks whose turn has come and who wait for one of
	// max_concurrent_probes.
	Waiting int `json:"waiting"`
	// Overdue are those of them that are late by more than two intervals, and by
	// 30 seconds.
	Overdue int `json:"overdue"`
}

// NotableLag is a lag that people should know of.
const NotableLag = 5 * time.Second

// Late reports whether people should know of it.
func (p Probes) Late() bool { return p.LagS >= NotableLag.Seconds() || p.Overdue > 0 }

// Journal is the health of the journal.
type Journal struct {
	Durable bool `json:"durable"`
	Damaged bool `json:"damaged"`
	// Error says why it is not durable, or else what is damaged, with the path;
	// empty: neither.
	Error string `json:"error"`
	// Clean: the daemon before this one closed it.
	Clean bool `json:"clean"`
	// TornBytes were cut off its end at the start: a write that a crash interrupted.
	TornBytes int64 `json:"torn_bytes"`
	// Quarantined are the paths of damaged files, which are kept.
	Quarantined []string `json:"quarantined"`
}

// Notifications counts deliveries.
type Notifications struct {
	Queued int `json:"queued"` // not delivered yet
	Held   int `json:"held"`   // of these: not sent yet, see Delivery.Held
	Dead   int `json:"dead"`
}

// Log says whether the daemon's log reaches whoever should read it.
type Log struct {
	// Lost counts the lines, since the start, for which there was no room because
	// nobody read what was written before, or which could not be written.
	Lost       int64      `json:"lost"`
	LastLostAt *time.Time `json:"last_lost_at"` // null: none is lost
	// Waiting are the lines that have not been written, WaitingS how long the first
	// of them has been waiting, in seconds.
	Waiting  int     `json:"waiting"`
	WaitingS float64 `json:"waiting_s"`
}

// ConfigState says what stands behind the checks that run.
type ConfigState string

// The states of the configuration.
const (
	Current  ConfigState = "current"   // the files, as they are
	Rejected ConfigState = "rejected"  // the files are in error; what ran before goes on
	LastGood ConfigState = "last_good" // started from the last good source
)

// Config is the configuration's part of a Status.
type Config struct {
	State    ConfigState `json:"state"`
	LoadedAt time.Time   `json:"loaded_at"`
	Digest   string      `json:"digest"`
	Error    string      `json:"error"`
	// Polling says why file-system events are not to be had, so that a change is
	// noticed by the next content check; empty: they are.
	Polling string `json:"polling,omitempty"`
}

// Check is one check in `status --json`.
type Check struct {
	ID          config.CheckID      `json:"id"`
	Label       string              `json:"label"`
	Server      string              `json:"server"`
	Groups      []string            `json:"groups"`
	State       incident.CheckState `json:"state"`
	Phase       string              `json:"phase"`
	Cause       string              `json:"cause"`
	Hint        string              `json:"hint"`
	Since       *time.Time          `json:"since"`
	LastProbeAt *time.Time          `json:"last_probe_at"`
	NextProbeAt *time.Time          `json:"next_probe_at"`
	Incidents   []incident.ID       `json:"incidents"`
}

// A Self is what the daemon knows of itself, beside what it watches.
type Self struct {
	Config Config
	Probes Probes
	Log    Log
	Notes  []string
}

// NewStatus turns a snapshot into what `status --json` prints. next says when a check is
// probed next; zero: it is not known.
func NewStatus(s *tracker.Snapshot, self Self, next func(config.CheckID) time.Time) Status {
	queued, dead := s.Counts()
	held := s.CountHeld()
	status := Status{
		GeneratedAt: s.At, Config: self.Config, Journal: newJournal(s), Checks: []Check{},
		Notifications: Notifications{Queued: queued + held, Held: held, Dead: dead},
		Probes:        self.Probes, Log: self.Log, Notes: self.Notes,
	}
	for c := range s.Checks() {
		status.Checks = append(status.Checks, newCheck(c, s.At, next))
	}
	return status
}

func newJournal(s *tracker.Snapshot) Journal {
	return Journal{
		Durable: s.Journal.Durable, Damaged: s.Journal.Damaged, Error: s.Journal.Detail, Clean: s.Journal.Clean,
		// JSON says [], not null.
		TornBytes: s.Journal.TornBytes, Quarantined: append([]string{}, s.Journal.Quarantined...),
	}
}

func newCheck(c tracker.Check, now time.Time, next func(config.CheckID) time.Time) Check {
	v := Check{ID: c.ID, Label: c.Label, Server: string(c.Server), Groups: c.GroupNames(), Incidents: []incident.ID{}}
	// A paused check has no next probe.
	if c.Enabled {
		v.NextProbeAt = moment(next(c.ID))
	}
	if c.Last != nil {
		v.LastProbeAt = moment(c.Last.Started)
	}
	state, gravest := c.State(now)
	if v.State = state; state == incident.CheckPaused {
		return v // what was found before is not so any more, or not known to be
	}
	if f := c.Finding(state, gravest); f != nil {
		v.Phase, v.Cause, v.Hint = f.Phase.String(), string(f.Cause), f.Hint
	}
	v.Since = moment(c.StateSince(state, gravest))
	for _, in := range c.Incidents {
		if in.Open() {
			v.Incidents = append(v.Incidents, in.ID)
		}
	}
	return v
}

// moment returns a time in UTC, or nil for one that is not known, so that JSON says null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC().Round(0)
	return &utc
}
