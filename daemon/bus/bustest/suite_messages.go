package bustest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

func testOrder(t *testing.T, n Network) {
	from, to := n.Connect(t, Decider), n.Connect(t, Follower)
	heard := listen(t, to, bus.Beat)
	heard.ready(t, from, bus.Beat)
	const messages = 1000
	for i := range messages {
		if err := from.Publish(bus.Beat, []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range messages {
		if m := heard.next(t); string(m.Data) != strconv.Itoa(i) || m.Topic != bus.Beat {
			t.Fatalf("message %d is %q about %s", i, m.Data, m.Topic)
		}
	}
}

func testEverybodyHears(t *testing.T, n Network) {
	decider, candidate, follower := n.Connect(t, Decider), n.Connect(t, Candidate), n.Connect(t, Follower)
	all := []inbox{listen(t, decider, bus.Heartbeats), listen(t, candidate, bus.Heartbeats)}
	own := listen(t, follower, bus.Heartbeat(Follower))
	other := listen(t, decider, bus.Sights)
	for _, heard := range all {
		heard.ready(t, decider, bus.Heartbeat(Decider))
		heard.ready(t, candidate, bus.Heartbeat(Candidate))
	}
	own.ready(t, follower, bus.Heartbeat(Follower))
	// What was said to make sure that all listen comes first, as often as it was said.
	for node, b := range map[string]bus.Bus{Decider: decider, Candidate: candidate, Follower: follower} {
		if err := b.Publish(bus.Heartbeat(node), []byte("it is "+node)); err != nil {
			t.Fatal(err)
		}
	}
	for _, heard := range all {
		missing := map[string]bool{Decider: true, Candidate: true, Follower: true}
		for len(missing) > 0 {
			if m := heard.next(t); strings.HasPrefix(string(m.Data), "it is ") {
				if m.Topic.Node() != strings.TrimPrefix(string(m.Data), "it is ") {
					t.Errorf("%q was said about %s", m.Data, m.Topic)
				}
				delete(missing, m.Topic.Node())
			}
		}
	}
	if m := own.next(t); string(m.Data) != "it is "+Follower {
		t.Errorf("%q", m.Data)
	}
	if len(other.heard) > 0 {
		t.Errorf("heard another topic: %+v", <-other.heard)
	}
}

func testStop(t *testing.T, n Network) {
	b := n.Connect(t, Decider)
	stopped, goesOn := listen(t, b, bus.Wake), listen(t, b, bus.Wake)
	stopped.ready(t, b, bus.Wake)
	goesOn.ready(t, b, bus.Wake)
	stopped.stop()
	stopped.stop() // again does no harm
	before := len(stopped.heard)
	if err := b.Publish(bus.Wake, []byte("after")); err != nil {
		t.Fatal(err)
	}
	for string(goesOn.next(t).Data) != "after" {
	}
	for range len(stopped.heard) - before {
		if m := <-stopped.heard; string(m.Data) == "after" {
			t.Error("heard after it stopped")
		}
	}
}

func testLimits(t *testing.T, n Network) {
	b := n.Connect(t, Decider)
	heard := listen(t, b, bus.Beat)
	heard.ready(t, b, bus.Beat)
	largest := bytes.Repeat([]byte{0}, bus.MaxMessage)
	if err := b.Publish(bus.Beat, largest); err != nil {
		t.Error(err)
	}
	if m := heard.next(t); !bytes.Equal(m.Data, largest) {
		t.Error("the largest message has changed")
	}
	tooLarge := make([]byte, bus.MaxMessage+1)
	if err := b.Publish(bus.Beat, tooLarge); !errors.Is(err, bus.ErrTooLarge) {
		t.Error("publish:", err)
	}
	if _, err := b.Ask(limited(t), bus.Seat, tooLarge); !errors.Is(err, bus.ErrTooLarge) {
		t.Error("ask:", err)
	}
	if _, err := b.Stream().Append(limited(t), 0, "id", tooLarge); !errors.Is(err, bus.ErrTooLarge) {
		t.Error("append:", err)
	}
}

// answer answers under a topic until the test ends, and returns when another node is answered.
func answer(t testing.TB, b, asks bus.Bus, topic bus.Topic, with func(context.Context, bus.Question) []byte) (stop func()) {
	t.Helper()
	stop, err := b.Answer(topic, with)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	eventually(t, "somebody answers", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_, err := asks.Ask(ctx, topic, []byte("are you there?"))
		return !errors.Is(err, bus.ErrNobody)
	})
	return stop
}

func echo(_ context.Context, q bus.Question) []byte { return q.Data }

func testAnswers(t *testing.T, n Network) {
	decider, follower, candidate := n.Connect(t, Decider), n.Connect(t, Follower), n.Connect(t, Candidate)
	answer(t, decider, follower, bus.Seat, func(_ context.Context, q bus.Question) []byte {
		return append([]byte(q.From+" said "), q.Data...)
	})
	answer(t, candidate, follower, bus.Node(Candidate), func(context.Context, bus.Question) []byte { return nil })
	got, err := follower.Ask(limited(t), bus.Seat, []byte("hello"))
	if err != nil || string(got) != Follower+" said hello" {
		t.Errorf("%q, %v", got, err)
	}
	got, err = follower.Ask(limited(t), bus.Node(Candidate), nil)
	if err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

func testLongAnswers(t *testing.T, n Network) {
	decider, follower := n.Connect(t, Decider), n.Connect(t, Follower)
	long := make([]byte, 20<<20+1)
	for i := range long {
		long[i] = byte(i * i >> 8)
	}
	answer(t, follower, decider, bus.Node(Follower), func(_ context.Context, q bus.Question) []byte {
		size, err := strconv.Atoi(string(q.Data))
		if err != nil {
			return nil
		}
		return long[:size]
	})
	for _, size := range []int{bus.MaxMessage - 1, bus.MaxMessage, bus.MaxMessage + 1, len(long)} {
		got, err := decider.Ask(limited(t), bus.Node(Follower), []byte(strconv.Itoa(size)))
		if err != nil || !bytes.Equal(got, long[:size]) {
			t.Errorf("of %d bytes %d arrived, or others: %v", size, len(got), err)
		}
	}
}

func testNobody(t *testing.T, n Network) {
	b := n.Connect(t, Follower)
	began := time.Now()
	if _, err := b.Ask(limited(t), bus.Seat, nil); !errors.Is(err, bus.ErrNobody) {
		t.Error(err)
	}
	if took := time.Since(began); took > patience/3 {
		t.Error("it took", took)
	}
}

func testFirstAnswer(t *testing.T, n Network) {
	decider, candidate, follower := n.Connect(t, Decider), n.Connect(t, Candidate), n.Connect(t, Follower)
	ended := make(chan struct{})
	answer(t, decider, follower, bus.Seat, func(ctx context.Context, q bus.Question) []byte {
		if string(q.Data) == "now" {
			<-ctx.Done()
			close(ended)
		}
		return nil
	})
	stop, err := candidate.Answer(bus.Seat, func(context.Context, bus.Question) []byte { return []byte("here") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	eventually(t, "the question reaches both", func() bool {
		got, err := follower.Ask(limited(t), bus.Seat, []byte("are you there?"))
		return err == nil && string(got) == "here"
	})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if got, err := follower.Ask(ctx, bus.Seat, []byte("now")); err != nil || string(got) != "here" {
		t.Errorf("%q, %v", got, err)
	}
	awaitArrival(t, "the other answers no longer", ended)
}

func testGivingUp(t *testing.T, n Network) {
	decider, follower := n.Connect(t, Decider), n.Connect(t, Follower)
	ended := make(chan struct{}, 1)
	answer(t, decider, follower, bus.Seat, func(ctx context.Context, q bus.Question) []byte {
		if string(q.Data) == "wait" {
			<-ctx.Done()
			ended <- struct{}{}
		}
		return q.Data
	})
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if _, err := follower.Ask(ctx, bus.Seat, []byte("wait")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	awaitArrival(t, "it answers no longer", ended)
}

func testStopAnswering(t *testing.T, n Network) {
	decider, follower := n.Connect(t, Decider), n.Connect(t, Follower)
	began, ended := make(chan struct{}), false
	stop := answer(t, decider, follower, bus.Seat, func(ctx context.Context, q bus.Question) []byte {
		if string(q.Data) == "wait" {
			close(began)
			<-ctx.Done()
			ended = true
		}
		return q.Data
	})
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = follower.Ask(ctx, bus.Seat, []byte("wait"))
	}()
	awaitArrival(t, "the question arrives", began)
	stop()
	if !ended {
		t.Error("stop did not wait")
	}
	cancel()
	awaitArrival(t, "who asked goes on", asked)
	eventually(t, "nobody answers", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_, err := follower.Ask(ctx, bus.Seat, nil)
		return errors.Is(err, bus.ErrNobody)
	})
}

func testOwnership(t *testing.T, n Network) {
	decider, follower := n.Connect(t, Decider), n.Connect(t, Follower)
	heard := listen(t, follower, bus.Beat)
	heard.ready(t, decider, bus.Beat)
	data := []byte("before")
	if err := decider.Publish(bus.Beat, data); err != nil {
		t.Fatal(err)
	}
	copy(data, "after!")
	m := heard.next(t)
	if string(m.Data) != "before" {
		t.Errorf("heard %q", m.Data)
	}
	if err := decider.Stream().Create(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	data = []byte("before")
	seq, err := decider.Stream().Append(limited(t), 0, "id", data)
	if err != nil {
		t.Fatal(err)
	}
	copy(data, "after!")
	got, err := decider.Stream().Get(limited(t), seq)
	if err != nil || string(got) != "before" {
		t.Errorf("the stream has %q, %v", got, err)
	}
	copy(got, "after!")
	if again, err := decider.Stream().Get(limited(t), seq); err != nil || string(again) != "before" {
		t.Errorf("the stream has now %q, %v", again, err)
	}
}
