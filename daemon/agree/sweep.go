package agree

import (
	"math/bits"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Summary says of all checks together how far the nodes report on them.
type Summary struct {
	Checks     int              // that are probed
	Unreported int              // of these, those on which no node reports
	Examples   []config.CheckID // a few of them
	Nodes      []NodeSummary    // by name
	// Ask are the nodes of which something is not known that they know: see [Packer.All].
	Ask []string
}

// A NodeSummary says how far a node reports on its checks.
type NodeSummary struct {
	Member
	Checks    int // that it is to probe
	Reporting int // of these, those on which it reports,
	Blind     int // those that it cannot judge itself,
	Different int // those that it probes with other settings,
	// Record says why it is suspected to be at fault itself, or is not.
	Record Record
}

// examples is how many checks a summary names.
const examples = 3

// askAgain is how long a node has time to say what it last saw.
const askAgain = time.Minute

// Sweep looks at all checks: it finds the nodes that are at fault themselves, and has those checks decided
// on by the next [Board.Decide] for which time alone makes a difference. It is to be called about once
// a second.
func (b *Board) Sweep(now time.Time) Summary {
	b.now = laterOf(b.now, now)
	s := Summary{Checks: len(b.sorted), Nodes: make([]NodeSummary, len(b.nodes))}
	for _, e := range b.sorted {
		if b.isTooEarly(e) {
			for _, node := range e.members {
				s.Nodes[node].Checks++
			}
			continue
		}
		b.sweepCheck(e, &s)
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		b.suspect(uint16(i), Judge(s.Nodes[i].Record, n.Suspect))
		s.Nodes[i].Member = n.Member
		if n.lacking && !n.Silent && (n.asked.IsZero() || b.now.Sub(n.asked) >= askAgain) {
			n.asked, n.lacking = b.now, false
			s.Ask = append(s.Ask, n.Node)
		}
	}
	return s
}

// sweepCheck counts what the nodes of a check see, and has it decided on if time makes a difference.
func (b *Board) sweepCheck(e *entry, s *Summary) {
	b.forgetFormer(e)
	mask, plain := b.simplyWell(e)
	others := false // speak than those on whom it was decided
	if plain {
		e.countWell(mask, s)
	} else {
		o := b.hear(e)
		mask, others = o.reportingMask(), o.speakers() != e.spoke
		b.count(e, o, s)
	}
	switch {
	case others, !plain && e.asking, bits.OnesCount64(mask) < e.agree && bits.OnesCount64(e.reported) >= e.agree:
		b.touch(e)
	}
	if mask != 0 {
		return
	}
	s.Unreported++
	if len(s.Examples) < examples {
		s.Examples = append(s.Examples, e.id)
	}
	if !e.unknown {
		b.touch(e)
	}
}

// simplyWell returns which members report, if all that they say is that the check is well.
func (b *Board) simplyWell(e *entry) (mask uint64, plain bool) {
	now := b.now.Sub(b.began)
	for i, node := range e.members {
		s := e.slot(node)
		switch {
		case b.nodes[node].Silent:
		case s == nil, now-s.started > e.fresh:
			if len(e.slots) > i {
				return 0, false // another one may speak for it
			}
		case s.settings != e.settings, !s.well():
			return 0, false
		default:
			mask |= 1 << (i % 64)
		}
	}
	return mask, true
}

// countWell counts the nodes of a check that see nothing but that it is well.
func (e *entry) countWell(mask uint64, s *Summary) {
	for i, node := range e.members {
		n := &s.Nodes[node]
		n.Checks++
		if mask&(1<<(i%64)) == 0 {
			continue
		}
		n.Reporting++
		if mask&(mask-1) != 0 { // another one does, too
			n.Record.WellElsewhere++
		}
	}
}

// forgetFormer forgets what nodes saw that no longer probe a check, once it is too old.
func (b *Board) forgetFormer(e *entry) {
	if len(e.slots) <= len(e.members) {
		return // it is no burden
	}
	now := b.now.Sub(b.began)
	e.slots = slices.DeleteFunc(e.slots, func(s slot) bool {
		return now-s.started > e.fresh && !slices.Contains(e.members, s.node)
	})
}

// count counts what the nodes of a check see.
func (b *Board) count(e *entry, o *Opinion, s *Summary) {
	records := map[string]Record{}
	Add(records, o)
	for i, node := range e.members {
		n, v := &s.Nodes[node], &o.Voices[i]
		n.Checks++
		if v.Node != b.nodes[node].Node {
			continue // another one speaks for it
		}
		r := records[v.Node]
		n.Record.WellElsewhere += r.WellElsewhere
		n.Record.Unreachable += r.Unreachable
		switch v.Standing {
		case Well, Failing, Outvoted:
			n.Reporting++
		case Blind:
			n.Blind++
		case Different:
			n.Different++
		case Silent, Asked:
		}
	}
}

// suspect notes whether a node is at fault itself. Its checks are decided on if that is news.
func (b *Board) suspect(node uint16, suspected bool) {
	if b.nodes[node].Suspect == suspected {
		return
	}
	b.nodes[node].Suspect = suspected
	for _, e := range b.sorted {
		if s := e.slot(node); s != nil && !s.well() {
			b.touch(e)
		}
	}
}
