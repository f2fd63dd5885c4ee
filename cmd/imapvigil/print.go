package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// printJSON writes one indented object.
func (p *program) printJSON(value any) error {
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	// Servers' words and addresses keep their < and &.
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// printDiagnostics prints diagnostics for people.
func (p *program) printDiagnostics(w io.Writer, diags []config.Diagnostic) {
	_ = config.Print(w, diags, p.usesColour(w))
}

// usesColour reports whether colours are shown on w: it is a terminal, and neither
// NO_COLOR nor TERM=dumb speaks against them.
func (p *program) usesColour(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && !p.noColour && term.IsTerminal(int(f.Fd()))
}

// The colours of states.
var ansi = map[string]string{
	"ok": "32", "down": "1;31", "failing": "33", "degraded": "33", "recovering": "36", "unknown": "35", "paused": "90",
}

// paint colours a word as its state, where colours are shown.
func (p *program) paint(state, text string) string {
	code, ok := ansi[state]
	if !ok || !p.usesColour(p.out) {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *program) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

// timeAgo returns how long ago a time was, in words; nil: "never".
func timeAgo(t *time.Time, now time.Time) string {
	if t == nil {
		return "never"
	}
	return notifiers.Duration(now.Sub(*t)) + " ago"
}

// screenWidth is how wide what people read may be.
const screenWidth = 80

// fold breaks text into lines of at most 80 columns, indented alike. A word
// that is longer, as servers send them, is broken too.
func fold(indent, text string) string {
	room := screenWidth - len(indent)
	var words []string
	for _, word := range strings.Fields(text) {
		rest := []rune(word)
		for ; len(rest) > room; rest = rest[room:] {
			words = append(words, string(rest[:room]))
		}
		words = append(words, string(rest))
	}
	if len(words) == 0 {
		return ""
	}
	lines := config.Wrap(strings.Join(words, " "), uint(room))
	return indent + strings.ReplaceAll(lines, "\n", "\n"+indent)
}
