package daemon

import (
	"context"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// logOpened says how the journal was found, where that is not as a journal that
// was closed.
func logOpened(log *zap.Logger, s journal.Status) {
	if s.Damaged {
		log.Error("the journal is damaged; the monitor goes on with what could be read",
			zap.String("reason", s.Detail), zap.Strings("quarantined", s.Quarantined))
	}
	if s.TornBytes > 0 {
		log.Warn("the journal ended in an unfinished write, which was cut off; a copy is kept (*.torn)",
			zap.Int64("torn_bytes", s.TornBytes), zap.Bool("clean", s.Clean))
	} else if !s.Clean {
		log.Warn("the journal was not closed by the daemon before this one (a crash, a kill or a loss of power)",
			zap.Bool("clean", false))
	}
}

// durability logs when the journal becomes not durable, and durable again.
func (m *monitor) durability(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.journal.Changed():
		}
		if s := m.journal.Status(); s.Durable {
			m.Log.Info("the journal is durable again")
		} else {
			m.Log.Error("the journal is not durable", zap.String("reason", s.Detail), zap.Int("waiting", s.Waiting))
		}
	}
}
