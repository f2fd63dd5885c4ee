package process

import (
	"context"
	"testing"
	"time"
)

// awaitPatience bounds every wait. It is long, since a loaded machine is no reason to
// fail. A try is ended sooner: a Courier that has just been started, on a loaded machine,
// left a connection without an answer for as long as it was open.
const (
	awaitPatience = 3 * time.Minute
	tryPatience   = 10 * time.Second
)

// Await tries until a server is as wanted, with a pause between two tries. The test
// fails at once when the server's process (nil: none runs) ends meanwhile, which is
// what a mistake in its configuration leads to.
func Await(t testing.TB, p *Process, what string, pause time.Duration, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), awaitPatience)
	defer cancel()
	var ended <-chan struct{}
	if p != nil {
		ended = p.Exited()
	}
	for {
		try, done := context.WithTimeout(ctx, tryPatience)
		err := condition(try)
		done()
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("waiting for %s: the server ended: %v", what, p.Err())
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", awaitPatience, what, err)
		case <-time.After(pause):
		}
	}
}
