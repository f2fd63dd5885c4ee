package dovecot

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

func (s *Server) await(what string, condition func(context.Context) error) {
	s.t.Helper()
	process.Await(s.t, s.process, what, 10*time.Millisecond, condition)
}

func (s *Server) bothGreet(ctx context.Context) error {
	_, plain := process.Greet(ctx, s.IMAP(), process.StartTLS)
	_, implicit := process.Greet(ctx, s.IMAPS(), process.ImplicitTLS)
	return errors.Join(plain, implicit)
}
