package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A forgetful notifier is told again and again. It notes what it is told, in words, and
// does what its test says.
type forgetful struct {
	repeat func(ctx context.Context, ids []string) error
	mu     sync.Mutex
	came   []string
}

func (f *forgetful) note(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.came = append(f.came, text)
}

func (f *forgetful) Notify(_ context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	time.Sleep(time.Millisecond) // which is after all that it cuts short
	f.note("message about " + strings.Join(ids(m), " "))
	return notifiers.Receipt{}, nil
}

func (f *forgetful) Resend(ctx context.Context, _ notifiers.Target, messages []notifiers.Message) error {
	all := ids(messages...)
	var err error
	if f.repeat != nil {
		err = f.repeat(ctx, all)
	}
	if err != nil {
		f.note("failed again " + strings.Join(all, " "))
		return err
	}
	f.note("again " + strings.Join(all, " "))
	return nil
}

func (*forgetful) Close() error { return nil }

func ids(messages ...notifiers.Message) (all []string) {
	for _, m := range messages {
		all = append(all, m.Items[0].Incident.ID)
	}
	return all
}

// telling returns messages, one about each incident.
func telling(incidents ...string) (messages []notifiers.Message) {
	for _, id := range incidents {
		messages = append(messages, notifiers.Message{Items: []notifiers.Item{{Incident: notifiers.Incident{ID: id}}}})
	}
	return messages
}

var pager = config.NotifyID{Role: "it", Notifier: "alertmanager.am", Target: "x"}

// repeatedly has a sender do something, and compares what its notifier hears, and what the sender
// says of repetitions that failed.
func repeatedly(t *testing.T, f *forgetful, do func(s *outbox.Sender), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := outbox.NewSender(func(outbox.Attempt) {})
		s.Resent = func(id config.NotifierID, err error) {
			if err != nil {
				f.note(string(id) + ": " + err.Error())
			}
		}
		s.Use(map[config.NotifierID]outbox.Channel{pager.Notifier: {Notifier: f, Settings: settings{}}})
		do(s)
		time.Sleep(time.Hour)
		s.Stop(t.Context())
		f.mu.Lock()
		defer f.mu.Unlock()
		if !slices.Equal(f.came, want) {
			t.Errorf("heard\n%s\nwant\n%s", strings.Join(f.came, "\n"), strings.Join(want, "\n"))
		}
	})
}

var toPager = json.RawMessage(`"x"`)

