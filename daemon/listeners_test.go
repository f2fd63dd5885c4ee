package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// An earpiece is a notifier to which people can answer. Each call of Listen is a line of what it did.
type earpiece struct {
	begun time.Time
	said  *[]string
	name  string
	fail  func(call int) error // nil, or no error: it listens on
	stuck <-chan struct{}      // it does not end before, whatever its context does; nil: it does
	calls int

	acknowledge func(context.Context, notifiers.Press) (string, error)
}

func (h *earpiece) Notify(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
	return notifiers.Receipt{}, nil
}

func (h *earpiece) Close() error { return nil }

func (h *earpiece) Listen(ctx context.Context, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	h.calls++
	h.acknowledge = acknowledge
	note := func(what string) {
		*h.said = append(*h.said, fmt.Sprintf("%s %s %s", time.Since(h.begun), h.name, what))
	}
	note("begins")
	if h.fail != nil {
		if err := h.fail(h.calls); err != nil {
			return err
		}
	}
	<-ctx.Done()
	if h.stuck != nil {
		<-h.stuck
	}
	note("ends")
	return ctx.Err()
}

// A listening is listeners, and what they did.
type listening struct {
	*listeners
	said []string
	log  *observer.ObservedLogs
}

func newListening(t *testing.T) *listening {
	t.Helper()
	core, log := observer.New(zap.InfoLevel)
	l := &listening{log: log}
	l.listeners = newListeners(zap.New(core), func(_ context.Context, sentBy config.NotifierID, p notifiers.Press) (string, error) {
		return p.By + " by " + string(sentBy), nil
	})
	t.Cleanup(l.Close)
	return l
}

// newEarpiece makes a notifier; of one name all have the same settings.
func (l *listening) newEarpiece(name string) *earpiece {
	return &earpiece{begun: time.Now(), said: &l.said, name: name}
}

func (l *listening) did(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := strings.Join(l.said, "; "); got != strings.Join(want, "; ") {
		t.Errorf("%s\nwant %s", got, strings.Join(want, "; "))
	}
	l.said = nil
}

func (l *listening) logged() (lines []string) {
	for _, e := range l.log.TakeAll() {
		lines = append(lines, e.Level.String()+" "+e.Message)
	}
	return lines
}

// A deaf is a notifier that nobody can answer.
type deaf struct{ notifiers.Notifier }

// A notifier is listened to while it stays in the files as it is: a reload that does not concern it
// is not noticed, and one that changes it ends the old call before the new one begins.
func TestNotifiersAreListenedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListening(t)
		first, changed := l.newEarpiece("first"), l.newEarpiece("changed")
		l.use(channels{"slack.ops": {Notifier: first}, "email.ops": {Notifier: deaf{}}})
		l.did(t, "0s first begins")
		l.use(channels{"slack.ops": {Notifier: first}})
		l.did(t)
		if words, err := first.acknowledge(t.Context(), notifiers.Press{By: "anna"}); words != "anna by slack.ops" || err != nil {
			t.Errorf("%q, %v", words, err)
		}
		l.use(channels{"slack.ops": {Notifier: changed}})
		l.did(t, "0s first ends", "0s changed begins")
		l.use(nil)
		l.did(t, "0s changed ends")
	})
}

// A service that cannot be heard is tried again, after pauses that double up to five minutes. After
// a minute status and log say so, once, and that it is over.
func TestServicesThatCannotBeHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListening(t)
		h := l.newEarpiece("it")
		h.fail = func(call int) error {
			if call <= 11 {
				return fmt.Errorf("no answer %d", call)
			}
			return nil
		}
		l.use(channels{"slack.ops": {Notifier: h}})
		<-time.After(59 * time.Second)
		if notes := l.notes(); notes != nil || l.log.Len() > 0 {
			t.Errorf("said too early: %v %v", notes, l.logged())
		}
		<-time.After(5 * time.Second)
		synctest.Wait()
		if got := strings.Join(l.notes(), "; "); got != "nobody can acknowledge by the buttons of notifier.slack.ops: no answer 7" {
			t.Error(got)
		}
		<-time.After(time.Hour)
		l.did(t, "0s it begins", "1s it begins", "3s it begins", "7s it begins", "15s it begins", "31s it begins", "1m3s it begins",
			"2m7s it begins", "4m15s it begins", "8m31s it begins", "13m31s it begins", "18m31s it begins")
		if notes := l.notes(); notes != nil {
			t.Errorf("said still: %v", notes)
		}
		if got := strings.Join(l.logged(), "; "); got != "warn nobody can acknowledge by the buttons of a notifier; info the buttons of a notifier acknowledge again" {
			t.Error(got)
		}
	})
}

