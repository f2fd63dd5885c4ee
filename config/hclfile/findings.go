package hclfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
)

// A finding is a diagnostic before its source line is looked up.
type finding struct {
	rule    *rule
	summary string
	detail  string
	at      hcl.Range
}

// report says that a rule was broken. detail is what to do, in sentences.
func (l *loader) report(r *rule, at hcl.Range, format string, args ...any) {
	l.findings = append(l.findings, finding{r, r.Summary, fmt.Sprintf(format, args...), at})
	if r.Gravity == config.Error {
		l.failed = true
	}
}

// A gathering is one finding about many places.
type gathering struct {
	finding
	more int
}

// gather reports what is the same in many places once, at the first of them.
// The text is what would be said of each.
func (l *loader) gather(r *rule, at hcl.Range, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	key := r.ID + "\x00" + text
	g := l.gathered[key]
	if g == nil {
		l.gathered[key] = &gathering{finding: finding{r, r.Summary, text, at}}
		l.failed = l.failed || r.Gravity == config.Error
		return
	}
	g.more++
	if position(at).Before(position(g.at)) < 0 {
		g.at = at
	}
}

func (l *loader) reportGathered() {
	for _, g := range l.gathered {
		switch {
		case g.more == 1:
			g.detail += " The same in one more place."
		case g.more > 1:
			g.detail += fmt.Sprintf(" The same in %d more places.", g.more)
		}
		l.findings = append(l.findings, g.finding)
	}
}

// notInEffect warns of a block that this version only reads.
func (l *loader) notInEffect(b *blockType, written *hcl.Block) {
	if b.notYet {
		l.gather(ruleNotYet, header(written), "The block %s is read and checked, but this version does not act on it.", b.name)
	}
}

// firstAt names the other place of two.
func firstAt(at hcl.Range) string {
	return config.Pos{File: at.Filename, Line: at.Start.Line, Column: at.Start.Column}.String()
}

// diagnostics are the findings in the order of the files, without doubles and
// without secrets.
func (l *loader) diagnostics() []config.Diagnostic {
	diags := make([]config.Diagnostic, 0, len(l.findings))
	for _, f := range l.findings {
		excerpt, mark := l.excerpts.of(f.at)
		d := config.Diagnostic{
			Gravity: f.rule.Gravity, Rule: f.rule.ID, Summary: f.summary, Detail: f.detail,
			Pos: position(f.at), Excerpt: excerpt, Mark: mark,
		}
		scrub(&d, &l.secrets)
		diags = append(diags, d)
	}
	config.SortDiagnostics(diags)
	return slices.CompactFunc(diags, func(a, b config.Diagnostic) bool {
		return a.Rule == b.Rule && a.Pos == b.Pos && cmp.Compare(a.Detail, b.Detail) == 0
	})
}

func position(r hcl.Range) config.Pos {
	return config.Pos{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// printable keeps control characters of a file from reaching a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || !isControl(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}
