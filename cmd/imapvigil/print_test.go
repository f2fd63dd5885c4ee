package main

import (
	"bytes"
	"context"
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
