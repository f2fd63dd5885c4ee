package agree

import "time"

// A Summary is what is wrong with the nodes as far as their sights tell.
type Summary struct {
	Checks     int           // that are probed
	Unreported int           // checks on which no node reports
	Examples   []string      // a few of them, by name
	Nodes      []NodeSummary // by name
	Ask        []string      // nodes that are to say what they last saw: see [Packer.All]
}

// A NodeSummary is what is known of one node.
type NodeSummary struct {
	Member
	Checks    int // that it is to probe
	Reporting int // of these it reports on so many,
	Blind     int // could not judge so many,
	Different int // and probes so many with other settings
	Record    Record
}

// Sweep looks at all checks, and has those decided on whose nodes have fallen silent. It is called about
// once a second.
func (b *Board) Sweep(now time.Time) Summary {
	s := Summary{Checks: len(b.checks)}
	_ = now
	return s
}
