package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const (
	// pulsePause is the pause between two heartbeats, and between two beats.
	pulsePause = 500 * time.Millisecond
	// silentAfter is how long nothing is heard of a node before it counts as silent.
	silentAfter = 2500 * time.Millisecond
	// ownGap is how long a node may not hear itself before it no longer knows that the bus carries:
	// two of its heartbeats may be lost.
	ownGap = 1500 * time.Millisecond
	// deafAfter is how long the decider may not hear itself. It is less than takeOverAfter, so that it
	// stops before another node begins.
	deafAfter = 4 * time.Second
	// takeOverAfter is how long no decider is heard before another node takes over, and turnPause how
	// much longer each waits than the one before it in the list.
	takeOverAfter = 5 * time.Second
	turnPause     = 250 * time.Millisecond
	// shrinkAfter is how long nobody has to decide before a node may whose files lack most of the checks of
	// the last decider: until then one that has them may come back, and each node is alone meanwhile.
	shrinkAfter = 10 * time.Minute
	// rebaseTime is how long a node may take to write the whole state into a journal that has lost records, while
	// others wait: 64 MiB take some seconds.
	rebaseTime = 30 * time.Second
	// clockTolerance is how far clocks may differ.
	clockTolerance = 2 * time.Second
)

// A hearing is what one node hears of the others. It is pure: times are arguments, those of this
// process' monotonic clock.
type hearing struct {
	self  config.NodeID
	began time.Time // this node began to listen
	ran   time.Time // when this process was last seen to run
	woke  time.Time // when it went on after it had not run for a while; zero: it never did
	nodes map[config.NodeID]*heard
	// listed are the nodes that deciders have listed as live: all that a node knows of the others which hears no
	// heartbeats but its own.
	listed map[config.NodeID]*listing

	beat      beat
	beatAt    time.Time // the last beat; zero: none yet
	beatSince time.Time // since when beats are heard without a gap
	// deciderClock is how far the decider's clock was ahead of ours.
	deciderClock time.Duration
	// lost says that the journal has lost records: who holds most of them is the first to take over.
	lost bool
}

// A heard is what is heard of one node.
type heard struct {
	heartbeat
	at    time.Time // the last heartbeat
	since time.Time // since when they are heard without a gap
	ahead time.Duration
	// rebasingSince is since when it says that it writes the whole state; zero: it does not.
	rebasingSince time.Time
}

func newHearing(self config.NodeID, now time.Time) *hearing {
	return &hearing{self: self, began: now, nodes: map[config.NodeID]*heard{}, listed: map[config.NodeID]*listing{}}
}

// A listing is since when a decider lists a node as live, and when it did so last.
type listing struct{ since, at time.Time }

// hearNode takes a heartbeat, which arrives at a time when the clock on our wall shows another.
func (h *hearing) hearNode(hb heartbeat, now, wall time.Time) {
	n, known := h.nodes[hb.Node]
	if !known {
		if len(h.nodes) >= maxNodes {
			return
		}
		n = &heard{since: now}
		h.nodes[hb.Node] = n
	}
	if now.Sub(n.at) > h.gapOf(hb.Node) {
		n.since = now
	}
	switch {
	case !hb.Rebasing:
		n.rebasingSince = time.Time{}
	case n.rebasingSince.IsZero():
		n.rebasingSince = now
	}
	n.heartbeat, n.at, n.ahead = hb, now, hb.Wall.Sub(wall)
}

// gapOf returns after which pause the heartbeats of a node have begun again.
func (h *hearing) gapOf(node config.NodeID) time.Duration {
	if node == h.self {
		return ownGap
	}
	return silentAfter
}

