package fit_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/notifiers/fit"
)

func TestCut(t *testing.T) {
	for _, test := range []struct {
		unit fit.Unit
		text string
		most int
		want string
	}{
		{fit.Runes, "mail", 4, "mail"},
		{fit.Runes, "mails", 4, "mai…"},
		{fit.Runes, "we are", 4, "we…"},
		{fit.Bytes, "mails are down", 8, "mails…"},
		{fit.Bytes, "größe", 7, "größe"},
		{fit.Bytes, "größer", 7, "grö…"}, // ö has two bytes, the ellipsis three
		{fit.UTF16, "🔴🔴", 4, "🔴🔴"},
		{fit.UTF16, "🔴🔴x", 4, "🔴…"},
		{fit.Bytes, "mails", 2, ""},
		{fit.Runes, "", 0, ""},
	} {
		if got := test.unit.Cut(test.text, test.most); got != test.want {
			t.Errorf("%q in %d: %q, want %q", test.text, test.most, got, test.want)
		}
	}
}

// What matters most stands first, and is cut last.
func TestLines(t *testing.T) {
	if got, want := fit.Runes.Lines(12, "headline", "link", "facts"), "headline\nli…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := fit.Runes.Lines(30, "headline", "link", "facts"), "headline\nlink\nfacts"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDefang(t *testing.T) {
	if got, want := fit.Defang("<!channel> @here"), "＜!channel> ＠here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever the text, the result has room, is a beginning of it, and is UTF-8.
func TestNothingIsLongerThanAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, most := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "most")
		for name, unit := range map[string]struct {
			fit.Unit
			length func(string) int
		}{
			"bytes": {fit.Bytes, func(s string) int { return len(s) }},
			"runes": {fit.Runes, utf8.RuneCountInString},
			"utf16": {fit.UTF16, func(s string) int { return len(utf16.Encode([]rune(s))) }},
		} {
			got := unit.Cut(text, most)
			beginning := strings.HasPrefix(text, strings.TrimSuffix(got, "…")) || got == text
			if unit.length(got) > most || !beginning || !utf8.ValidString(got) {
				t.Errorf("%s: %q in %d is %q", name, text, most, got)
			}
			if unit.length(text) <= most && got != text {
				t.Errorf("%s: %q has room in %d and was cut to %q", name, text, most, got)
			}
			if lines := unit.Lines(most, text, text); unit.length(lines) > most {
				t.Errorf("%s: lines of %q in %d are %q", name, text, most, lines)
			}
		}
	})
}
