package daemon

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// logOpened logs how the journal was found, unless it is one that was closed in order.
func logOpened(log *zap.Logger, s journal.Status) {
	if s.Damaged {
		log.Error("the journal is damaged; the monitor goes on with what could be read",
			zap.String("reason", s.Detail), zap.Strings("quarantined", s.Quarantined))
	}
	if s.TornBytes > 0 {
		log.Warn("the journal ended in an unfinished write, which was cut off; a copy is kept (*.torn)",
			zap.Int64("torn_bytes", s.TornBytes), zap.Bool("clean", s.Clean))
	} else if !s.Clean {
		log.Warn("the previous daemon did not close the journal (a crash, a kill or a power failure)",
			zap.Bool("clean", false))
	}
}

// watchDurability logs when the journal becomes not durable, and durable again. It
// fails when another daemon has taken the state directory: two would send every
// alarm twice, and only one of them would know what it has sent.
func (m *monitor) watchDurability(ctx context.Context) error {
	losses := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.journal.Usurped():
			return fmt.Errorf("the state directory %s was replaced while this daemon ran, and another one uses the new one: %w; this one ends", m.StateDir, journal.ErrInUse)
		case <-m.journal.Changed():
		}
		s := m.journal.Status()
		if s.Losses > losses {
			m.Log.Error("files of the journal are lost", zap.String("reason", s.LastLoss))
			losses = s.Losses
		}
		if s.Durable {
			m.Log.Info("the journal is durable again")
		} else {
			m.Log.Error("the journal is not durable", zap.String("reason", s.Detail), zap.Int("waiting", s.Waiting))
		}
	}
}
