package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/rivo/uniseg"
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
	_ = config.Print(w, config.GatherWarnings(diags), p.usesColour(w))
}

// A screen is what people read on.
type screen struct {
	width  int  // in columns
	height int  // in lines; 0: it has no end
	colour bool // states have colours
	moves  bool // the cursor can be moved
}

// screenOf returns what is known of the screen behind w. What is no terminal has 80
// columns and no colours; NO_COLOR and TERM=dumb speak against colours, too.
func (p *program) screenOf(w io.Writer) screen {
	if p.screen != nil {
		return *p.screen
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{width: screenWidth}
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = screenWidth // a serial line does not say
	}
	return screen{width: width, height: height, colour: !p.noColour, moves: err == nil && height > 0 && !p.dumb}
}

// usesColour reports whether colours are shown on w.
func (p *program) usesColour(w io.Writer) bool { return p.screenOf(w).colour }

// ansi are the colours of states. All can be read on black and on white, which green,
// yellow, cyan, blue and grey cannot on many terminals. What is well has none.
var ansi = map[string]string{
	"down": "1;31", "failing": "1;35", "degraded": "1;35", "recovering": "1", "unknown": "1",
}

// paint colours a word as its state, where colours are shown.
func (p *program) paint(state, text string) string { return p.screenOf(p.out).paint(state, text) }

// paint colours a word as its state, where colours are shown.
func (s screen) paint(state, text string) string {
	code, ok := ansi[state]
	if !ok || !s.colour {
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

// fold breaks text into lines that fit the screen, indented alike; see foldTo.
func (p *program) fold(indent, text string) string {
	return foldTo(p.screenOf(p.out).width, indent, text)
}

// fold breaks text into lines of at most 80 columns, indented alike; see foldTo.
func fold(indent, text string) string { return foldTo(screenWidth, indent, text) }

// foldTo breaks text into lines of at most width columns, indented alike. A word that is
// longer, as servers send them, is broken too.
func foldTo(width int, indent, text string) string {
	room := max(1, width-config.Columns(indent))
	var words []string
	for _, word := range strings.Fields(text) {
		words = append(words, breakWord(word, room)...)
	}
	if len(words) == 0 {
		return ""
	}
	lines := config.Wrap(strings.Join(words, " "), uint(room))
	return indent + strings.ReplaceAll(lines, "\n", "\n"+indent)
}

// breakWord breaks a word into parts of at most so many columns; what people see as one
// character stays whole.
func breakWord(word string, room int) (parts []string) {
	part, column := "", 0
	for rest, state := word, -1; rest != ""; {
		var character string
		var wide int
		character, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if column+wide > room && part != "" {
			parts, part, column = append(parts, part), "", 0
		}
		part, column = part+character, column+wide
	}
	return append(parts, part)
}
