package hclfile

import (
	"fmt"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// mostNodes is how many nodes can probe one check.
const mostNodes = 64

// nodeCount is a number of nodes. Without a cluster it would mean nothing.
var nodeCount = inCluster(integer(1, mostNodes))

// locations are some of those of the nodes.
var locations = inCluster(kind{name: "list of locations", read: func(r *reading) (value, bool) {
	list, ok := readEach(r, readLocation, func(inner *reading, text string) string { return diagnose.Capital(inner.show(text)) })
	if ok && len(list) == 0 {
		return r.wrong(ruleEmpty, "locations is empty, so no node would probe. Remove it to have nodes in all locations probe.")
	}
	return value{list: list}, ok
}})

func readLocation(r *reading) (string, bool) {
	v, ok := readText(r)
	known := r.l.config.Cluster.Locations()
	if !ok || slices.Contains(known, v.text) || r.l.nodesUnsure {
		return v.text, ok
	}
	near := ""
	if r.shown() {
		near = diagnose.DidYouMean(v.text, known, diagnose.Quoted, "There is")
	}
	_, ok = r.wrong(ruleLocation, "%s is the location of no node.%s", diagnose.Capital(r.show(v.text)), near)
	return v.text, ok
}

// inCluster returns a kind for a value that has a meaning only where there is a cluster. In what is
// salvaged it has none: a machine that has lost its cluster block probes all.
func inCluster(k kind) kind {
	read := k.read
	k.read = func(r *reading) (value, bool) {
		if !r.l.hasCluster() {
			r.l.Gather(ruleNoCluster, r.expr.Range(), "%s is for checks that several nodes probe, and there is no cluster block. Remove it.", r.attr.name)
			return value{}, r.l.salvaging
		}
		return read(r)
	}
	return k
}

// quorumAttributes are the places to point at when they do not go together.
var quorumAttributes = []string{"agree", "nodes", "locations"}

// checkQuorum reports whether as many nodes as a check wants can probe it, and as many can agree.
// written is what was said of it, without the defaults.
func (l *loader) checkQuorum(c combination, written config.Quorum) bool {
	cluster, q := l.config.Cluster, c.Quorum
	if cluster == nil || l.nodesUnsure || len(cluster.Nodes) == 0 || !c.usable(quorumAttributes...) {
		return true // what is wrong has been reported
	}
	offered := cluster.NodesFor(q)
	switch {
	case written.Nodes > offered:
		wanted := complaint{fmt.Sprintf("nodes = %d", written.Nodes), "This number of nodes"}.says(c.shown("nodes"))
		c.blame(ruleTooFewNodes, []string{"nodes", "locations"}, "%s can never come about, since there %s. Write nodes = %d, or more %s.", wanted, isThere(offered, q), offered, moreOf(q))
	case q.Agree > q.Nodes && written.Nodes == 0:
		c.blame(ruleAgree, []string{"agree", "locations"}, "%s can never come about: %s probe this check as long as nodes is not written, and there %s. Write %s.", wantedAgree(c), diagnose.Plural(q.Nodes, "node"), isThere(offered, q), fewerOrMore(c, offered))
	case q.Agree > q.Nodes && c.inheritsAlone("nodes", "agree"):
		c.blame(ruleAgree, []string{"agree", "nodes"}, "%s can never come about, nodes = %d is inherited from %s; write agree = %[2]d, or more nodes.", wantedAgree(c), q.Nodes, c.lineOf("nodes", "agree"))
	case q.Agree > q.Nodes:
		probing := complaint{fmt.Sprintf(" with nodes = %d", q.Nodes), ", since it is more than nodes"}.says(c.shown("nodes"))
		fewer := complaint{fmt.Sprintf("agree = %d", q.Nodes), "a smaller agree"}.says(c.shown("nodes"))
		c.blame(ruleAgree, []string{"agree", "nodes"}, "%s can never come about%s. Write %s, or more nodes.", wantedAgree(c), probing, fewer)
	default:
		return true
	}
	return false
}

// inheritsAlone reports whether the check inherits the first attribute, and has the second one itself. The first must
// be one whose place in the files may be shown.
func (c combination) inheritsAlone(inherited, own string) bool {
	from, written := c.from.of(inherited)
	here, writtenHere := c.from.of(own)
	return written && writtenHere && from.level != c.here && here.level == c.here && c.shown(inherited)
}

// lineOf returns where an attribute is written, seen from another one: "line 12", or "line 12 of b.hcl".
func (c combination) lineOf(name, seenFrom string) string {
	o, _ := c.from.of(name)
	from, _ := c.from.of(seenFrom)
	at := o.expr.Range()
	text := fmt.Sprintf("line %d", at.Start.Line)
	if at.Filename != from.expr.Range().Filename {
		text += " of " + at.Filename
	}
	return text
}

func wantedAgree(c combination) string {
	return complaint{fmt.Sprintf("agree = %d", c.Quorum.Agree), "This agree"}.says(c.shown("agree"))
}

// fewerOrMore returns what makes it possible that as many nodes agree.
func fewerOrMore(c combination, offered int) string {
	q := c.Quorum
	if q.Agree <= offered && c.shown("agree") {
		return fmt.Sprintf("nodes = %d, or agree = %d", q.Agree, q.Nodes)
	}
	return fmt.Sprintf("agree = %d", q.Nodes)
}

// isThere returns how many nodes there are, and where, as a part of a sentence.
func isThere(n int, q config.Quorum) string {
	text := "are " + diagnose.Plural(n, "node")
	if n == 1 {
		text = "is 1 node"
	}
	if len(q.Locations) == 0 {
		return text
	}
	return text + " in its locations"
}

// moreOf returns what has to be more so that there are more nodes.
func moreOf(q config.Quorum) string {
	if len(q.Locations) == 0 {
		return "node blocks"
	}
	return "locations"
}
