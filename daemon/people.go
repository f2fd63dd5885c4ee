package daemon

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Acknowledge implements [control.Backend].
func (m *monitor) Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) error {
	return m.tracker.Acknowledge(ctx, id, reason, until)
}

// Silence implements [control.Backend].
func (m *monitor) Silence(ctx context.Context, scope control.Scope, reason string, until time.Time) (control.Silence, error) {
	return m.tracker.Silence(ctx, scope, reason, until)
}

// Silences implements [control.Backend].
func (m *monitor) Silences(ctx context.Context) ([]control.Silence, error) {
	return m.tracker.Silences(ctx)
}

// EndSilence implements [control.Backend].
func (m *monitor) EndSilence(ctx context.Context, id string) error {
	return m.tracker.EndSilence(ctx, id)
}

// Redeliver implements [control.Backend].
func (m *monitor) Redeliver(ctx context.Context, key string) error {
	return m.tracker.Again(ctx, outbox.Key(key))
}
