package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Explain implements [api.Daemon].
func (m *monitor) Explain(ctx context.Context, id incident.ID) ([]outbox.Held, error) {
	id = m.deciding.here(ctx, id)
	v, err := m.deciding.holder(ctx, id).Explain(ctx, id)
	return v, m.elsewhere(err)
}

// Note implements [api.Daemon].
func (m *monitor) Note(ctx context.Context, id incident.ID, n tracker.Note) (incident.Event, error) {
	id = m.deciding.here(ctx, id)
	v, err := m.deciding.holder(ctx, id).Note(ctx, id, n)
	return v, m.elsewhere(err)
}

// Upcoming implements [api.Daemon].
func (m *monitor) Upcoming(ctx context.Context, ids []incident.ID) ([]outbox.Upcoming, error) {
	v, err := m.deciding.shown().Upcoming(ctx, ids)
	return v, m.elsewhere(err)
}

// Foresee implements [api.Daemon].
func (m *monitor) Foresee(ctx context.Context, q outbox.Question) (outbox.Forecast, error) {
	v, err := m.deciding.shown().Foresee(ctx, q)
	return v, m.elsewhere(err)
}

// Acknowledge implements [api.Daemon].
func (m *monitor) Acknowledge(ctx context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error) {
	id = m.deciding.here(ctx, id)
	v, err := m.deciding.holder(ctx, id).Acknowledge(ctx, id, a)
	return v, m.elsewhere(err)
}

// Unacknowledge implements [api.Daemon].
func (m *monitor) Unacknowledge(ctx context.Context, id incident.ID, by string) (incident.Incident, error) {
	id = m.deciding.here(ctx, id)
	v, err := m.deciding.holder(ctx, id).Unacknowledge(ctx, id, by)
	return v, m.elsewhere(err)
}

// Silence implements [api.Daemon].
func (m *monitor) Silence(ctx context.Context, wanted api.Silence) (api.Silence, error) {
	v, err := m.deciding.shown().Silence(ctx, wanted)
	return v, m.elsewhere(err)
}

// EndSilence implements [api.Daemon].
func (m *monitor) EndSilence(ctx context.Context, id, by string) (api.Silence, error) {
	v, err := m.deciding.shown().EndSilence(ctx, id, by)
	return v, m.elsewhere(err)
}

// Dismiss implements [api.Daemon].
func (m *monitor) Dismiss(ctx context.Context, key, by string) error {
	return m.elsewhere(m.deciding.sender(ctx, outbox.Key(key)).Dismiss(ctx, outbox.Key(key), by))
}

// Redeliver implements [api.Daemon].
func (m *monitor) Redeliver(ctx context.Context, key string) error {
	return m.elsewhere(m.deciding.sender(ctx, outbox.Key(key)).Redeliver(ctx, outbox.Key(key)))
}

// elsewhere returns an error of a tracker in words for whoever asked.
func (m *monitor) elsewhere(err error) error {
	if m.member == nil || err == nil {
		return err
	}
	who := m.member.node.Decider()
	if who == m.node {
		who = ""
	}
	return decidedElsewhere(cmp.Or(who, "another node"), err)
}

// decidedElsewhere returns an error as one that names the node that decides now, where that is the reason
// that a tracker has done nothing.
func decidedElsewhere(who string, err error) error {
	switch {
	case errors.Is(err, tracker.ErrStandby), errors.Is(err, tracker.ErrStopped):
		return fmt.Errorf("%s decides now, and nothing was done; run it again", who)
	case errors.Is(err, journal.ErrReplaced): // perhaps it was written, and only the answer is missing
		return fmt.Errorf("%s decides now; look whether it was done, and run it again", who)
	}
	return err
}
