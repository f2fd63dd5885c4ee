package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// findTroubles lists what can be wrong with the nodes and with what they see, and what is.
func (d *decider) findTroubles(summary agree.Summary, now time.Time) (list []trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, node := range d.Node.cfg.Cluster.SortedNodes() {
		h := d.hearing.nodes[node.ID]
		live := h != nil && d.hearing.live(node.ID, now)
		if node.ID != d.Node.Node {
			list = append(list, d.silence(node.ID, h, now))
		}
		for _, t := range d.aboutNode(node, h, summary, now) {
			t.name += tracker.Trouble(node.ID)
			t.unknown = t.unknown || !live // what a silent node would say
			list = append(list, t)
		}
	}
	return append(list, unseen(summary), d.lostRecords(now), d.shrunk.trouble(d.Node.Node, now),
		d.missingServers(), d.endingCertificates())
}

// silence says whether a node is silent.
func (d *decider) silence(node config.NodeID, h *heard, now time.Time) trouble {
	t := trouble{name: silentTrouble + tracker.Trouble(node)}
	last, words := d.hearing.began, "since at least"
	if h != nil {
		last, words = h.at, "since"
	}
	silent := now.Sub(last)
	switch {
	case silent >= silentTime:
		t.wrong = fmt.Sprintf("%s is silent %s %s. Check whether imapvigil runs there and reaches the servers of the bus.",
			node, words, d.Wall().Add(-silent).UTC().Format("2006-01-02 15:04:05 MST"))
	case h == nil || silent >= silentAfter:
		t.unknown = true
	}
	return t
}

// aboutNode lists what a node says of itself, and what is seen of it. The names of the troubles lack
// that of the node.
func (d *decider) aboutNode(node *config.Node, h *heard, summary agree.Summary, now time.Time) []trouble {
	if h == nil {
		h = &heard{}
	}
	var seen agree.NodeSummary
	for _, s := range summary.Nodes {
		if s.Node == string(node.ID) {
			seen = s
		}
	}
	list := []trouble{
		{name: faultTrouble, after: faultTime},
		{name: filesTrouble, after: filesTime},
		{name: clockTrouble, after: faultTime},
		{name: copyTrouble, after: faultTime},
		{name: reportTrouble},
		// Of the decider itself the incident about messages tells.
		{name: unsentTrouble, wrong: unsentSentence(node.ID, h.Unsent, d.Wall()), unknown: node.ID == d.Node.Node},
	}
	if seen.Suspect {
		list[0].wrong = fmt.Sprintf("%s itself is at fault. It cannot connect to %d of %d checks that other nodes find "+
			"well. Such failures do not count from there.",
			node.ID, seen.Record.Unreachable, seen.Record.WellElsewhere)
	}
	if h.Digest != d.Node.cfg.CommonDigest || seen.Different > 0 {
		list[1].wrong = fmt.Sprintf("%s runs other files than %s, which decides. Distribute the same files to all nodes.",
			node.ID, d.Node.Node)
		if seen.Different > 0 {
			list[1].wrong += fmt.Sprintf(" What it sees of %s with other settings does not count.",
				plural(seen.Different, "check"))
		}
	}
	list[2].wrong = d.clockSentence(node, h.ahead, now)
	if h.Copy != "" {
		list[3].wrong = fmt.Sprintf("The copy of the shared journal on %s is not good: %s. That node is the last to take "+
			"over.", node.ID, h.Copy)
		if node.ID == d.Node.Node {
			list[3].wrong = fmt.Sprintf("The copy of the shared journal on %s, which decides, is not good: %s. It goes on: "+
				"the servers of the bus have what it decides.", node.ID, h.Copy)
		}
	}
	// A node that may decide tells people itself.
	if !node.Decide && len(h.Troubles) > 0 {
		list[4].wrong = fmt.Sprintf("%s reports: %s", node.ID, strings.Join(h.Troubles, " "))
	}
	return list
}

// clockSentence says that the clock of a node differs from the one that counts; empty: it does not.
func (d *decider) clockSentence(node *config.Node, ahead time.Duration, now time.Time) string {
	counts := d.hearing.trueClock(d.Node.cfg.Cluster.Nodes, now)
	off := (ahead - counts).Round(time.Second / 10)
	if off.Abs() <= clockTolerance {
		return ""
	}
	than := "that of " + string(d.Node.Node) + ", which decides"
	if counts.Abs() > clockTolerance || node.ID == d.Node.Node {
		than = "those of the other nodes"
	}
	text := fmt.Sprintf("The clock of %s is %s %s %s.", node.ID, config.FormatDuration(off.Abs()),
		map[bool]string{true: "ahead of", false: "behind"}[off > 0], than)
	if node.Decide {
		text += fmt.Sprintf(" Until it is right, %s does not decide while another node can.", node.ID)
	}
	return text
}

// unseen says whether there are checks on which no node reports.
func unseen(summary agree.Summary) trouble {
	t := trouble{name: unseenTrouble, after: unseenTime}
	if summary.Unreported == 0 {
		return t
	}
	var names []string
	for _, id := range summary.Examples {
		names = append(names, string(id))
	}
	more := ""
	if summary.Unreported > len(names) {
		more = fmt.Sprintf(" and %d more", summary.Unreported-len(names))
	}
	t.wrong = fmt.Sprintf("No node reports on %s: %s%s. Whether they work is not known.",
		plural(summary.Unreported, "check"), strings.Join(names, ", "), more)
	return t
}

// lostRecords says whether the journal lost records a while ago.
func (d *decider) lostRecords(now time.Time) trouble {
	t := trouble{name: journalTrouble}
	if !d.rebased.IsZero() && now.Sub(d.rebased) < mendedFor {
		t.wrong = fmt.Sprintf("The shared journal had lost records. At %s it was written again from the copy of the node "+
			"that had most of them. Messages may be sent twice. Check the disks of the servers of the bus.",
			d.rebased.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	return t
}

// A shrinking is that a node decides with files that lack most checks of the decider before it.
type shrinking struct {
	was, is int
	at      time.Time // it began; zero: there was none, or it was long ago
}

// noteTakeOver notes with how many checks a node begins to decide.
func (s *shrinking) noteTakeOver(was, is int, lacksMost bool, now time.Time) {
	if lacksMost {
		*s = shrinking{was, is, now}
	}
}

// trouble says that a node decides with few checks, for a while.
func (s shrinking) trouble(node config.NodeID, now time.Time) trouble {
	t := trouble{name: shrunkTrouble}
	if !s.at.IsZero() && now.Sub(s.at) < mendedFor {
		t.wrong = fmt.Sprintf("%s decides with files that have %s, where the node that decided before had %d. No node with "+
			"as many was heard for %s. If that is not meant, distribute the right files to all nodes.",
			node, plural(s.is, "check"), s.was, config.FormatDuration(shrinkAfter))
	}
	return t
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
