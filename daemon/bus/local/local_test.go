package local_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect connects nodes that are closed before the bubble ends.
func connect(t *testing.T, n *local.Network, nodes ...string) []bus.Bus {
	t.Helper()
	var buses []bus.Bus
	for _, node := range nodes {
		b := n.Connect(node)
		t.Cleanup(b.Close)
		buses = append(buses, b)
	}
	return buses
}

// listen returns what is heard so far.
func listen(t *testing.T, b bus.Bus, topic bus.Topic) func() []string {
	t.Helper()
	var mu sync.Mutex
	var heard []string
	_, err := b.Listen(topic, func(m bus.Message) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, m.Topic.Node()+" "+string(m.Data))
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(heard)
	}
}

func TestCutOneWayIsNotNoticedByEither(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		atFra, atNyc := listen(t, b[0], bus.Heartbeats), listen(t, b[1], bus.Heartbeats)
		n.CutOneWay("fra1", "nyc1")
		for i, node := range []string{"fra1", "nyc1"} {
			if err := b[i].Publish(bus.Heartbeat(node), []byte("1")); err != nil {
				t.Error(err)
			}
		}
		if fra, nyc := atFra(), atNyc(); len(fra) != 2 || len(nyc) != 1 || nyc[0] != "nyc1 1" {
			t.Errorf("fra1 heard %q, nyc1 %q", fra, nyc)
		}
		n.Heal("nyc1")
		_ = b[0].Publish(bus.Heartbeat("fra1"), []byte("2"))
		if nyc := atNyc(); len(nyc) != 2 || nyc[1] != "fra1 2" {
			t.Errorf("after healing nyc1 heard %q", nyc)
		}
	})
}

func TestWhatIsSaidWhileCutIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		heard := listen(t, b[1], bus.Beat)
		n.Cut("fra1")
		if err := b[0].Publish(bus.Beat, []byte("1")); !errors.Is(err, bus.ErrCut) {
			t.Error("publish while cut:", err)
		}
		if s := b[0].Status(); s.Connected || s.Detail == "" {
			t.Errorf("%+v", s)
		}
		n.Heal("fra1")
		if err := b[0].Publish(bus.Beat, []byte("2")); err != nil {
			t.Error(err)
		}
		if got := heard(); len(got) != 1 || got[0] != " 2" {
			t.Errorf("heard %q", got)
		}
	})
}

func TestLosesTheShareThatIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		heard := listen(t, b[1], bus.Beat)
		n.Lose(0.25, rand.New(rand.NewPCG(1, 2)))
		for range 1000 {
			_ = b[0].Publish(bus.Beat, nil)
		}
		if got := len(heard()); got < 700 || got > 800 {
			t.Errorf("of 1000 messages %d arrived", got)
		}
	})
}

func TestDelayKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		heard := listen(t, b[1], bus.Beat)
		n.Delay(80 * time.Millisecond)
		_ = b[0].Publish(bus.Beat, []byte("1"))
		time.Sleep(79 * time.Millisecond)
		_ = b[0].Publish(bus.Beat, []byte("2"))
		if got := heard(); len(got) != 0 {
			t.Errorf("heard too soon: %q", got)
		}
		time.Sleep(time.Second)
		if got := heard(); len(got) != 2 || got[0] != " 1" {
			t.Errorf("heard %q", got)
		}
	})
}

func TestAStreamThatIsCutAnswersLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		s := connect(t, n, "fra1")[0].Stream()
		if err := s.Create(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		n.CutStream(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Append(ctx, 0, "a", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("append to a stream that is cut:", err)
		}
		time.AfterFunc(time.Second, func() { n.CutStream(false) })
		if seq, err := s.Append(t.Context(), 0, "a", nil); seq != 1 || err != nil {
			t.Error(seq, err)
		}
		if _, last, err := s.Ends(t.Context()); last != 1 || err != nil {
			t.Error(last, err)
		}
	})
}

func TestALostAcknowledgementIsRepeatedForTheSameID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		fra, nyc := b[0].Stream(), b[1].Stream()
		if err := fra.Create(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		n.LoseAcknowledgements(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := fra.Append(ctx, 0, "a", []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		n.LoseAcknowledgements(false)
		if _, err := nyc.Append(t.Context(), 0, "b", []byte("y")); !errors.Is(err, bus.ErrReplaced) {
			t.Error("append of somebody else:", err)
		}
		if seq, err := fra.Append(t.Context(), 0, "a", []byte("x")); seq != 1 || err != nil {
			t.Error("the same again:", seq, err)
		}
	})
}

func TestACutEndsAllWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := local.New()
		b := connect(t, n, "fra1", "nyc1")
		if err := b[0].Stream().Create(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := b[1].Answer(bus.Seat, func(ctx context.Context, _ bus.Question) []byte { <-ctx.Done(); return nil }); err != nil {
			t.Fatal(err)
		}
		n.CutStream(true)
		time.AfterFunc(time.Second, func() { n.Cut("fra1") })
		if _, err := b[0].Stream().Append(t.Context(), 0, "a", nil); !errors.Is(err, bus.ErrCut) {
			t.Error("append:", err)
		}
		n.Heal("fra1")
		time.AfterFunc(time.Second, func() { n.Cut("fra1") })
		if _, err := b[0].Ask(t.Context(), bus.Seat, nil); !errors.Is(err, bus.ErrCut) {
			t.Error("ask:", err)
		}
	})
}

// network adapts a Network to the suite.
type network struct{ *local.Network }

func (n network) Connect(t testing.TB, node string) bus.Bus {
	b := n.Network.Connect(node)
	t.Cleanup(b.Close)
	return b
}

func TestSuite(t *testing.T) {
	t.Parallel()
	bustest.Suite(t, func(testing.TB) bustest.Network { return network{local.New()} })
}
