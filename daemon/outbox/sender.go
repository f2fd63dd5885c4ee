package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// attemptTimeout bounds one attempt; one that does not end then although its
// context has is given up a little later and left behind.
const (
	attemptTimeout = time.Minute
	attemptGrace   = 500 * time.Millisecond
)

// tooSlow returns the cause of the end of an attempt.
func tooSlow(timeout time.Duration) error {
	if timeout == attemptTimeout {
		return errors.New("no answer within a minute")
	}
	return fmt.Errorf("no answer within %s", notifiers.Duration(timeout))
}

// An Attempt is what one call of a notifier came to.
type Attempt struct {
	Key     Key
	At      time.Time
	Receipt notifiers.Receipt
	Err     error
	// Receiver is the mark of the channel that the message was handed to; empty: its targets say who
	// gets it.
	Receiver string
}

// A Channel is an opened notifier beside the settings it was opened from.
type Channel struct {
	notifiers.Notifier
	Settings notifiers.Settings
	Words    wording.Words
	// Receiver is the mark of who gets its messages, where its settings decide that: see [notifiers.Bound].
	Receiver string
}

// A Sender makes attempts, each in a goroutine of its own, and reports what
// they came to. How many run at once is the tracker's business (Book.Due).
type Sender struct {
	// Compose fills in what a report says, in the goroutine of its attempt; nil: there are no
	// reports. It is set before the first Send.
	Compose func(ctx context.Context, r notifiers.Report, at time.Time) (notifiers.Report, error)

	// Resent hears what each call that repeats messages came to; nil: nobody does. It is
	// set before the first Resend.
	Resent func(id config.NotifierID, err error)

	// WordsFailed is told why a message has built-in words where a notifier has its own, in the
	// goroutine of its attempt; nil: nobody is. It is set before the first Send.
	WordsFailed func(m notifiers.Message, err error)

	report func(Attempt)
	ctx    context.Context
	cancel context.CancelFunc
	// repeats is the context of what is repeated, which a stop does not wait for.
	repeats    context.Context
	endRepeats context.CancelFunc

	mu       sync.Mutex
	channels map[config.NotifierID]Channel
	former   []formerChannel // that have told of something, oldest first
	partial  bool            // channels lack some that the files could not give
	stopped  bool
	lanes    map[Destination]*lane // by place
	running  sync.WaitGroup
}

// NewSender makes a Sender that hands every outcome to report, from a
// goroutine of the attempt.
func NewSender(report func(Attempt)) *Sender {
	s := &Sender{report: report, lanes: map[Destination]*lane{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.repeats, s.endRepeats = context.WithCancel(s.ctx)
	return s
}

// Use replaces the channels and returns the old ones, for the caller to
// close what is no longer used. Attempts under way keep theirs.
func (s *Sender) Use(channels map[config.NotifierID]Channel) (old map[config.NotifierID]Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.channels = s.channels, channels
	s.keepFormer(old)
	return old
}

// Partial says whether the channels in use lack some only because the files are
// in error: what goes to those waits until the files are mended.
func (s *Sender) Partial(partial bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = partial
}

// missingChannel returns the error of a notifier that has no channel. s.mu is held.
func (s *Sender) missingChannel(id config.NotifierID) error {
	// It will be there again when the files are mended, so the message must not be given up.
	if s.partial {
		return notifiers.RetryAfter(fmt.Errorf("notifier %s is left out while the files are in error", id), time.Minute)
	}
	return notifiers.Permanent(fmt.Errorf("notifier %s is no longer configured", id))
}

// Send starts one attempt and returns at once. After Stop it does nothing: the
// delivery is due again after the next start.
func (s *Sender) Send(id config.NotifyID, to json.RawMessage, m notifiers.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.supersede(id, m)
	r := s.routeOf(id.Notifier, m)
	s.running.Go(func() {
		a := Attempt{Key: Key(m.Key), Receiver: r.receiver()}
		a.Receipt, a.Err = s.attemptAll(r, to, m)
		a.At = time.Now()
		if s.ctx.Err() == nil || a.Err == nil {
			s.report(a) // an attempt that a stop cut short is made again after the start
		}
	})
}

// attemptOnce makes one attempt.
func (s *Sender) attemptOnce(c Channel, to json.RawMessage, m notifiers.Message) (notifiers.Receipt, error) {
	timeout := attemptTimeout
	if patient, ok := c.Settings.(notifiers.Patient); ok {
		timeout = max(timeout, patient.Patience())
	}
	return s.bounded(s.ctx, timeout, func(ctx context.Context) (notifiers.Receipt, error) { return s.callNotifier(ctx, c, to, m) })
}

// bounded calls a notifier and ends whether the notifier does or not: a call that hangs must
// hold up neither the other messages to its destination nor the end of the daemon.
func (s *Sender) bounded(
	ctx context.Context, timeout time.Duration, call func(context.Context) (notifiers.Receipt, error),
) (notifiers.Receipt, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, tooSlow(timeout))
	defer cancel()
	type answer struct {
		receipt notifiers.Receipt
		err     error
	}
	// With room for the answer of a call that was left behind, whose goroutine can then end.
	answers := make(chan answer, 1)
	go func() {
		r, err := withoutPanic(func() (notifiers.Receipt, error) { return call(ctx) })
		answers <- answer{r, err}
	}()
	select {
	case a := <-answers:
		return a.receipt, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers:
		return a.receipt, withCause(ctx, a.err)
	case <-time.After(attemptGrace):
		return notifiers.Receipt{}, notifiers.Unsure(context.Cause(ctx))
	}
}

// withoutPanic makes an error of the panic of a call.
func withoutPanic(call func() (notifiers.Receipt, error)) (r notifiers.Receipt, err error) {
	defer func() {
		// A fault in one channel must not end the daemon, which has others.
		if v := recover(); v != nil {
			err = fmt.Errorf("the notifier panicked: %v", v)
		}
	}()
	return call()
}

// callNotifier reads the target of a message, completes a report, and calls the notifier.
func (s *Sender) callNotifier(ctx context.Context, c Channel, to json.RawMessage, m notifiers.Message) (r notifiers.Receipt, err error) {
	target, err := c.Settings.DecodeTarget(to)
	if err != nil {
		return r, notifiers.Permanent(fmt.Errorf("reading the target: %w", err))
	}
	if m.Report != nil {
		composed, err := s.Compose(ctx, *m.Report, m.At)
		if err != nil {
			return r, fmt.Errorf("making the report: %w", err)
		}
		m.Report = &composed
	}
	m, err = c.Words.Apply(m)
	if err != nil && s.WordsFailed != nil {
		s.WordsFailed(m, err)
	}
	return c.Notify(ctx, target, m)
}

// withCause adds to an error why the context ended, which the error of a context does not
// say.
func withCause(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// Stop takes no more to send and waits for the attempts under way, at most until
// ctx ends; then it cuts them short and waits for that.
func (s *Sender) Stop(ctx context.Context) {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.endRepeats() // nobody has to get them: they come again after the next start
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
	<-done
}
