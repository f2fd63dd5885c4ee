package fit_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/fit"
)

func TestMarksLoseTheirMeaning(t *testing.T) {
	for text, want := range map[string]string{
		"*down* mx_1/imap_s _x_ __y": "＊down＊ mx_1/imap_s ＿x＿ ＿＿y",
		"~ü~":                        "～ü～",
		"＊ is wide already [a](b)":   "＊ is wide already [a](b)",
		"":                           "",
	} {
		if got := fit.Widen(text, "*_~"); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got, want := fit.Backslash(`a*b\c_ü`, `\*_`), `a\*b\\c\_ü`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
