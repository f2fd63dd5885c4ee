package metrics

import (
	"context"
	"sync"

	"github.com/imapvigil/imapvigil/config"
)

// turns let one probe of each target in at a time. The zero value is ready.
type turns struct {
	mu    sync.Mutex
	taken map[config.CheckID]chan struct{} // closed when the turn is over
}

// enter waits for a turn; leave ends it. An error is the cause of ctx.
func (t *turns) enter(ctx context.Context, id config.CheckID) (leave func(), err error) {
	for {
		t.mu.Lock()
		other, taken := t.taken[id]
		if !taken {
			if t.taken == nil {
				t.taken = map[config.CheckID]chan struct{}{}
			}
			mine := make(chan struct{})
			t.taken[id] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.taken, id)
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
