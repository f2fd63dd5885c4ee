//go:build !quick

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// On real servers, of which the one that leads the stream is killed again and again, with nodes that take
// over from one that does not know it, and with compactions: no acknowledged record is lost or doubled.
func TestCopiesOnRealServers(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, bustest.Setup{Servers: 3, Deciding: []string{"fra1", "nyc1", "lon1"}})
	maker := s.Connect(t, "fra1")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	until(t, "the stream is made", func() error {
		if err := stream.Create(ctx, maker.Stream(), 0, state("0")); err != nil && !errors.Is(err, stream.ErrMade) {
			return err
		}
		return nil
	})
	var nodes []*member
	for _, name := range []string{"fra1", "nyc1", "lon1"} {
		m := &member{t: t, name: name, dir: t.TempDir(), connect: func() bus.Bus { return s.Connect(t, name) }}
		m.start()
		t.Cleanup(m.stop)
		nodes = append(nodes, m)
	}
	acked := []string{"0"}
	doubt := map[string]bool{}
	for round := range 4 {
		m := nodes[round%2]
		until(t, m.name+" begins", func() error { return errors.Join(m.CatchUp(ctx), begins(ctx, m)) })
		killed := s.Leader(t)
		s.Kill(t, killed)
		for i := range 5 {
			word := fmt.Sprintf("%d.%d", round, i)
			if err := m.Append(record(word)); err != nil {
				t.Log(err)
				doubt[word] = true
				break
			}
			acked = append(acked, word)
		}
		s.Start(t, killed)
		if before := nodes[(round+1)%2]; round > 0 {
			before.ForgetThatItEnded()
			if err := before.Append(record("wrong")); !errors.Is(err, journal.ErrReplaced) {
				t.Error("was not refused:", err)
			}
		}
		if len(doubt) == 0 && round == 2 {
			if err := m.Compact(state(acked...)); err != nil && !errors.Is(err, journal.ErrNotDurable) {
				t.Error(err)
			}
		}
	}
	for _, m := range nodes {
		until(t, m.name+" reads on", func() error { return m.CatchUp(ctx) })
		var known []string
		for _, word := range m.held() {
			if !doubt[word] {
				known = append(known, word)
			}
		}
		if got, want := strings.Join(known, " "), strings.Join(acked, " "); got != want {
			t.Errorf("%s holds %s, acknowledged were %s", m.name, got, want)
		}
	}
	t.Log(len(acked), "were acknowledged,", len(doubt), "are in doubt")
	if first, _, err := maker.Stream().Ends(ctx); err != nil || len(doubt) == 0 && first == 1 {
		t.Errorf("the stream begins with message %d after a compaction: %v", first, err)
	}
}

func begins(ctx context.Context, m *member) error {
	_, err := m.Begin(ctx)
	return err
}

// until does something until it goes well, at most for half a minute.
func until(t *testing.T, what string, do func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(what, err)
		}
		<-time.After(50 * time.Millisecond) // the servers elect; nobody says when they have
	}
}
