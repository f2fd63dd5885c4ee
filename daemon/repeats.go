package daemon

import (
	"sync"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
)

// A repeatLog logs when messages can no longer be repeated on a notifier, and when they can
// again: once, not every minute.
type repeatLog struct {
	log     *zap.Logger
	mu      sync.Mutex
	failing map[config.NotifierID]bool
}

// note takes what came of repeating messages.
func (r *repeatLog) note(id config.NotifierID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch failed := err != nil; {
	case failed == r.failing[id]:
		return
	case failed:
		r.log.Warn("open incidents could not be sent again to a receiver that forgets them; retrying", zap.String("notifier", string(id)), zap.Error(err))
	default:
		r.log.Info("open incidents are sent again", zap.String("notifier", string(id)))
	}
	r.failing[id] = err != nil
}
