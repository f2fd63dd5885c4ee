//go:build !quick

package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// patience is how long something may take that has to come about.
const patience = time.Minute

func three() bustest.Setup {
	return bustest.Setup{
		Servers: 3, Deciding: []string{bustest.Decider, bustest.Candidate}, Following: []string{bustest.Follower},
	}
}

func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// withStream connects the decider and makes the stream.
func withStream(t testing.TB, s *bustest.Servers) bus.Bus {
	t.Helper()
	b := s.Connect(t, bustest.Decider)
	if err := b.Stream().Create(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	return b
}

// appendPatiently does what whoever decides does: the same again, until there is an answer.
func appendPatiently(t testing.TB, b bus.Bus, after uint64) {
	t.Helper()
	ctx := limited(t)
	for {
		seq, err := b.Stream().Append(ctx, after, fmt.Sprint("id", after+1), fmt.Append(nil, after+1))
		switch {
		case err == nil && seq == after+1:
			return
		case errors.Is(err, bus.ErrCut):
			bustest.AwaitConnected(t, b)
		default:
			t.Fatalf("append %d: %d, %v", after+1, seq, err)
		}
	}
}

// holds checks that the stream has what was appended, once each and in order. A connection that is given up meanwhile,
// as on a busy machine, is made again.
func holds(t testing.TB, b bus.Bus, last uint64) {
	t.Helper()
	err := bus.ErrCut
	for ctx := limited(t); errors.Is(err, bus.ErrCut) && ctx.Err() == nil; {
		bustest.AwaitConnected(t, b)
		err = readWhole(ctx, t, b, last)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readWhole reads the stream, which ends at a sequence.
func readWhole(ctx context.Context, t testing.TB, b bus.Bus, last uint64) error {
	t.Helper()
	first, end, err := b.Stream().Ends(ctx)
	if err != nil {
		return err
	}
	if first != 1 || end != last {
		t.Fatalf("the stream has %d to %d, not 1 to %d", first, end, last)
	}
	next := uint64(1)
	err = b.Stream().Read(ctx, 1, last, func(seq uint64, data []byte) error {
		if seq != next || string(data) != fmt.Sprint(seq) {
			t.Errorf("message %d is %q", seq, data)
		}
		next++
		return nil
	})
	if err == nil && next != last+1 {
		t.Errorf("read up to %d, not to %d", next-1, last)
	}
	return err
}

// appendDuring appends all the time while something happens, and a while longer, and returns the last
// sequence and how long the slowest append took.
func appendDuring(t testing.TB, b bus.Bus, happens func()) (last uint64, slowest time.Duration) {
	t.Helper()
	appendPatiently(t, b, 0)
	over := make(chan struct{})
	go func() {
		defer close(over)
		happens()
	}()
	last = 1
	for left := 50; left > 0; last++ {
		began := time.Now()
		appendPatiently(t, b, last)
		slowest = max(slowest, time.Since(began))
		select {
		case <-over:
			left--
		default:
		}
	}
	<-over
	return last, slowest
}

func TestTheLeadingServerIsKilledWhileAppending(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	last, slowest := appendDuring(t, b, func() { s.Kill(t, s.Leader(t)) })
	t.Logf("%d appended, the slowest took %v", last, slowest)
	holds(t, b, last)
}

// As in an upgrade of the servers, one after the other.
func TestTheLeadingServerEndsInGoodOrderWhileAppending(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR2} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := bustest.Start(t, three())
			b := withStream(t, s)
			last, slowest := appendDuring(t, b, func() {
				leader := s.Leader(t)
				s.End(t, leader, signal)
				s.Start(t, leader)
			})
			t.Logf("%d appended, the slowest took %v", last, slowest)
			s.AwaitCopies(t, last)
			holds(t, b, last)
		})
	}
}

func TestTheLeadingServerStopsWhileAppending(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	var stopped int
	last, slowest := appendDuring(t, b, func() {
		stopped = s.Leader(t)
		s.Stop(t, stopped)
	})
	t.Logf("%d appended, the slowest took %v", last, slowest)
	s.Continue(t, stopped)
	holds(t, b, last)
}

