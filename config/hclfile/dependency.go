package hclfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
)

// checkDependencies refuses checks that wait for each other: while all of them
// are down, nobody would be told of any. A check depends on what it names and
// on what its server names; a server is down when its checks are.
func (l *loader) checkDependencies() {
	w := dependencyWalk{l: l, state: map[config.Ref]localState{}, members: map[config.ServerID][]config.Ref{}}
	ids := slices.Sorted(maps.Keys(l.config.Checks))
	for _, id := range ids {
		if server := l.config.Checks[id].Server; server != "" {
			w.members[server] = append(w.members[server], config.Ref{Check: id})
		}
	}
	for _, id := range ids {
		w.visit(config.Ref{Check: id}, nil)
	}
}

type dependencyWalk struct {
	l       *loader
	state   map[config.Ref]localState
	members map[config.ServerID][]config.Ref
}

func (w *dependencyWalk) visit(r config.Ref, path []config.Ref) {
	switch w.state[r] {
	case done:
		return
	case underWay:
		// Only the circle, without the way that led into it.
		w.report(append(path[slices.Index(path, r):], r))
		return
	}
	w.state[r] = underWay
	for _, next := range w.next(r) {
		w.visit(next, append(path, r))
	}
	w.state[r] = done
}

func (w *dependencyWalk) next(r config.Ref) []config.Ref {
	if r.Server != "" {
		// A server is down when its checks are, so they stand for it.
		return w.members[r.Server]
	}
	c := w.l.config.Checks[r.Check]
	if c == nil {
		return nil
	}
	next := c.DependsOn
	if s := w.l.config.Servers[c.Server]; s != nil {
		next = slices.Concat(next, s.DependsOn)
	}
	return next
}

// longCircle is how many of a circle are named at most.
const longCircle = 50

// report names all of a circle, once, beginning with its first check.
func (w *dependencyWalk) report(circle []config.Ref) {
	steps := circle[:len(circle)-1]
	// A circle has no beginning: the same one is named each time, a check before a server.
	least := slices.MinFunc(steps, func(a, b config.Ref) int {
		return cmp.Or(cmp.Compare(b.Check, "")-cmp.Compare(a.Check, ""), cmp.Compare(a.String(), b.String()))
	})
	i := slices.Index(steps, least)
	text, verb := least.String(), " depends on "
	others := append(slices.Concat(steps[i+1:], steps[:i]), least)
	for n, r := range others {
		if more := len(others) - longCircle; more > 0 && n == longCircle-1 {
			text += fmt.Sprintf("%s%s, which leads by %d more to %s", verb, r, more, least)
			break
		}
		text += verb + r.String()
		verb = ", which depends on "
		if r.Server != "" {
			verb = ", which has "
		}
	}
	at := w.l.dependencyAt(least, others[0])
	if len(others) == 1 {
		w.l.Report(ruleDependencyCycle, at, "%s depends on itself. While it is down, nobody would be notified. Remove it here.", least)
		return
	}
	w.l.Report(ruleDependencyCycle, at, "%s. While all of them are down, nobody would be notified.", text)
}

// dependencyAt returns where it is written that a check depends on something: the
// reference in its own depends_on, in one that it inherits, or in its server's.
func (l *loader) dependencyAt(check, on config.Ref) hcl.Range {
	node := l.checks[check.Check]
	expressions := []hcl.Expression{node.dependsOn}
	if server := l.servers[l.config.Checks[check.Check].Server]; server != nil && server.content.Attributes["depends_on"] != nil {
		expressions = append(expressions, server.content.Attributes["depends_on"].Expr)
	}
	for _, expr := range expressions {
		if at, found := l.referenceIn(expr, on); found {
			return at
		}
	}
	return header(node.block)
}

// referenceIn returns the place of a reference in a list; false where it is not found.
func (l *loader) referenceIn(list hcl.Expression, to config.Ref) (hcl.Range, bool) {
	if list == nil {
		return hcl.Range{}, false
	}
	refersTo := func(expr hcl.Expression) bool {
		v, diags := expr.Value(l.contextAt(expr.Range().Filename, l.names))
		if diags.HasErrors() || v.IsNull() || v.IsMarked() {
			return false
		}
		parts := []cty.Value{v}
		if !isReference(v) && v.CanIterateElements() {
			parts = v.AsValueSlice()
		}
		return slices.ContainsFunc(parts, func(part cty.Value) bool {
			found, ok := asRef(part)
			return ok && found.config() == to
		})
	}
	elements, _ := hcl.ExprList(list)
	for _, element := range append(elements, list) { // the whole of it, where it is no list as written
		if refersTo(element) {
			return element.Range(), true
		}
	}
	return hcl.Range{}, false
}
