// Package control is how the command line talks to the running daemon: HTTP
// over a unix socket, one server and its client.
//
// It owns the socket, its permissions and the shapes that cross it. It decides
// nothing: every request becomes a call of the [Backend]. Who may connect is
// the business of the socket's mode and group; nothing here listens on a
// network.
package control

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
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

// Check is one check in a Status.
type Check = tracker.CheckView

// Incident is one incident in Incidents.
type Incident = tracker.IncidentView

// Delivery is one message about an incident.
type Delivery = tracker.DeliveryView

// Incidents is what `incidents --json` prints. The keys are an interface.
type Incidents struct {
	Incidents []Incident `json:"incidents"`
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

// Verdict is what came of a reload: what `reload --json` prints.
type Verdict struct {
	Result      string       `json:"result"` // applied, unchanged, rejected
	Digest      string       `json:"digest"`
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// The results of a reload.
const (
	Applied      = "applied"
	Unchanged    = "unchanged"
	RejectedWord = "rejected"
)

// A Plan is what a reload would do: what `plan --json` prints. The keys are an
// interface.
type Plan struct {
	config.Diff
	Diagnostics []Diagnostic `json:"diagnostics"`
	// Orphaned are open incidents of checks that would be removed.
	Orphaned []incident.ID `json:"-"`
	// Kept are those of checks that would be changed or moved, which they survive.
	Kept []KeptIncident `json:"-"`
}

// A KeptIncident stays open; Check is what its check would be called.
type KeptIncident struct {
	ID    incident.ID    `json:"id"`
	Check config.CheckID `json:"check"`
}

// plan is a Plan as it crosses the socket.
type plan struct {
	Plan
	Orphaned []incident.ID  `json:"orphaned"`
	Kept     []KeptIncident `json:"kept"`
	// Elsewhere is no part of what plan prints as JSON.
	Elsewhere []string `json:"elsewhere"`
}

// A Trial is what `notify-test --json` prints.
type Trial struct {
	Role       config.RoleID   `json:"role"`
	Deliveries []TrialDelivery `json:"deliveries"`
}

// A TrialDelivery is one test message.
type TrialDelivery struct {
	Notifier string       `json:"notifier"`
	Kind     string       `json:"kind"`
	Target   string       `json:"target"`
	State    string       `json:"state"` // sent or dead
	Answer   opaque.Words `json:"answer"`
}

// A Diagnostic is one diagnostic of the configuration, as --json prints it,
// with the excerpt that the text form needs.
type Diagnostic struct {
	Severity config.Gravity `json:"severity"`
	Summary  string         `json:"summary"`
	Detail   string         `json:"detail"`
	File     string         `json:"file"`
	Line     int            `json:"line"`
	Column   int            `json:"column"`
	Excerpt  string         `json:"excerpt,omitempty"`
	Mark     *[2]int        `json:"mark,omitempty"`
}

// NewDiagnostics turns diagnostics into what crosses the socket.
func NewDiagnostics(diags []config.Diagnostic) []Diagnostic {
	list := make([]Diagnostic, 0, len(diags))
	for _, d := range diags {
		out := Diagnostic{
			Severity: d.Gravity, Summary: d.Summary, Detail: d.Detail,
			File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Column, Excerpt: d.Excerpt,
		}
		if d.Mark != [2]int{} {
			out.Mark = &d.Mark
		}
		list = append(list, out)
	}
	return list
}

// Config gives back what NewDiagnostics was made from.
func (d Diagnostic) Config() config.Diagnostic {
	out := config.Diagnostic{
		Gravity: d.Severity, Summary: d.Summary, Detail: d.Detail, Excerpt: d.Excerpt,
		Pos: config.Pos{File: d.File, Line: d.Line, Column: d.Column},
	}
	if d.Mark != nil {
		out.Mark = *d.Mark
	}
	return out
}

// Silence is one silence, as `silence` shows it.
type Silence = tracker.SilenceView

// Scope is what a silence is about.
type Scope = tracker.Scope

// Silences is what `silence list --json` prints.
type Silences struct {
	Silences []Silence `json:"silences"`
}

// A Backend is the daemon, as the socket sees it.
type Backend interface {
	// Status shows what is known.
	Status(ctx context.Context) (Status, error)
	// Incidents lists all incidents that are kept.
	Incidents(ctx context.Context) ([]Incident, error)
	// Reload reads the files and waits for the verdict.
	Reload(ctx context.Context, allowShrink bool) (Verdict, error)
	// Plan says what a reload would do; an empty path is the daemon's own.
	Plan(ctx context.Context, path string) (Plan, error)
	// Recheck probes now, and the result counts.
	Recheck(ctx context.Context, id config.CheckID) (incident.Report, error)
	// NotifyTest sends a test message along each way of a role.
	NotifyTest(ctx context.Context, id config.RoleID) (Trial, error)
	// Acknowledge takes an open incident on, until a time or its end.
	Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) error
	// Silence has nothing sent about something until a time.
	Silence(ctx context.Context, scope Scope, reason string, until time.Time) (Silence, error)
	// Silences lists those that have not ended.
	Silences(ctx context.Context) ([]Silence, error)
	// EndSilence ends one before its time.
	EndSilence(ctx context.Context, id string) error
	// Redeliver has a message that was given up tried once more.
	Redeliver(ctx context.Context, key string) error
}
