// Package api is how programs ask the running daemon, and what they are answered: the
// shapes of the JSON, the handlers that serve them, and the client that the command line
// uses. Each exists here, once.
//
// It decides nothing: every request becomes a call of the [Daemon]. It listens nowhere:
// daemon/control mounts [Handler] on a unix socket and says who may connect. The JSON
// keys are an interface, the same in an answer as in what the commands print.
package api

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A Daemon is the running monitor, as far as it can be asked.
type Daemon interface {
	// Snapshot gives what is known, all that was journaled before the call included.
	Snapshot(ctx context.Context) (*tracker.Snapshot, error)
	// Self gives what the daemon knows of itself beside it.
	Self() Self
	// History gives what was; its readers say when it cannot be read.
	History() *history.Store
	// NextProbe gives when a check is probed next; zero: it is not known.
	NextProbe(id config.CheckID) time.Time
	// Reload reads the files and waits for the verdict.
	Reload(ctx context.Context, allowShrink bool) (Verdict, error)
	// Plan says what a reload would do if these were the daemon's files; nil: with its own.
	Plan(ctx context.Context, files *source.Parcel) (Plan, error)
	// Recheck probes now, and the result counts.
	Recheck(ctx context.Context, id config.CheckID) (Report, error)
	// Test probes now what a check says, in the files or not, and the result does not count. It
	// takes slots as slow probes do, and is as polite to the server as they are.
	Test(ctx context.Context, check *config.Check, o TestOptions) (incident.Result, error)
	// TestFrom has a node of the cluster probe a check of its files now, and the result does not count.
	TestFrom(ctx context.Context, node config.NodeID, id config.CheckID) (Report, error)
	// NotifyTest sends a test message along each way of a role.
	NotifyTest(ctx context.Context, id config.RoleID) (Trial, error)
	// Explain says why the destinations of an incident are not told of it now.
	Explain(ctx context.Context, id incident.ID) ([]outbox.Held, error)
	// Upcoming says which escalations and reminders time alone will have sent about open
	// incidents.
	Upcoming(ctx context.Context, ids []incident.ID) ([]outbox.Upcoming, error)
	// Foresee says who would be notified if a check failed.
	Foresee(ctx context.Context, q outbox.Question) (outbox.Forecast, error)
	// Acknowledge notes that a person works on an open incident, and returns the incident
	// as it was before.
	Acknowledge(ctx context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error)
	// Unacknowledge takes that back, and returns the incident as it was before.
	Unacknowledge(ctx context.Context, id incident.ID, by string) (incident.Incident, error)
	// Note adds a note to an incident, and returns it as it is kept.
	Note(ctx context.Context, id incident.ID, n tracker.Note) (incident.Event, error)
	// Silence has nothing sent about something until a time. Scope, reason, time and author
	// are given; the rest is returned with them.
	Silence(ctx context.Context, wanted Silence) (Silence, error)
	// EndSilence ends one before its time, and returns it as it was.
	EndSilence(ctx context.Context, id, by string) (Silence, error)
	// Dismiss marks a message that was given up as needing no more attention.
	Dismiss(ctx context.Context, key, by string) error
	// Redeliver has a message that was given up tried once more.
	Redeliver(ctx context.Context, key string) error
	// Nodes gives the nodes of the cluster, as this one knows them; ErrNoCluster: there is none.
	Nodes(ctx context.Context) (Nodes, error)
	// StepDown has this node stop deciding, so that another one takes over.
	StepDown(ctx context.Context, by string) error
	// BeginNodes makes the journal that all nodes share, once, of what this node knows, and returns how
	// many records it begins with.
	BeginNodes(ctx context.Context, by string) (records int, err error)
}
