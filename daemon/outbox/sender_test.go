package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A notifier that does what its test says.
type notifier func(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error)

func (n notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	return n(ctx, to, m)
}
func (n notifier) Close() error { return nil }

type settings struct{ notifiers.Settings }

func (settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[target](data)
}

// reports gathers what a sender reports.
type reports struct {
	mu   sync.Mutex
	list []outbox.Attempt
}

func (r *reports) add(a outbox.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, a)
}

// take waits until all that can happen now has happened.
func (r *reports) take() []outbox.Attempt {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

var (
	mail   = config.NotifyID{Role: "it", Notifier: "email.mail", Target: "it@"}
	toIt   = json.RawMessage(`"it@"`)
	notice = notifiers.Message{Key: "iv_1"}
)

func newSender(n notifier) (*outbox.Sender, *reports) {
	var r reports
	s := outbox.NewSender(r.add)
	s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Notifier: n, Settings: settings{}}})
	return s, &r
}

func TestSend(t *testing.T) {
	cases := []struct {
		name      string
		way       config.NotifyID
		to        json.RawMessage
		notify    notifier
		after     time.Duration // that the attempt takes
		err       string        // part of it; empty: none
		permanent bool
	}{
		{name: "delivered", way: mail, to: toIt, notify: func(_ context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
			if to.String() != "it@" || m.Key != notice.Key {
				return notifiers.Receipt{}, errors.New("wrong address or message")
			}
			return notifiers.Receipt{Thread: "7"}, nil
		}},
		{name: "failed", way: mail, to: toIt, err: "refused", notify: func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
			return notifiers.Receipt{}, errRefused
		}},
		{name: "panicked", way: mail, to: toIt, err: "panicked: out of ink", notify: func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
			panic("out of ink")
		}},
		{name: "too slow", way: mail, to: toIt, after: time.Minute, err: "no answer within a minute", notify: func(ctx context.Context, _ notifiers.Target, _ notifiers.Message) (notifiers.Receipt, error) {
			<-ctx.Done()
			return notifiers.Receipt{}, ctx.Err()
		}},
		{name: "delivered at the last moment", way: mail, to: toIt, after: time.Minute, notify: func(ctx context.Context, _ notifiers.Target, _ notifiers.Message) (notifiers.Receipt, error) {
			<-ctx.Done()
			return notifiers.Receipt{Thread: "7"}, nil
		}},
		{name: "deaf", way: mail, to: toIt, after: time.Minute + 500*time.Millisecond, err: "no answer within a minute", notify: func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
			time.Sleep(time.Hour) // does not mind its context
			return notifiers.Receipt{}, nil
		}},
		{name: "gone from the files", way: config.NotifyID{Notifier: "email.old"}, to: toIt, err: "no longer configured", permanent: true},
		{name: "a target of another kind", way: mail, to: json.RawMessage(`{}`), err: "reading the target", permanent: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, r := newSender(c.notify)
				defer s.Stop(t.Context())
				began := time.Now()
				s.Send(c.way, c.to, notice)
				time.Sleep(2 * time.Hour)
				got := r.take()
				if len(got) != 1 || got[0].Key != "iv_1" {
					t.Fatalf("reported %v", got)
				}
				a := got[0]
				if took := a.At.Sub(began); took != c.after {
					t.Errorf("after %s, want %s", took, c.after)
				}
				if notifiers.IsPermanent(a.Err) != c.permanent || (a.Err == nil) != (c.err == "") ||
					a.Err != nil && !strings.Contains(a.Err.Error(), c.err) {
					t.Errorf("error %v, want %q", a.Err, c.err)
				}
				if a.Err == nil && a.Receipt.Thread != "7" {
					t.Error("the receipt is lost")
				}
			})
		})
	}
}

type patient struct{ settings }

func (patient) Patience() time.Duration { return 5*time.Minute + 25*time.Second }

// An attempt of a notifier that may take longer has that time.
func TestSendPatiently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newSender(nil)
		defer s.Stop(t.Context())
		s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Settings: patient{}, Notifier: notifier(
			func(ctx context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
				if m.Key == notice.Key {
					time.Sleep(5 * time.Minute)
					return notifiers.Receipt{Thread: "7"}, ctx.Err()
				}
				<-ctx.Done()
				return notifiers.Receipt{}, ctx.Err()
			},
		)}})
		s.Send(mail, toIt, notice)
		time.Sleep(time.Hour)
		if got := r.take(); len(got) != 1 || got[0].Err != nil {
			t.Errorf("reported %v", got)
		}
		s.Send(mail, toIt, notifiers.Message{Key: "iv_2"})
		time.Sleep(time.Hour)
		if got := r.take(); len(got) != 1 || got[0].Err == nil || !strings.Contains(got[0].Err.Error(), "no answer within 5m 25s") {
			t.Errorf("reported %v", got)
		}
	})
}

