package bustest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// cut cuts a node off and waits until it knows.
func cut(t testing.TB, n Network, node string, b bus.Bus) {
	t.Helper()
	n.Cut(node)
	eventually(t, node+" notices that it is cut off", func() bool { return !b.Status().Connected })
}

func testCut(t *testing.T, n Network) {
	s := create(t, n)
	b := n.Connect(t, Candidate)
	before := b.Status()
	if !before.Connected || before.Server == "" || before.Detail != "" || time.Since(before.Since) > patience {
		t.Errorf("connected: %+v", before)
	}
	cut(t, n, Candidate, b)
	began := time.Now()
	if err := b.Publish(bus.Beat, nil); !errors.Is(err, bus.ErrCut) {
		t.Error("publish:", err)
	}
	if _, err := b.Ask(limited(t), bus.Seat, nil); !errors.Is(err, bus.ErrCut) {
		t.Error("ask:", err)
	}
	_, appended := b.Stream().Append(limited(t), 0, "id", nil)
	_, _, ends := b.Stream().Ends(limited(t))
	_, got := b.Stream().Get(limited(t), 1)
	if !errors.Is(appended, bus.ErrCut) || !errors.Is(ends, bus.ErrCut) || !errors.Is(got, bus.ErrCut) {
		t.Error(appended, ends, got)
	}
	if took := time.Since(began); took > time.Second {
		t.Error("to say that it is cut off took", took)
	}
	after := b.Status()
	if after.Connected || after.Detail == "" || !after.Since.After(before.Since) {
		t.Errorf("cut off: %+v", after)
	}
	fill(t, s, 1, 1)
}

func testHeal(t *testing.T, n Network) {
	s := create(t, n)
	other, b := n.Connect(t, Decider), n.Connect(t, Candidate)
	hears, tells := listen(t, b, bus.Beat), listen(t, other, bus.Wake)
	hears.ready(t, other, bus.Beat)
	tells.ready(t, b, bus.Wake)
	cut(t, n, Candidate, b)
	_ = b.Publish(bus.Wake, []byte("old"))
	if err := other.Publish(bus.Beat, []byte("old")); err != nil {
		t.Fatal(err)
	}
	n.Heal(Candidate)
	eventually(t, "it is connected again", func() bool { return b.Status().Connected })
	hears.ready(t, other, bus.Beat)
	tells.ready(t, b, bus.Wake)
	// A listener made while cut off would be as good: it hears from then on.
	if _, err := b.Stream().Append(limited(t), 0, "id", []byte("new")); err != nil {
		t.Error("append:", err)
	}
	if got, err := s.Get(limited(t), 1); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	for _, i := range []inbox{hears, tells} {
		for range len(i.heard) {
			if m := <-i.heard; string(m.Data) == "old" {
				t.Error("what was said meanwhile arrived late")
			}
		}
	}
}

func testCutEndsWaiting(t *testing.T, n Network) {
	decider, b := n.Connect(t, Decider), n.Connect(t, Candidate)
	asked := make(chan struct{})
	answer(t, decider, b, bus.Seat, func(ctx context.Context, q bus.Question) []byte {
		if string(q.Data) == "wait" {
			close(asked)
			<-ctx.Done()
		}
		return nil
	})
	outcome := make(chan error, 1)
	ctx := limited(t)
	go func() {
		_, err := b.Ask(ctx, bus.Seat, []byte("wait"))
		outcome <- err
	}()
	awaitArrival(t, "the question arrives", asked)
	cut(t, n, Candidate, b)
	if err := awaitArrival(t, "the question has an outcome", outcome); !errors.Is(err, bus.ErrCut) {
		t.Error(err)
	}
}

func testClose(t *testing.T, n Network) {
	b := n.Connect(t, Decider)
	heard := listen(t, b, bus.Beat)
	heard.ready(t, b, bus.Beat)
	stop := answer(t, b, b, bus.Seat, echo)
	b.Close()
	b.Close()
	heard.stop()
	stop()
	if s := b.Status(); s.Connected || s.Detail == "" {
		t.Errorf("%+v", s)
	}
	_, listened := b.Listen(bus.Beat, func(bus.Message) {})
	_, answered := b.Answer(bus.Seat, echo)
	_, asked := b.Ask(limited(t), bus.Seat, nil)
	_, _, ends := b.Stream().Ends(limited(t))
	for what, err := range map[string]error{
		"publish": b.Publish(bus.Beat, nil), "listen": listened, "answer": answered, "ask": asked, "ends": ends,
	} {
		if !errors.Is(err, bus.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