// hearBeat takes a beat, and reports whether it counts: one of a decider that was replaced does not. Place
// is how far the copy of the journal goes.
func (h *hearing) hearBeat(b beat, place uint64, now, wall time.Time) bool {
	// After a while also a lower term counts, of somebody who knows all that this node knows: the journal
	// was made new.
	if b.Term < h.beat.Term && (now.Sub(h.beatAt) < takeOverAfter || b.Last < place) {
		return false
	}
	if h.beatAt.IsZero() || now.Sub(h.beatAt) > silentAfter {
		h.beatSince = now
	}
	h.beat, h.beatAt, h.deciderClock = b, now, b.Wall.Sub(wall)
	h.noteListed(b, now)
	return true
}

// noteListed notes whom a decider lists as live.
func (h *hearing) noteListed(b beat, now time.Time) {
	for _, id := range b.Live {
		l := h.listed[id]
		if l == nil {
			if len(h.listed) >= maxNodes {
				return
			}
			l = &listing{since: now}
			h.listed[id] = l
		}
		if now.Sub(l.at) > silentAfter {
			l.since = now
		}
		l.at = now
	}
}

// live reports whether a node is heard.
func (h *hearing) live(node config.NodeID, now time.Time) bool {
	n, known := h.nodes[node]
	return known && now.Sub(n.at) < silentAfter
}

// hearsItself reports for how long the node has heard itself without a gap; 0: it does not.
func (h *hearing) hearsItself(now time.Time) time.Duration {
	own, known := h.nodes[h.self]
	if !known || now.Sub(own.at) > ownGap {
		return 0
	}
	return now.Sub(own.since)
}

// deafFor returns for how long the node has not heard itself.
func (h *hearing) deafFor(now time.Time) time.Duration {
	if own, known := h.nodes[h.self]; known {
		return now.Sub(own.at)
	}
	return now.Sub(h.began)
}

// decider returns who decides, as far as it is heard; empty: nobody is.
func (h *hearing) decider(now time.Time) config.NodeID {
	if h.beatAt.IsZero() || h.beat.Bye || now.Sub(h.beatAt) >= takeOverAfter {
		return ""
	}
	return h.beat.Node
}

// noteRunning notes that this process runs.
func (h *hearing) noteRunning(now time.Time) {
	if now.Before(h.ran) {
		return // somebody has looked at the clock, and has waited since
	}
	if !h.ran.IsZero() && now.Sub(h.ran) > silentAfter {
		h.woke = now
	}
	h.ran = now
}

// withoutDecider returns for how long nobody was heard who decides. While this process did not run it
// heard nobody, which says nothing of the others.
func (h *hearing) withoutDecider(now time.Time) time.Duration {
	since := h.began
	if !h.beatAt.IsZero() {
		since = h.beatAt
	}
	if since.Before(h.woke) {
		since = h.woke
	}
	return now.Sub(since)
}

// withDecider returns for how long a decider has been heard without a gap; 0: none is.
func (h *hearing) withDecider(now time.Time) time.Duration {
	if h.decider(now) == "" || now.Sub(h.beatAt) > silentAfter {
		return 0
	}
	return now.Sub(h.beatSince)
}

// mayTakeOver reports whether it is the turn of this node to take over: it has heard no decider for
// long enough, while it heard itself without a gap for as long, and all before it in the list of
// candidates have not done it.
func (h *hearing) mayTakeOver(nodes map[config.NodeID]*config.Node, now time.Time) bool {
	list := h.candidates(nodes, now)
	turn := slices.Index(list, h.self)
	if turn < 0 || slices.ContainsFunc(list[:turn], func(id config.NodeID) bool { return h.nodes[id].rebases(now) }) {
		return false
	}
	wait := takeOverAfter
	if h.beat.Bye {
		wait = 0
	}
	wait += time.Duration(turn) * turnPause
	hears := h.hearsItself(now)
	return hears > 0 && hears >= wait && h.withoutDecider(now) >= wait
}

// rebases reports whether the node writes the whole state into the journal. Who appended something meanwhile would cut
// that short, with a state of its own that has less.
func (n *heard) rebases(now time.Time) bool {
	return !n.rebasingSince.IsZero() && now.Sub(n.rebasingSince) < rebaseTime
}

