package cluster

import (
	"context"
	"time"
)

// repeatEvery calls f after each pause, until ctx ends.
func repeatEvery(ctx context.Context, pause time.Duration, f func()) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f()
		}
	}
}
