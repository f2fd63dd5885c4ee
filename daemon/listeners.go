package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// A service that cannot be heard is tried again after pauses from the first to the longest,
	// each twice as long as the one before; where only a person can help, after permanentPause.
	firstListenPause   = time.Second
	longestListenPause = 5 * time.Minute
	permanentPause     = 15 * time.Minute
	// listensWell is how long a service must have been heard to count as well, and how long it
	// must have failed before people are told: services close connections now and then.
	listensWell = time.Minute
	// listenGrace is how long a call of Listen may go on when its context has ended.
	listenGrace = 500 * time.Millisecond
	// Presses of the buttons of one notifier: as the links that acknowledge, but for all people.
	pressesAtOnce = 10
	pressEvery    = 6 * time.Second
	// mostLogged bounds what is logged of who pressed, in bytes.
	mostLogged = 100
)

// takePress answers who pressed the button of a message that a notifier has sent.
type takePress func(ctx context.Context, sentBy config.NotifierID, p notifiers.Press) (words string, err error)

// listeners hear whether people press the buttons of messages: one goroutine for each notifier in
// force that can, for as long as its settings stay the same. No alarm waits for them.
type listeners struct {
	*reconcile.Set[config.NotifierID, outbox.Channel]
	log  *zap.Logger
	take takePress

	mu      sync.Mutex
	failing map[config.NotifierID]*deafness
}

// A deafness is that a service has not been heard for a while.
type deafness struct {
	since time.Time
	words string
	told  bool
}

func newListeners(log *zap.Logger, take takePress) *listeners {
	l := &listeners{log: log, take: take, failing: map[config.NotifierID]*deafness{}}
	l.Set = reconcile.New(l.listenOn)
	return l
}

// use listens to the notifiers of a configuration that can be listened to, and to no others. When
// it returns, nobody listens to those that have left or changed.
func (l *listeners) use(opened channels) {
	wanted := map[config.NotifierID]outbox.Channel{}
	for id, c := range opened {
		if _, can := c.Notifier.(notifiers.Listener); can {
			wanted[id] = c
		}
	}
	l.Apply(wanted)
}

// listenOn listens to one notifier until ctx ends, and begins again when that fails.
func (l *listeners) listenOn(ctx context.Context, id config.NotifierID, c outbox.Channel) {
	defer func() { _ = l.forget(id) }()
	limiter := rate.NewLimiter(rate.Every(pressEvery), pressesAtOnce)
	acknowledge := func(ctx context.Context, p notifiers.Press) (string, error) {
		if !limiter.Allow() {
			return "Too many buttons were pressed. Wait a few seconds, and try again.", errTooManyPresses
		}
		words, err := l.take(ctx, id, p)
		l.log.Info("a button of a message was pressed", zap.String("notifier", string(id)), zap.String("by", opaque.Bounded(p.By, mostLogged)), zap.String("answer", words))
		return words, err
	}
	pause := firstListenPause
	for {
		begun := time.Now()
		err := l.listenOnce(ctx, id, c, acknowledge)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) >= listensWell {
			pause = firstListenPause
		}
		wait := max(pause, min(notifiers.Wait(err), permanentPause))
		if notifiers.IsPermanent(err) {
			wait = permanentPause
		}
		l.noteFailure(id, begun, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longestListenPause)
	}
}

var (
	errTooManyPresses = errors.New("too many presses")
	errDeaf           = errors.New("it has stopped listening")
)

// listenOnce calls Listen once, makes an error of its panic, and ends soon after ctx whether the
// call does or not: a reload waits for it.
func (l *listeners) listenOnce(
	ctx context.Context, id config.NotifierID, c outbox.Channel, acknowledge func(context.Context, notifiers.Press) (string, error),
) error {
	well := time.AfterFunc(listensWell, func() { l.noteWell(id) })
	defer well.Stop()
	ended := make(chan error, 1) // with room, so that a call that was left behind can end
	go func() {
		defer func() {
			if v := recover(); v != nil { // a fault in one channel must not end the daemon
				ended <- fmt.Errorf("the notifier panicked: %v", v)
			}
		}()
		listener, _ := c.Notifier.(notifiers.Listener) // as use has looked
		ended <- cmp.Or(listener.Listen(ctx, acknowledge), errDeaf)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(listenGrace):
		return ctx.Err()
	}
}

// noteFailure keeps that a service was not heard since a time, and logs it once it has lasted.
func (l *listeners) noteFailure(id config.NotifierID, since time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, known := l.failing[id]
	if !known {
		d = &deafness{since: since}
		l.failing[id] = d
	}
	d.words = err.Error()
	if !d.told && (notifiers.IsPermanent(err) || time.Since(d.since) >= listensWell) {
		d.told = true
		l.log.Warn("nobody can acknowledge by the buttons of a notifier", zap.String("notifier", string(id)), zap.String("error", d.words))
	}
}

// noteWell keeps that a service is heard.
func (l *listeners) noteWell(id config.NotifierID) {
	if l.forget(id) {
		l.log.Info("the buttons of a notifier acknowledge again", zap.String("notifier", string(id)))
	}
}

// forget lets go of what was wrong with a notifier, and reports whether people were told of it.
func (l *listeners) forget(id config.NotifierID) (told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, known := l.failing[id]
	delete(l.failing, id)
	return known && d.told
}

// notes returns, for the status, which services have not been heard for a while, and why.
func (l *listeners) notes() (notes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.failing)) {
		if d := l.failing[id]; d.told {
			notes = append(notes, fmt.Sprintf("nobody can acknowledge by the buttons of notifier.%s: %s", id, d.words))
		}
	}
	return notes
}