// The server that leads loses the other servers, and keeps the node that appends: it acknowledges nothing
// from then on, and the node goes on with another server.
func TestTheLeadingServerLosesTheOthersWhileAppending(t *testing.T) {
	t.Parallel()
	setup := three()
	setup.Separable = true
	s := bustest.Start(t, setup)
	withStream(t, s)
	leader := s.Leader(t)
	o := s.Options(t, bustest.Candidate)
	var b bus.Bus
	for b == nil || b.Status().Server != strings.TrimPrefix(s.URL(leader), "tls://") {
		if b != nil {
			b.Close()
		}
		b = connected(t, o)
	}
	last, slowest := appendDuring(t, b, func() { s.Isolate(leader) })
	t.Logf("%d appended, the slowest took %v", last, slowest)
	if b.Status().Server == strings.TrimPrefix(s.URL(leader), "tls://") {
		t.Error("it is still connected to the server without others")
	}
	s.Rejoin(leader)
	s.AwaitCopies(t, last)
	holds(t, b, last)
}

func TestAServerWithoutItsDiskCatchesUp(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	last, _ := appendDuring(t, b, func() {
		i := (s.Leader(t) + 1) % 3
		s.Kill(t, i)
		s.Wipe(t, i)
		s.Start(t, i)
	})
	// Each server in turn has to do without the first that was there.
	for i := range 3 {
		s.AwaitCopies(t, last)
		s.Kill(t, i)
		bustest.AwaitConnected(t, b)
		holds(t, b, last)
		s.Start(t, i)
	}
}

func TestAllServersWithoutTheirDisksHaveNoStream(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	appendPatiently(t, b, 0)
	for i := range 3 {
		s.Kill(t, i)
		s.Wipe(t, i)
	}
	for i := range 3 {
		s.Start(t, i)
	}
	ctx := limited(t)
	for {
		_, err := b.Stream().Append(ctx, 1, "id2", nil)
		if errors.Is(err, bus.ErrNoStream) {
			break
		}
		if !errors.Is(err, bus.ErrCut) {
			t.Fatal(err)
		}
		bustest.AwaitConnected(t, b)
	}
}

// Two servers of three are gone: what is appended then is not acknowledged, and is there once when they are
// back and it is tried again.
func TestWithoutMostServersNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	appendPatiently(t, b, 0)
	gone := []int{0, 1, 2}
	leader := s.Leader(t)
	gone = slices.DeleteFunc(gone, func(i int) bool { return i == leader })
	for _, i := range gone {
		s.Kill(t, i)
	}
	bustest.AwaitConnected(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		seq, err := b.Stream().Append(ctx, 1, "id2", []byte("2"))
		if err == nil {
			t.Fatal("acknowledged by a single server of three:", seq)
		}
		if errors.Is(err, bus.ErrReplaced) || errors.Is(err, bus.ErrNoStream) {
			t.Fatal(err)
		}
	}
	for _, i := range gone {
		s.Start(t, i)
	}
	appendPatiently(t, b, 1)
	holds(t, b, 2)
}

// The acknowledgement is lost in a black hole: the same again has the same sequence, on one server and
// on three.
func TestALostAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 3} {
		t.Run(fmt.Sprint(servers), func(t *testing.T) {
			t.Parallel()
			setup := three()
			setup.Servers = servers
			s := bustest.Start(t, setup)
			other := withStream(t, s)
			b, path := s.ConnectThrough(t, bustest.Candidate)
			appendPatiently(t, b, 0)
			path.BlackHole(false, true)
			_, err := b.Stream().Append(limited(t), 1, "id2", []byte("2"))
			if !errors.Is(err, bus.ErrCut) {
				t.Error("append into a black hole:", err)
			}
			if _, last, err := other.Stream().Ends(limited(t)); last != 2 || err != nil {
				t.Errorf("it was not appended: %d, %v", last, err)
			}
			path.Heal()
			bustest.AwaitConnected(t, b)
			appendPatiently(t, b, 1)
			holds(t, b, 2)
		})
	}
}

func TestABlackHoleIsNoticed(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	for _, c := range []struct{ toServers, fromServers bool }{{true, true}, {true, false}, {false, true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			b, path := s.ConnectThrough(t, bustest.Candidate)
			path.BlackHole(c.toServers, c.fromServers)
			began := time.Now()
			awaitCut(t, b)
			took := time.Since(began)
			t.Log("noticed after", took, "and said:", b.Status().Detail)
			// A second and a half, and what a busy machine needs.
			if took > 10*time.Second {
				t.Error("it took", took)
			}
			path.Heal()
			bustest.AwaitConnected(t, b)
		})
	}
}

