package main

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// What people read fits 80 columns, the help of every command included.
func TestHelpFitsTheScreen(t *testing.T) {
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		var out, errs bytes.Buffer
		if code := run(context.Background(), append(path, "--help"), strings.NewReader(""), &out, &errs); code != 0 {
			t.Errorf("%v --help ends with %d: %s", path, code, errs.String())
		}
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > screenWidth {
				t.Errorf("%v --help is too wide: %s", path, line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub, append(path[:len(path):len(path)], sub.Name()))
		}
	}
	walk((&program{}).root(), nil)
}

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, indent, text, want string }{
		{"short", "  ", "a  b", "  a b"},
		{"empty", "  ", "", ""},
		{"exactly as wide", "  ", strings.Repeat("x", 78), "  " + strings.Repeat("x", 78)},
		{"a word that does not fit the line", "> ", strings.Repeat("x", 70) + " yyyyyyyyy", "> " + strings.Repeat("x", 70) + "\n> yyyyyyyyy"},
		{"a word that fits no line", "> ", "a " + strings.Repeat("x", 100), "> a\n> " + strings.Repeat("x", 78) + "\n> " + strings.Repeat("x", 22)},
		{"characters, not bytes", "", strings.Repeat("ü", 80), strings.Repeat("ü", 80)},
		{"columns, not characters", "", strings.Repeat("漢", 41), strings.Repeat("漢", 40) + "\n漢"},
		{"a character of several", "", strings.Repeat("e\u0301", 81), strings.Repeat("e\u0301", 80) + "\ne\u0301"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fold(c.indent, c.text); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// The colours can be read on black and on white, with the palettes of xterm and of a
// PC's console: the ratio of contrast (WCAG 2.1) of bold text.
func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	palettes := map[string][][3]float64{ // as it is, and as bold text is shown on some
		"31": {{205, 0, 0}, {255, 0, 0}, {255, 85, 85}},
		"35": {{205, 0, 205}, {255, 0, 255}, {255, 85, 255}},
	}
	luminance := func(rgb [3]float64) (l float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			c := rgb[i] / 255
			if c <= 0.03928 {
				l += weight * c / 12.92
			} else {
				l += weight * math.Pow((c+0.055)/1.055, 2.4)
			}
		}
		return l
	}
	for state, code := range ansi {
		bold, colour, coloured := strings.Cut(code, ";")
		if bold != "1" || coloured && palettes[colour] == nil {
			t.Errorf("%s has the colour %s, whose contrast is not known here", state, code)
		}
		for _, rgb := range palettes[colour] {
			if l := luminance(rgb); (l+0.05)/0.05 < 2.5 || 1.05/(l+0.05) < 2.5 {
				t.Errorf("%s: %v cannot be read: %.1f on black, %.1f on white", state, rgb, (l+0.05)/0.05, 1.05/(l+0.05))
			}
		}
	}
}
