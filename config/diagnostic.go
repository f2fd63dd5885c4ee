package config

import (
	"cmp"
	"fmt"
	"strings"
)

// A Pos is a place in a configuration file. Lines and columns count from 1;
// columns count characters as a reader sees them (grapheme clusters). Every check has a Pos,
// so the numbers are small.
type Pos struct {
	File         string
	Line, Column int32
}

// IsZero reports whether there is no place to name.
func (p Pos) IsZero() bool { return p == Pos{} }

// String returns file:line:column, as compilers and editors write it.
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Before compares places, for a sort: by file, then line, then column. It is negative
// where p comes before q.
func (p Pos) Before(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Gravity says whether a diagnostic stops a configuration.
type Gravity string

// The gravities of a diagnostic.
const (
	Error   Gravity = "error"
	Warning Gravity = "warning"
)

// A Rule is something that a configuration can break.
type Rule struct {
	ID      string // stable, such as "unknown-attribute"
	Gravity Gravity
	Summary string // one line, no full stop
}

// A Diagnostic is one thing to say about a configuration. It never holds the
// value of a secret.
type Diagnostic struct {
	Gravity Gravity
	Rule    string // the ID of the [Rule] that was broken
	Summary string // that of the rule, or a closer one
	Detail  string // what to do, in sentences; lines that begin with four spaces are to be copied
	Pos     Pos
	// Excerpt is the source line with what may be a secret masked, and Mark
	// the span to underline in it, in runes from 0 (equal: none).
	Excerpt string
	Mark    [2]int
}

// Error makes a Diagnostic usable as an error: one line, without excerpt.
func (d Diagnostic) Error() string {
	text := d.Summary
	if d.Detail != "" {
		// Details have several lines, and an error in a log has one.
		text += "; " + strings.Join(strings.Fields(d.Detail), " ")
	}
	if !d.Pos.IsZero() {
		text = d.Pos.String() + ": " + text
	}
	return text
}

// gatherMoreThan is how many warnings of one rule are shown each by itself.
const gatherMoreThan = 3

// GatherWarnings returns diagnostics for people: many warnings of one rule become the first
// of them, which says how many more there are and where.
func GatherWarnings(diags []Diagnostic) (gathered []Diagnostic) {
	more := map[string][]string{} // the places, by rule
	for _, d := range diags {
		if d.Gravity == Warning {
			more[d.Rule] = append(more[d.Rule], d.Pos.String())
		}
	}
	said := map[string]bool{}
	for _, d := range diags {
		places := more[d.Rule]
		switch {
		case d.Gravity != Warning || d.Rule == "" || len(places) <= gatherMoreThan:
		case said[d.Rule]:
			continue
		default:
			said[d.Rule] = true
			first := strings.Join(places[1:gatherMoreThan], ", ")
			d.Detail += fmt.Sprintf("\n%d more warnings of this kind: %s and %d others; imapvigil validate --json lists them all.", len(places)-1, first, len(places)-gatherMoreThan)
		}
		gathered = append(gathered, d)
	}
	return gathered
}

// HasErrors reports whether any diagnostic stops the configuration.
func HasErrors(diags []Diagnostic) bool {
	for _, d := range diags {
		if d.Gravity == Error {
			return true
		}
	}
	return false
}
