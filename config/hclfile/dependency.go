package hclfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

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
	w.l.report(ruleDependencyCycle, header(w.l.checks[least.Check].block), "%s. While all of them are down, nobody would be told of any.", text)
}
