package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put appends something to the stream, which is not of a node.
func (m *member) put(data string) {
	m.t.Helper()
	s := m.bus.Stream()
	_, last, err := s.Ends(m.t.(*testing.T).Context())
	if err == nil {
		_, err = s.Append(m.t.(*testing.T).Context(), last, fmt.Sprint("foreign", last), []byte(data))
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// What is certainly not of a node, such as an answer of a server, ends no term: the decider goes on above it, with
// the same term, and all copies have what it appends.
func TestWhatIsNotOfANodeEndsNoTerm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "0")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		must(t, fra.CatchUp(t.Context()))
		number, err := fra.Begin(t.Context())
		must(t, err)
		want := []string{"0"}
		for i, foreign := range []string{"", "404", "null", "{}", "{", `[{"v":1}]`, `{"type":"io.nats.jetstream.api.v1.stream_info_response","error":{"code":404}}`} {
			for range i {
				nyc.put(foreign)
			}
			word := fmt.Sprint(i)
			must(t, fra.Append(record(word)))
			want = append(want, word)
		}
		nyc.put("")
		must(t, fra.Compact(state(want...)))
		time.Sleep(time.Second)
		must(t, fra.Append(record("last")))
		synctest.Wait()
		must(t, nyc.CatchUp(t.Context()))
		if fra.Place() != nyc.Place() || fra.Lost() != nil || nyc.Lost() != nil {
			t.Errorf("fra1 holds messages up to %d, nyc1 up to %d; %v, %v", fra.Place(), nyc.Place(), fra.Lost(), nyc.Lost())
		}
		for _, m := range []*member{fra, nyc} {
			var got []string
			for r, err := range m.Records() {
				must(t, err)
				got = append(got, words(r)...)
			}
			if !slices.Equal(got, append(slices.Clone(want), "last")) {
				t.Errorf("%s holds %q, not %q", m.name, got, want)
			}
		}
		// One that ends with what is not of a node is not made again, and another node takes over above it.
		nyc.put("404")
		if err := stream.Create(t.Context(), nyc.bus.Stream(), 0, state("again")); !errors.Is(err, stream.ErrMade) {
			t.Errorf("made again: %v", err)
		}
		must(t, nyc.CatchUp(t.Context()))
		next, err := nyc.Begin(t.Context())
		must(t, err)
		if err := fra.Append(record("late")); !errors.Is(err, journal.ErrReplaced) || next <= number {
			t.Errorf("after another node has begun in term %d: %v", next, err)
		}
		lon := join(t, net, "lon1")
		nyc.put("")
		must(t, lon.CatchUp(t.Context()))
		if lon.Place() != nyc.Place()+1 && lon.Place() != nyc.Place() || lon.Lost() != nil {
			t.Errorf("a new node holds messages up to %d of %d, %v", lon.Place(), nyc.Place(), lon.Lost())
		}
	})
}

// A pushyStream is one into which somebody who is no node puts something after the first message.
type pushyStream struct {
	bus.Stream
	others *member
	calls  int
}

func (s *pushyStream) Append(ctx context.Context, after uint64, id string, data []byte) (uint64, error) {
	if s.calls++; s.calls == 2 {
		s.others.put("404")
	}
	return s.Stream.Append(ctx, after, id, data)
}

// Also while the stream is made somebody may put into it what is not of a node.
func TestAStreamIsMadeAboveWhatIsNotOfANode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := local.New()
		fra := join(t, net, "fra1")
		must(t, stream.Create(t.Context(), &pushyStream{fra.bus.Stream(), fra, 0}, 0, state("a")))
		fra.catchUp()
		wantHeld(t, "a", fra)
	})
}

// A message that a node may have written ends the term, also where it stands between others, is damaged, or is of
// a version that is not known.
func TestWhatMayBeOfANodeEndsTheTerm(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		`{"v":1,"term":9,"records":[]}`, `{"v":2}`, `{"v":1}`, `{"term":3}`, `{"v":"1"}`, `{"V":1,"records":7}`, `{"v":-1}`, `{"prev":"x"}`, `{"v":1e99}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			net := newNetwork(t, "0")
			fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
			must(t, fra.CatchUp(t.Context()))
			_, err := fra.Begin(t.Context())
			must(t, err)
			must(t, fra.Append(record("1")))
			for _, data := range []string{"", message, ""} {
				nyc.put(data)
			}
			for range 2 {
				if err := fra.Append(record("2")); !errors.Is(err, journal.ErrReplaced) {
					t.Errorf("after %s: %v", message, err)
				}
			}
		})
	}
}
