package stream_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

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
