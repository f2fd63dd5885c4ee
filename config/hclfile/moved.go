package hclfile

import (
	"fmt"
	"regexp"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// written is a moved block with its places.
type written struct {
	config.Move
	fromAt, toAt hcl.Range
	shown        bool // a message may repeat the ids
}

var movedTable = table[written]{
	newRow("from", checkID, "", "The id that the check had",
		func(m *written, v value) { m.From, m.fromAt = config.CheckID(v.text), v.at }, required),
	newRow("to", checkID, "", "The id that it has now",
		func(m *written, v value) { m.To, m.toAt = config.CheckID(v.text), v.at }, required),
}

var checkIDPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$`)

// checkID is the id of a check as a text, since the check it had is gone; a
// reference is taken too.
var checkID = kind{name: "check id", read: func(r *reading) (value, bool) {
	if found, ok := asRef(r.v); ok && found.root == "imap_check" {
		return value{text: found.id}, true
	}
	if r.v.IsNull() || r.v.Type() != cty.String || !checkIDPattern.MatchString(r.v.AsString()) {
		return r.wrong(ruleReference, "%s must be the id of a check, like \"mx1/imaps\".", r.attr.name)
	}
	return value{text: r.v.AsString()}, true
}}

// defineMoves reads what was renamed. A check may be renamed again: a to b and
// b to c is a to c and b to c.
func (l *loader) defineMoves() {
	var moves []written
	first := map[config.CheckID]written{}
	for _, b := range l.moved {
		m := written{Move: config.Move{Pos: diagnose.Position(header(b))}}
		content := l.content(b, movedBlock, "moved block")
		m.shown = literals(content.Attributes, "from", "to")
		if !decode(l, movedTable, content, &m) || !l.checkMove(&m, first) {
			continue
		}
		first[m.From] = m
		moves = append(moves, m)
	}
	for _, m := range moves {
		// A state that is two renames old finds its check as well.
		if to, ok := l.lastName(m, first); ok {
			m.To = to
			l.config.Moved = append(l.config.Moved, m.Move)
		}
	}
}

func (l *loader) checkMove(m *written, first map[config.CheckID]written) bool {
	other, twice := first[m.From]
	switch {
	case m.From == m.To:
		l.Report(ruleMoved, m.toAt, "from and to must not be the same check.")
	case twice:
		wrong := complaint{fmt.Sprintf("%q is already moved to %q, at %s.", m.From, other.To, diagnose.FirstAt(other.fromAt)), fmt.Sprintf("This check is already moved, at %s.", diagnose.FirstAt(other.fromAt))}
		l.Report(ruleMoved, m.fromAt, "%s", wrong.says(m.shown && other.shown))
	case l.checks[m.From] != nil:
		l.Report(ruleMoved, m.fromAt, "There still is a check %q, at %s. from must be a check that no longer exists.", m.From, diagnose.FirstAt(header(l.checks[m.From].block)))
	default:
		return true
	}
	return false
}

// lastName follows renames to the name that a check has today.
func (l *loader) lastName(m written, moves map[config.CheckID]written) (config.CheckID, bool) {
	to := m.To
	for range moves { // as many steps as there are moves, so that a circle ends
		next, ok := moves[to]
		if !ok {
			break
		}
		to = next.To
	}
	if l.checks[to] == nil {
		wrong := complaint{l.unknownReference("imap_check", []string{string(to)}), "No imap_check has this id."}
		l.Report(ruleUnknownReference, m.toAt, "%s", wrong.says(m.shown && (to == m.To || moves[m.To].shown)))
		return "", false
	}
	return to, true
}
