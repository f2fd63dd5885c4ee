//go:build !quick

package stream_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// A node that may not decide, and that somebody else controls, asks the real servers all that they answer, and
// wants the answers in the journal. With the configuration that is made now none gets there. With that of an earlier
// imapvigil some do. In both the decider decides on, in its term, and its copy is the stream.
func TestAHostileNodeEndsNoTerm(t *testing.T) {
	t.Parallel()
	for _, earlier := range []bool{false, true} {
		t.Run(fmt.Sprint("earlier ", earlier), func(t *testing.T) {
			t.Parallel()
			s := bustest.Start(t, bustest.Setup{
				Servers: 1, Earlier: earlier, Deciding: []string{bustest.Decider, bustest.Candidate}, Following: []string{bustest.Follower},
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			must(t, createOn(ctx, s.Connect(t, bustest.Decider)))
			decider := &member{t: t, name: bustest.Decider, dir: t.TempDir(), connect: func() bus.Bus { return s.Connect(t, bustest.Decider) }}
			other := &member{t: t, name: bustest.Candidate, dir: t.TempDir(), connect: func() bus.Bus { return s.Connect(t, bustest.Candidate) }}
			for _, m := range []*member{decider, other} {
				m.start()
				t.Cleanup(m.stop)
				must(t, m.CatchUp(ctx))
			}
			_, err := decider.Begin(ctx)
			must(t, err)
			hostile, want := s.Raw(t, bustest.Follower), []string{"0"}
			for round := range 3 {
				bustest.AskIntoTheJournal(t, hostile)
				word := fmt.Sprint("after attack ", round)
				must(t, decider.Append(record(word)))
				want = append(want, word)
			}
			own := uint64(len(want) + 2) // the whole state in two parts, the beginning of the term, and what was appended
			_, last, err := decider.bus.Stream().Ends(ctx)
			must(t, err)
			if got := last > own; got != earlier {
				t.Errorf("the stream has %d messages, and the decider has written %d", last, own)
			}
			for _, m := range []*member{decider, other} {
				must(t, m.CatchUp(ctx))
				if m.Place() != last || m.Lost() != nil {
					t.Errorf("%s holds messages up to %d of %d, %v", m.name, m.Place(), last, m.Lost())
				}
				var got []string
				for r, err := range m.Records() {
					must(t, err)
					got = append(got, words(r)...)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s holds %q, not %q", m.name, got, want)
				}
			}
			if hostile.Forbidden() == 0 {
				t.Error("the servers have refused nothing, so nothing was tried")
			}
		})
	}
}

func createOn(ctx context.Context, b bus.Bus) error {
	return stream.Create(ctx, b.Stream(), 0, state("0"))
}
