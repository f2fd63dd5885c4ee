package clock

import (
	"context"
	"time"
)

// Repeat calls f after each pause, until ctx ends.
func Repeat(ctx context.Context, pause time.Duration, f func()) error {
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
