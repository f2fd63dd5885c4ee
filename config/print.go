package config

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

const (
	screenWidth = 80
	tabWidth    = 4
	// verbatim begins a line of a Detail that is to be copied as it is.
	verbatim = "    "
)

// Print writes diagnostics for people: what is wrong, where, the source line
// with the place underlined, and what to do about it. Text fits 80 columns;
// source lines are as long as they are. color adds ANSI colours.
func Print(w io.Writer, diags []Diagnostic, color bool) error {
	out := bufio.NewWriter(w)
	for i, d := range diags {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printOne(out, d, newPalette(color, d.Gravity))
	}
	return out.Flush()
}

// SortDiagnostics puts diagnostics in the order of the files, errors first
// where two speak of one place.
func SortDiagnostics(diags []Diagnostic) {
	slices.SortStableFunc(diags, func(a, b Diagnostic) int {
		return cmp.Or(a.Pos.Before(b.Pos), cmp.Compare(a.Gravity, b.Gravity), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
}

type palette struct{ word, faint, off string }

func newPalette(color bool, g Gravity) palette {
	if !color {
		return palette{}
	}
	p := palette{word: "\x1b[1;31m", faint: "\x1b[2m", off: "\x1b[0m"}
	if g == Warning {
		p.word = "\x1b[1;35m" // legible on black and on white, which yellow is not
	}
	return p
}

func printOne(out *bufio.Writer, d Diagnostic, p palette) {
	word := "Error"
	if d.Gravity == Warning {
		word = "Warning"
	}
	fmt.Fprintf(out, "%s%s:%s %s\n", p.word, word, p.off, d.Summary)
	switch {
	case d.Pos.Line > 0:
		fmt.Fprintf(out, "  on %s:\n", d.Pos)
	case d.Pos.File != "":
		fmt.Fprintf(out, "  in %s\n", d.Pos)
	}
	if d.Excerpt != "" {
		printExcerpt(out, d, p)
	}
	for line := range strings.Lines(d.Detail) {
		line = strings.TrimRight(line, "\n")
		if !strings.HasPrefix(line, verbatim) {
			// Two columns are taken by the indentation below.
			line = Wrap(line, screenWidth-2)
		}
		fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(line, "\n", "\n  "))
	}
}

// Wrap breaks text into lines of at most width columns, at spaces. A word that is longer,
// such as a path to be copied, has a line of its own.
func Wrap(text string, width uint) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		for column := 0; ; {
			word := strings.TrimLeft(line, " ")
			gap := len(line) - len(word)
			if word == "" {
				break // spaces at the end of a line are left out
			}
			word, line = cutBefore(word, ' ')
			wide := Columns(word)
			if column > 0 && column+gap+wide > int(width) {
				b.WriteByte('\n')
				column, gap = 0, 0
			}
			b.WriteString(strings.Repeat(" ", gap) + word)
			column += gap + wide
		}
	}
	return b.String()
}

// cutBefore cuts text before the first of a character.
func cutBefore(text string, c byte) (before, rest string) {
	if i := strings.IndexByte(text, c); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// Columns returns how many columns of a terminal a text takes: East Asian characters take
// two, combining marks and format characters none (Unicode Standard Annexes 11 and 29).
func Columns(text string) int { return uniseg.StringWidth(text) }

func printExcerpt(out *bufio.Writer, d Diagnostic, p palette) {
	number := strconv.Itoa(int(d.Pos.Line))
	text, from, to := layOut(d.Excerpt, d.Mark)
	fmt.Fprintf(out, "  %s%s |%s %s\n", p.faint, number, p.off, text)
	if to > from {
		fmt.Fprintf(out, "  %s%s |%s %s%s%s%s\n", p.faint, strings.Repeat(" ", len(number)), p.off,
			strings.Repeat(" ", from), p.word, strings.Repeat("^", to-from), p.off)
	}
}

// layOut expands tabs and turns a span of runes into a span of columns, since
// some characters take two columns and some none.
func layOut(excerpt string, mark [2]int) (text string, from, to int) {
	var b strings.Builder
	column, i := 0, 0
	for _, r := range excerpt {
		if i == mark[0] {
			from = column
		}
		if i == mark[1] {
			to = column
		}
		i++
		if r == '\t' {
			step := tabWidth - column%tabWidth
			b.WriteString(strings.Repeat(" ", step))
			column += step
			continue
		}
		b.WriteRune(r)
		column += Columns(string(r))
	}
	// The place may be behind the end of the line, where something is missing.
	if mark[0] >= i {
		from = column
	}
	if mark[1] >= i {
		to = column + max(0, min(1, mark[1]-i))
	}
	return b.String(), from, to
}