func awaitCut(t testing.TB, b bus.Bus) {
	t.Helper()
	for ctx := limited(t); b.Status().Connected; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("still connected")
		}
	}
}

// Nobody waits for a server that takes nothing: neither to say something nor to end.
func TestNothingWaitsForABlackHole(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b, path := s.ConnectThrough(t, bustest.Candidate)
	path.BlackHole(true, true)
	data := make([]byte, bus.MaxMessage)
	var slowest time.Duration
	var refused error
	for range 200 { // 100 MB
		began := time.Now()
		if err := b.Publish(bus.Beat, data); err != nil {
			refused = err
		}
		slowest = max(slowest, time.Since(began))
	}
	if !errors.Is(refused, bus.ErrCut) {
		t.Error("all were taken:", refused)
	}
	began := time.Now()
	stop, err := b.Listen(bus.Wake, func(bus.Message) {})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	_ = b.Status()
	slowest = max(slowest, time.Since(began))
	began = time.Now()
	b.Close()
	t.Logf("the slowest call took %v, Close %v", slowest, time.Since(began))
	if slowest > 500*time.Millisecond { // half of what one write to a socket may take
		t.Error("a call took", slowest)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Error("Close took", took)
	}
}

// With 80 ms each way everything works, and the round trip is known.
func TestAFarAwayServer(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	near := withStream(t, s)
	o, path := s.Through(t, bustest.Candidate)
	path.Delay(80 * time.Millisecond)
	b, err := bus.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	bustest.AwaitConnected(t, b)
	for after := range uint64(5) {
		appendPatiently(t, b, after)
	}
	for after := range uint64(2000) {
		appendPatiently(t, near, after+5)
	}
	began := time.Now()
	holds(t, b, 2005)
	t.Logf("2005 messages read in %v, round trip %v", time.Since(began), b.Status().RoundTrip)
	if rtt := b.Status().RoundTrip; rtt < 160*time.Millisecond || rtt > patience {
		t.Error("round trip", rtt)
	}
}

// So people can be told before the next server fails.
func TestAServerThatDoesNotKeepTheStreamIsMissing(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	missing := func(want ...string) {
		t.Helper()
		for ctx := limited(t); ; {
			is, err := b.Stream().Missing(ctx)
			if err == nil && slices.Equal(is, want) {
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("%q are missing, not %q (%v)", is, want, err)
			}
		}
	}
	missing()
	one := (s.Leader(t) + 1) % 3
	s.Kill(t, one)
	missing(s.Name(one))
	s.Start(t, one)
	missing()
}

// A node that may not decide does not move the stream from one server to another, and a server that lacks
// something does not come to lead.
func TestTheStreamIsLedElsewhereWhileAppending(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	b := withStream(t, s)
	var before, after int
	last, slowest := appendDuring(t, b, func() {
		before = s.Leader(t)
		other := s.Name((before + 1) % 3)
		if moved, err := b.Stream().LeadElsewhere(limited(t), []string{other, "another machine"}); moved || err != nil {
			t.Errorf("it was moved although none of these leads: %v, %v", moved, err)
		}
		if moved, err := s.Connect(t, bustest.Follower).Stream().LeadElsewhere(limited(t), []string{s.Name(before)}); moved || !errors.Is(err, bus.ErrForbidden) {
			t.Errorf("who does not decide has moved it: %v, %v", moved, err)
		}
		ctx := limited(t)
		for after = before; after == before && ctx.Err() == nil; after = s.Leader(t) {
			// The others may lack what was appended this moment.
			if _, err := b.Stream().LeadElsewhere(ctx, []string{s.Name(before)}); err != nil {
				t.Errorf("it was not moved: %v", err)
			}
		}
		if moved, err := b.Stream().LeadElsewhere(limited(t), []string{s.Name(0), s.Name(1), s.Name(2)}); moved || err != nil {
			t.Errorf("it was moved although there is no other: %v, %v", moved, err)
		}
	})
	t.Logf("%d appended, the slowest took %v", last, slowest)
	s.AwaitCopies(t, last)
	holds(t, b, last)
}
