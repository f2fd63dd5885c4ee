package diagnose

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/text/unicode/norm"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A finding is a diagnostic before its source line is looked up.
type finding struct {
	rule    *config.Rule
	summary string
	detail  string
	at      hcl.Range
}

// Findings are what was found wrong with the files of one configuration.
type Findings struct {
	list     []finding
	gathered map[string]*gathering
	failed   bool
	errors   int
	excerpts excerpts
	secrets  opaque.Scrubber
}

// NewFindings begins a list. Excerpts come from source, which gives a file with the
// parts of it that may be secret.
func NewFindings(source func(file string) (text []byte, masks []Span, ok bool)) *Findings {
	return &Findings{gathered: map[string]*gathering{}, excerpts: excerpts{source, map[string]*lined{}}}
}

// Report says that a rule was broken, with what to do, in sentences.
func (f *Findings) Report(r *config.Rule, at hcl.Range, format string, args ...any) {
	f.Say(r, r.Summary, fmt.Sprintf(format, args...), at)
}

// Say does what Report does, with another summary than the rule's own.
func (f *Findings) Say(r *config.Rule, summary, detail string, at hcl.Range) {
	f.list = append(f.list, finding{r, summary, detail, at})
	if r.Gravity == config.Error {
		f.failed = true
		f.errors++
	}
}

// Failed reports whether an error was found.
func (f *Findings) Failed() bool { return f.failed }

// Errors returns how many errors were found so far, without those that are gathered. It
// is asked twice for each check, so it does not walk the list.
func (f *Findings) Errors() int { return f.errors }

// Drop takes back what was found under some rules.
func (f *Findings) Drop(which func(*config.Rule) bool) {
	f.list = slices.DeleteFunc(f.list, func(found finding) bool { return which(found.rule) })
	maps.DeleteFunc(f.gathered, func(_ string, g *gathering) bool { return which(g.rule) })
}

// A gathering is one finding about many places.
type gathering struct {
	finding
	more int
}

// Gather reports what is the same in many places once, at the first of them.
// The text is what would be said of each.
func (f *Findings) Gather(r *config.Rule, at hcl.Range, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	key := r.ID + "\x00" + text
	g := f.gathered[key]
	if g == nil {
		f.gathered[key] = &gathering{finding: finding{r, r.Summary, text, at}}
		f.failed = f.failed || r.Gravity == config.Error
		return
	}
	g.more++
	if Position(at).Before(Position(g.at)) < 0 {
		g.at = at
	}
}

func (f *Findings) reportGathered() {
	for _, g := range f.gathered {
		switch {
		case g.more == 1:
			g.detail += " The same in one more place."
		case g.more > 1:
			g.detail += fmt.Sprintf(" The same in %d more places.", g.more)
		}
		f.list = append(f.list, g.finding)
	}
	clear(f.gathered)
}

// FirstAt returns the other place of two, as file:line:column.
func FirstAt(at hcl.Range) string {
	return config.Pos{File: at.Filename, Line: int32(at.Start.Line), Column: int32(at.Start.Column)}.String()
}

// Diagnostics returns the findings in the order of the files, without doubles and
// without secrets.
func (f *Findings) Diagnostics() []config.Diagnostic {
	// Only now is it known how many places there are.
	f.reportGathered()
	diags := make([]config.Diagnostic, 0, len(f.list))
	for _, found := range f.list {
		excerpt, mark := f.excerpts.lineAt(found.at)
		d := config.Diagnostic{
			Gravity: found.rule.Gravity, Rule: found.rule.ID, Summary: found.summary, Detail: found.detail,
			Pos: Position(found.at), Excerpt: excerpt, Mark: mark,
		}
		// Last, when all secrets are known: one may be read after a text was made that
		// holds it.
		scrubDiagnostic(&d, &f.secrets)
		diags = append(diags, d)
	}
	config.SortDiagnostics(diags)
	return slices.CompactFunc(diags, func(a, b config.Diagnostic) bool {
		return a.Rule == b.Rule && a.Pos == b.Pos && cmp.Compare(a.Detail, b.Detail) == 0
	})
}

// Position returns the beginning of a range in the words of the configuration.
func Position(r hcl.Range) config.Pos {
	return config.Pos{File: r.Filename, Line: int32(r.Start.Line), Column: int32(r.Start.Column)}
}

// printable returns a text without the control characters of a file, which must not
// reach a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || !isControl(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// KeepSecret remembers a secret, so that no diagnostic can hold it: as it is, and as
// it looks between quotes.
func (f *Findings) KeepSecret(text string) {
	forms := []string{text, strings.TrimSpace(text), norm.NFC.String(text), base64.StdEncoding.EncodeToString([]byte(text))}
	// An excerpt is one line, and may hold one of a key.
	for line := range strings.Lines(text) {
		forms = append(forms, strings.TrimSpace(line))
	}
	for _, form := range forms {
		if len(form) >= opaque.Shortest { // fewer are in many words by chance
			escaped := Quoted(form)
			f.secrets.Add(form, escaped[1:len(escaped)-1])
		}
	}
}

// LongestFirst compares texts by their lengths, for a sort: one may be a part of
// another.
func LongestFirst(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }

// scrubDiagnostic takes the secrets out of what will be seen. The underline goes when it
// would no longer be true.
func scrubDiagnostic(d *config.Diagnostic, secrets *opaque.Scrubber) {
	d.Summary = printable(secrets.Scrub(d.Summary))
	d.Detail = printable(secrets.Scrub(d.Detail))
	if clean := secrets.Scrub(d.Excerpt); clean != d.Excerpt {
		d.Excerpt, d.Mark = clean, [2]int{} // it counted runes of the line as it was
	}
}