// Stop lets attempts end for as long as it is given, cuts the others short
// without a report, and takes nothing more.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newSender(func(ctx context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
			wait := time.Second
			if m.Key == "slow" {
				wait = 30 * time.Second
			}
			select {
			case <-time.After(wait):
				return notifiers.Receipt{}, nil
			case <-ctx.Done():
				return notifiers.Receipt{}, ctx.Err()
			}
		})
		s.Send(mail, toIt, notifiers.Message{Key: "quick"})
		s.Send(mail, toIt, notifiers.Message{Key: "slow"})
		grace, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		s.Stop(grace)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("stopped after %s", took)
		}
		s.Send(mail, toIt, notifiers.Message{Key: "late"})
		time.Sleep(time.Minute)
		if got := r.take(); len(got) != 1 || got[0].Key != "quick" {
			t.Errorf("reported %v", got)
		}
	})
}

// A reload hands the old notifiers back; what is under way keeps them.
func TestUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(answer string) notifier {
			return func(context.Context, notifiers.Target, notifiers.Message) (notifiers.Receipt, error) {
				time.Sleep(time.Second)
				return notifiers.Receipt{Thread: answer}, nil
			}
		}
		s, r := newSender(slow("old"))
		defer s.Stop(t.Context())
		s.Send(mail, toIt, notice)
		old := s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Notifier: slow("new"), Settings: settings{}}})
		if len(old) != 1 {
			t.Errorf("%d old channels", len(old))
		}
		s.Send(mail, toIt, notice)
		time.Sleep(time.Minute)
		var answers []string
		for _, a := range r.take() {
			answers = append(answers, a.Receipt.Thread)
		}
		if strings.Join(answers, " ") != "old new" && strings.Join(answers, " ") != "new old" {
			t.Errorf("answered by %v", answers)
		}
	})
}

// A notifier that is missing since the files are in error comes back with them,
// and with it what it is to deliver.
func TestSenderWaitsForWhatIsLeftOut(t *testing.T) {
	attempts := make(chan outbox.Attempt, 1)
	s := outbox.NewSender(func(a outbox.Attempt) { attempts <- a })
	defer s.Stop(t.Context())
	s.Use(nil)
	s.Partial(true)
	way := config.NotifyID{Notifier: "email.lost"}
	s.Send(way, nil, notifiers.Message{Key: "1"})
	if a := <-attempts; a.Err == nil || notifiers.IsPermanent(a.Err) || notifiers.Wait(a.Err) != time.Minute {
		t.Errorf("with files in error it came to %v", a.Err)
	}
	s.Partial(false)
	s.Send(way, nil, notifiers.Message{Key: "1"})
	if a := <-attempts; !notifiers.IsPermanent(a.Err) {
		t.Errorf("with files that do without it it came to %v", a.Err)
	}
}

// The words of a notifier's templates are in the message before its channel sees it. Where one
// fails, the message goes out with the built-in words, and the reason is told.
func TestSendsOwnWords(t *testing.T) {
	for text, want := range map[string]string{
		"{{.Role}} is notified":      "it is notified\n",
		"{{(index .Items 0).Check}}": notice.Text() + "\nNote: the template for the text of this message failed, so imapvigil used its own words. The log of imapvigil says why.\n",
	} {
		words, err := wording.Open("", text)
		if err != nil {
			t.Fatal(err)
		}
		attempts, failures := make(chan outbox.Attempt, 1), make(chan error, 1)
		s := outbox.NewSender(func(a outbox.Attempt) { attempts <- a })
		s.WordsFailed = func(_ notifiers.Message, err error) { failures <- err }
		s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {
			Notifier: notifier(func(_ context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
				return notifiers.Receipt{Thread: m.Text()}, nil
			}),
			Settings: settings{}, Words: words,
		}})
		m := notice
		m.Role = "it"
		s.Send(mail, toIt, m)
		a := <-attempts
		want = strings.Replace(want, notice.Text(), m.Text(), 1)
		if a.Err != nil || a.Receipt.Thread != want {
			t.Errorf("%s: sent %q, %v, want %q", text, a.Receipt.Thread, a.Err, want)
		}
		if failed := len(failures) > 0; failed != strings.Contains(want, "Note") {
			t.Errorf("%s: failed: %v", text, failed)
		}
		s.Stop(t.Context())
	}
}
