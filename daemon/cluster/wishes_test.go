package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// tracker returns whom a command on a node reaches: the node that decides, or itself while it is alone.
func (s *stage) tracker(name string) *tracker.Tracker {
	node := s.machine(name).process.node
	if node.Role() != cluster.Alone {
		node = s.machine(node.Decider()).process.node
	}
	return node.Tracker()
}

func (s *stage) snapshot(of *tracker.Tracker) *tracker.Snapshot {
	s.t.Helper()
	all, err := of.Snapshot(context.Background())
	must(s.t, err)
	return all
}

// endSilence ends the silence of a check that would be over first.
func (s *stage) endSilence(on *tracker.Tracker, check config.CheckID) {
	s.t.Helper()
	silences := slices.DeleteFunc(slices.Clone(s.snapshot(on).Silences), func(silence outbox.Silence) bool {
		return silence.Scope.Check != check || !silence.Until.After(time.Now())
	})
	if len(silences) == 0 {
		s.t.Fatalf("%s is not silenced", check)
	}
	first := slices.MinFunc(silences, func(a, b outbox.Silence) int { return a.Until.Compare(b.Until) })
	_, err := on.EndSilence(context.Background(), first.ID, "bob")
	must(s.t, err)
}

// acknowledge has somebody work on the open incident of a check, or no more.
func (s *stage) acknowledge(on *tracker.Tracker, check config.CheckID, by string, works bool) {
	s.t.Helper()
	c, _ := s.snapshot(on).Check(check)
	for _, in := range c.Incidents {
		if !in.Open() {
			continue
		}
		var err error
		if works {
			_, err = on.Acknowledge(context.Background(), in.ID, tracker.Acknowledgement{By: by, Reason: "on it"})
		} else {
			_, err = on.Unacknowledge(context.Background(), in.ID, by)
		}
		must(s.t, err)
		return
	}
	s.t.Fatalf("%s has no open incident", check)
}

// note has somebody write a note about the open incident of a check.
func (s *stage) note(on *tracker.Tracker, check config.CheckID, by string) {
	s.t.Helper()
	c, _ := s.snapshot(on).Check(check)
	at := slices.IndexFunc(c.Incidents, incident.Incident.Open)
	if at < 0 {
		s.t.Fatalf("%s has no open incident", check)
	}
	_, err := on.Note(context.Background(), c.Incidents[at].ID, tracker.Note{By: by, Text: "it is the disk"})
	must(s.t, err)
}

// showWishes shows what people have asked for.
func (s *stage) showWishes(of *tracker.Tracker) {
	all := s.snapshot(of)
	var lines []string
	for _, silence := range all.Silences {
		line := fmt.Sprintf("%s is silenced until %s", silence.Scope, s.at(silence.Until))
		if silence.EndedBy != "" {
			line += ", ended by " + silence.EndedBy
		}
		lines = append(lines, line)
	}
	for in := range all.Incidents() {
		if in.Incident.Open() && in.Incident.Acknowledged() {
			lines = append(lines, fmt.Sprintf("%s is acknowledged by %s", in.Incident.Check, in.Incident.AckedBy))
		}
		for _, held := range in.Held {
			lines = append(lines, fmt.Sprintf("%s: not sent to %s: %s", in.Incident.Check, held.NotifyID.Notifier, held.Reason))
		}
	}
	slices.Sort(lines)
	fmt.Fprintf(&s.out.text, "    %s\n", strings.Join(lines, "\n    "))
}