// takes is a receiver that takes its time, and minds its context.
func takes(pause time.Duration) func(context.Context, []string) error {
	return func(ctx context.Context, _ []string) error {
		select {
		case <-time.After(pause):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// One receiver is told again what it forgets in one call at a time, in the order given.
func TestResendOneAtATime(t *testing.T) {
	under := 0
	f := &forgetful{repeat: func(ctx context.Context, _ []string) error {
		if under++; under > 1 {
			t.Error("two calls at a time")
		}
		defer func() { under-- }()
		return takes(time.Second)(ctx, nil)
	}}
	repeatedly(t, f, func(s *outbox.Sender) {
		s.Resend(pager, toPager, telling("a", "b"))
		s.Resend(config.NotifyID{Role: "other", Notifier: pager.Notifier, Target: pager.Target}, toPager, telling("c"))
	}, "again a b", "again c")
}

// A message neither waits for what is repeated, nor is followed by the repetition of what
// is older: the call under way is cut short, and what waits goes without it.
func TestAMessageGoesBeforeWhatIsRepeated(t *testing.T) {
	repeatedly(t, &forgetful{repeat: takes(10 * time.Second)}, func(s *outbox.Sender) {
		s.Resend(pager, toPager, telling("a", "b"))
		s.Resend(pager, toPager, telling("b", "c"))
		time.Sleep(time.Second)
		s.Send(pager, toPager, telling("b")[0])
		synctest.Wait()
		s.Resend(pager, toPager, telling("b")) // as it is after the message
	}, "failed again a b", "message about b", "again c", "again b")
}

// A message about something else leaves a call as it is.
func TestOtherMessagesDisturbNothing(t *testing.T) {
	repeatedly(t, &forgetful{repeat: takes(10 * time.Second)}, func(s *outbox.Sender) {
		s.Resend(pager, toPager, telling("a"))
		time.Sleep(time.Second)
		s.Send(pager, toPager, telling("b")[0])
	}, "message about b", "again a")
}

// When one call fails, what waits for the same receiver is dropped until the next time.
func TestResendGivesUpUntilTheNextTime(t *testing.T) {
	down := true
	f := &forgetful{repeat: func(context.Context, []string) error {
		if down {
			return errors.New("connection refused")
		}
		return nil
	}}
	repeatedly(t, f, func(s *outbox.Sender) {
		s.Resend(pager, toPager, telling("a"))
		s.Resend(pager, toPager, telling("b"))
		synctest.Wait()
		down = false
		s.Resend(pager, toPager, telling("a"))
		s.Resend(pager, toPager, telling("b"))
	}, "failed again a", "alertmanager.am: connection refused", "again a", "again b")
}

// A receiver that is slower than its batches come costs a bounded memory, and whoever asks for room
// loses none.
func TestWhatIsRepeatedIsBounded(t *testing.T) {
	var n atomic.Int64
	f := &forgetful{repeat: func(ctx context.Context, _ []string) error { n.Add(1); return takes(time.Second)(ctx, nil) }}
	synctest.Test(t, func(t *testing.T) {
		s := outbox.NewSender(func(outbox.Attempt) {})
		s.Use(map[config.NotifierID]outbox.Channel{pager.Notifier: {Notifier: f, Settings: settings{}}})
		for range 10_000 {
			s.Resend(pager, toPager, telling("a"))
		}
		time.Sleep(time.Hour)
		if kept := n.Swap(0); kept < 16 || kept > 18 {
			t.Errorf("%d batches were kept", kept)
		}
		for range 100 {
			for !s.MayResend(pager.Notifier) {
				if !s.MayResend("alertmanager.other") {
					t.Fatal("another notifier has no room")
				}
				time.Sleep(time.Second)
			}
			s.Resend(pager, toPager, telling("a"))
		}
		time.Sleep(time.Hour)
		s.Stop(t.Context())
		if arrived := n.Load(); arrived != 100 {
			t.Errorf("%d of 100 arrived", arrived)
		}
	})
}

// A call that hangs ends after a minute, whether it minds its context or not, and a panic
// ends nothing.
func TestResendEndsWhateverTheNotifierDoes(t *testing.T) {
	f := &forgetful{}
	f.repeat = func(_ context.Context, all []string) error {
		if all[0] == "panic" {
			panic("out of ink")
		}
		time.Sleep(5 * time.Minute)
		return errors.New("at last")
	}
	repeatedly(t, f, func(s *outbox.Sender) {
		s.Resend(pager, toPager, telling("hang"))
		time.Sleep(2 * time.Minute)
		s.Resend(pager, toPager, telling("panic"))
	}, "alertmanager.am: no answer within a minute", "alertmanager.am: the notifier panicked: out of ink", "failed again hang")
}

// Stop waits for no repetition, and nothing is repeated after it.
func TestStopCutsRepetitionsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &forgetful{repeat: takes(time.Minute)}
		s := outbox.NewSender(func(outbox.Attempt) {})
		s.Resent = func(config.NotifierID, error) { t.Error("a repetition that a stop cut short is no failure") }
		s.Use(map[config.NotifierID]outbox.Channel{pager.Notifier: {Notifier: f, Settings: settings{}}})
		s.Resend(pager, toPager, telling("a"))
		synctest.Wait()
		began := time.Now()
		s.Stop(t.Context())
		if took := time.Since(began); took != 0 {
			t.Errorf("the end took %s", took)
		}
		s.Resend(pager, toPager, telling("b"))
		time.Sleep(time.Hour)
		if want := []string{"failed again a"}; !slices.Equal(f.came, want) {
			t.Errorf("heard %q, want %q", f.came, want)
		}
	})
}

// A notifier that left the files, or that cannot repeat, is not asked; after a reload the new
// one is.
func TestResendUsesTheNotifierOfToday(t *testing.T) {
	old, today := &forgetful{}, &forgetful{}
	synctest.Test(t, func(t *testing.T) {
		s := outbox.NewSender(func(outbox.Attempt) {})
		for _, n := range []notifiers.Notifier{old, nil, notifier(nil), today} {
			channels := map[config.NotifierID]outbox.Channel{}
			if n != nil {
				channels[pager.Notifier] = outbox.Channel{Notifier: n, Settings: settings{}}
			}
			s.Use(channels)
			s.Resend(pager, toPager, telling("a"))
			synctest.Wait()
		}
		s.Stop(t.Context())
	})
	if !slices.Equal(old.came, today.came) || len(old.came) != 1 {
		t.Errorf("the old one heard %q, that of today %q", old.came, today.came)
	}
}
