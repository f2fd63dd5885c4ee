package api

import (
	"time"

	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Status is what `status --json` prints. The keys are an interface.
type Status struct {
	GeneratedAt   time.Time             `json:"generated_at"`
	Config        Config                `json:"config"`
	Journal       Journal               `json:"journal"`
	Checks        []tracker.CheckView   `json:"checks"`
	Notifications tracker.Notifications `json:"notifications"`
	Probes        Probes                `json:"probes"`
	Log           Log                   `json:"log"`
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

// Journal is the journal's part of a Status.
type Journal = tracker.JournalView

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