// Where only a person can help, it is said at once and tried again every quarter of an hour; where
// the service says how long to wait, it is waited for. Panics are errors, and so is an end without one.
func TestServicesSayHowLongToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListening(t)
		h := l.newEarpiece("it")
		h.fail = func(call int) error {
			switch call {
			case 1:
				return notifiers.Permanent(errors.New("invalid_auth"))
			case 2:
				return notifiers.RetryAfter(errors.New("slow down"), 7*time.Minute)
			case 3:
				panic("a fault")
			}
			return nil
		}
		l.use(channels{"slack.ops": {Notifier: h}})
		synctest.Wait()
		if got := strings.Join(l.notes(), "; "); got != "nobody can acknowledge by the buttons of notifier.slack.ops: invalid_auth" {
			t.Error(got)
		}
		<-time.After(22*time.Minute + time.Second)
		synctest.Wait()
		if got := strings.Join(l.notes(), "; "); !strings.HasSuffix(got, ": the notifier panicked: a fault") {
			t.Error(got)
		}
		<-time.After(time.Hour)
		l.did(t, "0s it begins", "15m0s it begins", "22m0s it begins", "22m4s it begins")
		h.fail = nil
		l.use(nil)
		if l.notes() != nil {
			t.Errorf("said of a notifier that has left: %v", l.notes())
		}
	})
}

// A call that does not end although its context has holds up a reload for half a second.
func TestListenersThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListening(t)
		h, never := l.newEarpiece("it"), make(chan struct{})
		h.stuck = never
		l.use(channels{"slack.ops": {Notifier: h}})
		l.did(t, "0s it begins")
		begun := time.Now()
		l.use(nil)
		if took := time.Since(begun); took != listenGrace {
			t.Errorf("it took %s", took)
		}
		close(never)
		synctest.Wait()
	})
}

// Ten buttons of a notifier may be pressed at once, then one every six seconds.
func TestPressesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListening(t)
		h := l.newEarpiece("it")
		l.use(channels{"slack.ops": outbox.Channel{Notifier: h}})
		synctest.Wait()
		press := func() error {
			_, err := h.acknowledge(t.Context(), notifiers.Press{By: "anna", Via: "Slack"})
			return err
		}
		for n := range pressesAtOnce {
			if err := press(); err != nil {
				t.Errorf("press %d: %v", n, err)
			}
		}
		if press() == nil {
			t.Error("the eleventh is taken")
		}
		<-time.After(pressEvery)
		if err := press(); err != nil {
			t.Errorf("after a pause: %v", err)
		}
	})
}

// An aimed notifier keeps where its messages go.
type aimed struct {
	notifiers.Notifier
	targets []notifiers.Target
}

func (a *aimed) Aim(targets []notifiers.Target) { a.targets = targets }

// Notifiers that want to know learn the targets of all notify blocks that use them, and no others.
func TestNotifiersAreAimed(t *testing.T) {
	t.Parallel()
	one, two := &aimed{}, &aimed{targets: []notifiers.Target{target("old")}}
	block := func(id config.NotifierID, to string) config.Notify {
		return config.Notify{ID: config.NotifyID{Notifier: id, Target: to}, Target: target(to)}
	}
	aim(channels{"telegram.one": {Notifier: one}, "telegram.two": {Notifier: two}, "email.x": {Notifier: deaf{}}}, &config.Config{Roles: map[config.RoleID]*config.Role{
		"it_team": {Notify: []config.Notify{block("telegram.one", "a"), block("email.x", "b"), block("telegram.one", "c")}},
	}})
	if fmt.Sprint(one.targets) != "[a c]" || len(two.targets) > 0 {
		t.Errorf("%v, %v", one.targets, two.targets)
	}
}

type target string

func (t target) String() string { return string(t) }
