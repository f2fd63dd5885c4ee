package dovecot

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// patience bounds every wait. It is long, since a loaded machine is no reason to fail.
const patience = time.Minute

// await tries until the server is as wanted. The test fails at once when the server ends
// meanwhile, which is what a mistake in its configuration leads to.
func (s *Server) await(what string, condition func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var ended <-chan struct{}
	if s.process != nil {
		ended = s.process.Exited()
	}
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-ended:
			s.t.Fatalf("waiting for %s: dovecot ended: %v", what, s.process.Err())
		case <-ctx.Done():
			s.t.Fatalf("waited %v for %s: %v", patience, what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) bothGreet(ctx context.Context) error {
	_, plain := process.Greet(ctx, s.IMAP(), process.StartTLS)
	_, implicit := process.Greet(ctx, s.IMAPS(), process.ImplicitTLS)
	return errors.Join(plain, implicit)
}
