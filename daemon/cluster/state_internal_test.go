package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// A node that may not decide hears no heartbeats of others: it knows from the beats since when they live, and since
// when it heard of them last.
func TestWhoMayNotDecideKnowsWhenItHeardOfOthers(t *testing.T) {
	t.Parallel()
	e := newEar("c1", "a1", "b1", "c1")
	begun := e.now
	hear := func(live ...config.NodeID) {
		e.now = e.now.Add(pulsePause)
		e.hearBeat(beat{V: Speaks, Node: "a1", Term: 1, Speaks: Speaks, Live: live, Wall: e.now}, 0, e.now, e.now)
	}
	for range 10 {
		hear("a1", "b1", "c1")
	}
	last := e.now
	for range 20 {
		hear("a1", "c1")
	}
	n := &Node{Options: Options{Node: "c1"}, cfg: &config.Config{Cluster: &config.Cluster{Nodes: e.nodes}}, hearing: e.hearing}
	n.members = membersOf(n.cfg.Cluster, func(id config.NodeID) bool { return id != "b1" })
	for id, want := range map[config.NodeID]struct {
		live  bool
		since time.Time
	}{"a1": {true, begun.Add(pulsePause)}, "b1": {false, last}} {
		if st := n.stateOf(e.nodes[id], &State{Decider: "a1"}, e.now); st.Live != want.live || !st.Since.Equal(want.since) {
			t.Errorf("%s: live %t since %v, not %v", id, st.Live, st.Since, want)
		}
		// Without the bus none is live, and each was heard.
		if st := n.stateOf(e.nodes[id], &State{}, e.now); st.Live || st.Since.IsZero() {
			t.Errorf("without the bus %s is live %t since %v", id, st.Live, st.Since)
		}
	}
}

// What is wrong with the shared journal is a sentence that says what people can do.
func TestWhatIsWrongWithTheJournalIsASentence(t *testing.T) {
	t.Parallel()
	b := local.New().Connect("a1")
	defer b.Close()
	c, err := stream.Open(t.TempDir(), b.Stream(), stream.Options{Node: "a1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	n := &Node{Options: Options{Node: "a1"}, copy: c, hearing: newHearing("a1", time.Now())}
	missing := fmt.Errorf("reading what is missing: %w", bus.ErrNoStream)
	if got := n.journalSentence(missing); !strings.Contains(got, "Run sudo imapvigil nodes begin, once, on one node.") {
		t.Errorf("before the first: %s", got)
	}
	n.hearing.nodes["b1"] = &heard{heartbeat: heartbeat{Node: "b1", Place: 7}}
	if got := n.journalSentence(missing); !strings.Contains(got, "on the node whose copy goes furthest") {
		t.Errorf("when it was lost: %s", got)
	}
	if got := n.journalSentence(fmt.Errorf("reading: %w", context.DeadlineExceeded)); !strings.Contains(got, "It takes most of them") {
		t.Errorf("of servers that do not answer: %s", got)
	}
	if got := n.journalSentence(bus.ErrForbidden); got != "The bus does not permit that to this node." {
		t.Errorf("of another error: %s", got)
	}
	if got := n.journalSentence(nil); got != "" {
		t.Errorf("of none: %s", got)
	}
}
