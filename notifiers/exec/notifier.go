package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// turn is how long a message waits for the run of another to end.
const turn = 20 * time.Second

// errSlow is the cause of the end of a run that took too long.
var errSlow = errors.New("it took too long")

type notifier struct {
	settings Settings
	command  []string
	env      map[string]string
	secrets  *opaque.Scrubber
	slot     chan struct{} // holds one: of the run under way
}

// Notify runs the program once. Many incidents at once must not become as many processes, so
// one run waits for the other.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	if err := n.settings.CheckTarget(to); err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	// Looked at each time: what was true when the files were read need not be true tonight.
	if err := checkProgram(n.command[0]); err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("running a program: %w", err))
	}
	values := valuesOf(m, to.String())
	command, err := fill(n.command, values)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	stdin, err := input(n.settings.Input, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	if err := n.awaitTurn(ctx); err != nil {
		return notifiers.Receipt{}, err
	}
	return n.run(ctx, command, environment(n.env, m, values), stdin)
}

// awaitTurn takes the slot, or says that the message has not been sent.
func (n *notifier) awaitTurn(ctx context.Context) error {
	select {
	case n.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s: %w", n.command[0], ctx.Err())
	case <-time.After(turn):
		return fmt.Errorf("%s still runs for another message: %w", n.command[0], notifiers.Paced(turn))
	}
}

// run gives the slot back when the program has ended, which may be after the call: whoever
// cancels it does not wait for a program that ignores SIGTERM.
func (n *notifier) run(ctx context.Context, command, env []string, stdin []byte) (notifiers.Receipt, error) {
	limited, cancel := context.WithTimeoutCause(ctx, n.settings.timeout(), errSlow)
	done := make(chan result, 1)
	go func() {
		defer cancel()
		r := run(limited, command, env, stdin)
		<-n.slot
		done <- r
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		return notifiers.Receipt{}, notifiers.Unsure(fmt.Errorf("running %s: %w", command[0], ctx.Err()))
	}
	switch {
	case r.err != nil && cannotRun(r.err):
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("running a program: %s", n.line(r.err.Error())))
	case r.err != nil:
		return notifiers.Receipt{}, fmt.Errorf("running a program: %s", n.line(r.err.Error()))
	case ctx.Err() != nil && !r.state.Success():
		return notifiers.Receipt{}, notifiers.Unsure(fmt.Errorf("running %s: %w", command[0], ctx.Err()))
	case errors.Is(context.Cause(limited), errSlow) && !r.state.Success():
		return notifiers.Receipt{}, notifiers.Unsure(n.failed(fmt.Sprintf("ended after %s, since it took too long", n.settings.timeout()), r))
	}
	return n.verdict(r)
}

func (n *notifier) line(text string) string { return harmless(n.secrets.Scrub(text), false) }

// Close does nothing: runs under way end by their own context.
func (n *notifier) Close() error { return nil }