// candidates lists who may take over, in the order in which they do: those with the files in force
// first, those last from which messages did not leave, and after them those with whose copy of the journal
// something is wrong.
func (h *hearing) candidates(nodes map[config.NodeID]*config.Node, now time.Time) (list []config.NodeID) {
	clock := h.trueClock(nodes, now)
	var late []config.NodeID // their clocks differ; better they than nobody
	for id, n := range nodes {
		switch {
		case !n.Decide || !h.live(id, now) || !h.nodes[id].Decides || !h.mayFollowOn(h.nodes[id], now):
		case (h.nodes[id].ahead - clock).Abs() > clockTolerance:
			late = append(late, id)
		default:
			list = append(list, id)
		}
	}
	if len(list) == 0 {
		list = late
	}
	slices.SortFunc(list, func(a, b config.NodeID) int {
		x, y := h.nodes[a], h.nodes[b]
		most := 0
		if h.lost {
			most = cmp.Compare(y.Place, x.Place)
		}
		return cmp.Or(
			most,
			compareBool(x.Copy != "", y.Copy != ""),
			compareBool(h.otherFiles(x), h.otherFiles(y)),
			compareBool(h.lacksMost(x.Checks), h.lacksMost(y.Checks)),
			compareBool(len(x.Unsent) > 0, len(y.Unsent) > 0),
			cmp.Compare(a, b),
		)
	})
	return list
}

// mayFollowOn reports whether a node may decide after the last decider: it understands its records, and its
// files do not lack most of its checks, as in a reload. A cluster that finds nobody else goes on with less: all
// of its nodes read such files, and each has accepted them.
func (h *hearing) mayFollowOn(n *heard, now time.Time) bool {
	if h.beat.Speaks > n.Speaks || n.Speaks == 0 {
		return false
	}
	return !h.otherFiles(n) || !h.lacksMost(n.Checks) || h.withoutDecider(now) >= shrinkAfter
}

// lacksMost reports whether so many checks are none, or less than half of those of the last decider.
func (h *hearing) lacksMost(checks int) bool {
	return h.beat.Checks > 0 && (checks == 0 || h.beat.Checks >= 10 && checks*2 < h.beat.Checks)
}

// begins notes that this node decides in a term. Terms are places in the journal: one that was heard before
// and is higher is of a journal that was made new since, or has lost its end.
func (h *hearing) begins(term uint64) { h.beat.Term = min(h.beat.Term, term) }

// otherFiles reports whether a node has other files than those in force.
func (h *hearing) otherFiles(n *heard) bool { return h.beat.Digest != "" && n.Digest != h.beat.Digest }

// trueClock returns how far ahead of ours the clock is that counts: the one in the middle, where three nodes
// or more are heard; of two nobody can say which is right, and that of the last decider counts.
func (h *hearing) trueClock(nodes map[config.NodeID]*config.Node, now time.Time) time.Duration {
	var all []time.Duration
	for id := range nodes {
		if h.live(id, now) {
			all = append(all, h.nodes[id].ahead)
		}
	}
	switch {
	case len(all) < 3 && !h.beatAt.IsZero():
		return h.deciderClock
	case len(all) == 0:
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// hasWrongClock reports whether the clock of this node is not the one that counts.
func (h *hearing) hasWrongClock(nodes map[config.NodeID]*config.Node, now time.Time) bool {
	own, known := h.nodes[h.self]
	return known && (own.ahead-h.trueClock(nodes, now)).Abs() > clockTolerance
}

// othersMayDecide reports whether a node may decide in place of this one, whose clock is wrong: one with a clock
// that is right, and with a sound copy of the journal.
func (h *hearing) othersMayDecide(nodes map[config.NodeID]*config.Node, now time.Time) bool {
	list := h.candidates(nodes, now)
	// Where this node is among them no clock is right of those that may decide: it would stop for nobody.
	return len(list) > 0 && !slices.Contains(list, h.self) && h.nodes[list[0]].Copy == ""
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
