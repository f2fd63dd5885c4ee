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
)

// attemptTimeout bounds one attempt, whatever the other side does.
const attemptTimeout = time.Minute

// An Attempt is what one call of a notifier came to.
type Attempt struct {
	Key     Key
	At      time.Time
	Receipt notifiers.Receipt
	Err     error
}

// A Channel is an opened notifier beside the settings it was opened from.
type Channel struct {
	notifiers.Notifier
	Settings notifiers.Settings
}

// A Sender makes attempts, each in a goroutine of its own, and reports what
// they came to. How many run at once is the tracker's business (Book.Due).
type Sender struct {
	report func(Attempt)

	mu       sync.Mutex
	channels map[config.NotifierID]Channel
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// NewSender makes a Sender that hands every outcome to report, from a
// goroutine of the attempt.
func NewSender(report func(Attempt)) *Sender {
	ctx, cancel := context.WithCancel(context.Background())
	return &Sender{report: report, ctx: ctx, cancel: cancel}
}

// Use replaces the channels and gives back the old ones, for the caller to
// close what is no longer used. Attempts under way keep theirs.
func (s *Sender) Use(channels map[config.NotifierID]Channel) (old map[config.NotifierID]Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.channels = s.channels, channels
	return old
}

// Send starts one attempt and returns at once.
func (s *Sender) Send(way config.WayID, to json.RawMessage, m notifiers.Message) {
	s.mu.Lock()
	channel, ok := s.channels[way.Notifier]
	s.mu.Unlock()
	s.running.Go(func() {
		a := Attempt{Key: Key(m.Key)}
		if ok {
			a.Receipt, a.Err = s.attempt(channel, to, m)
		} else {
			a.Err = notifiers.Permanent(fmt.Errorf("notifier %s is no longer configured", way.Notifier))
		}
		a.At = time.Now()
		if s.ctx.Err() == nil || a.Err == nil {
			s.report(a) // an attempt that a stop cut short is made again after the start
		}
	})
}

func (s *Sender) attempt(c Channel, to json.RawMessage, m notifiers.Message) (r notifiers.Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the notifier panicked: %v", v)
		}
	}()
	target, err := c.Settings.DecodeTarget(to)
	if err != nil {
		return r, notifiers.Permanent(fmt.Errorf("reading the target: %w", err))
	}
	ctx, cancel := context.WithTimeoutCause(s.ctx, attemptTimeout, errors.New("no answer within a minute"))
	defer cancel()
	return c.Notify(ctx, target, m)
}

// Stop waits for the attempts under way, at most until ctx ends; then it cuts
// them short and waits for that.
func (s *Sender) Stop(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
	<-done
}
