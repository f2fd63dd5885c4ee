package stream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// Two nodes see that the stream has lost records. The slower one does not undo what the faster one has
// decided since.
func TestALateRebaseIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.catchUp()
		nyc.catchUp()
		fra.begin()
		fra.append("b")
		fra.append("c")
		fra.End()
		synctest.Wait()
		net.LoseEnd(1)
		if fra.CatchUp(t.Context()) == nil || nyc.CatchUp(t.Context()) == nil {
			t.Fatal("nothing is lost")
		}
		if _, err := fra.Rebase(t.Context(), state("a", "b", "c")); err != nil {
			t.Fatal(err)
		}
		fra.append("d")
		synctest.Wait()
		if _, err := nyc.Rebase(t.Context(), state("a", "b", "c")); !errors.Is(err, journal.ErrReplaced) {
			t.Error("fra1 decides:", err)
		}
		fra.append("e")
		synctest.Wait()
		lon := join(t, net, "lon1")
		lon.catchUp()
		wantHeld(t, "a b c d e", fra, nyc, lon)
	})
}

// A deafBus is a bus of which the stream does not say its end once something was appended to it, while that is wanted.
type deafBus struct {
	bus.Bus
	wanted, appended atomic.Bool
}

func (b *deafBus) Stream() bus.Stream { return deafStream{b.Bus.Stream(), b} }

type deafStream struct {
	bus.Stream
	bus *deafBus
}

func (s deafStream) Append(ctx context.Context, after uint64, id string, data []byte) (uint64, error) {
	s.bus.appended.Store(true)
	return s.Stream.Append(ctx, after, id, data)
}

func (s deafStream) Ends(ctx context.Context) (first, last uint64, err error) {
	if s.bus.wanted.Load() && s.bus.appended.Load() {
		return 0, 0, bus.ErrCut
	}
	return s.Stream.Ends(ctx)
}

// A node that could not read what it has appended anew does not decide, and appends nothing more.
func TestARebaseThatFailsEndsItsTerm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a")
		b := &deafBus{}
		fra := &member{t: t, name: "fra1", dir: t.TempDir(), connect: func() bus.Bus {
			b.Bus = net.Connect("fra1")
			return b
		}}
		fra.start()
		defer fra.stop()
		fra.catchUp()
		fra.begin()
		fra.append("b")
		fra.End()
		synctest.Wait()
		net.LoseEnd(1)
		if fra.CatchUp(t.Context()) == nil {
			t.Fatal("nothing is lost")
		}
		b.appended.Store(false)
		b.wanted.Store(true)
		if _, err := fra.Rebase(t.Context(), state("a", "b")); !errors.Is(err, bus.ErrCut) {
			t.Fatal("the rebase:", err)
		}
		if err := fra.Append(record("c")); !errors.Is(err, journal.ErrReplaced) {
			t.Error("it decides without a term:", err)
		}
		b.wanted.Store(false)
		fra.catchUp()
		fra.begin()
		fra.append("d")
		wantHeld(t, "a b d", fra)
	})
}

// The servers acknowledge a message again that they have already, also when another node has begun since.
func TestALateAcknowledgementIsNotSure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.begin()
		time.Sleep(5 * time.Second)
		net.LoseAcknowledgements(true)
		sure := make(chan error, 1)
		go func() { sure <- fra.Sure(t.Context()) }()
		time.Sleep(time.Second)
		net.Cut("fra1") // its message is in the stream, and it does not know
		net.LoseAcknowledgements(false)
		time.Sleep(5 * time.Second)
		nyc.begin()
		net.Heal("fra1")
		if err := <-sure; !errors.Is(err, journal.ErrReplaced) {
			t.Error("nyc1 decides:", err)
		}
	})
}
