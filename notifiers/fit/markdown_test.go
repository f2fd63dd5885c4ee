package fit_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/fit"
)

func TestNothingIsMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"DOWN mx1: at 18:47:05 [01JD6Z]":    "DOWN mx1: at 18:47:05 [01JD6Z]",
		":smile: a:b:c :100: :+1: :x":       ":smile： a:b：c :100： :+1： :x",
		"[a](b) [c][d] [e]: f <!here> @all": `[a\](b) [c\][d] [e\]: f ＜!here\> ＠all`,
		"*b* _i_ `x` ~town #tag | a\\ > q":  "\\*b\\* \\_i\\_ \\`x\\` \\~town \\#tag \\| a\\\\ \\> q",
	} {
		if got := fit.Markdown(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	for got, want := range map[string]string{
		fit.Fence("a ```b``` <@c>"):                   "```\na '''b''' ＜＠c>\n```",
		fit.Code("a `b`"):                             "`a 'b'`",
		fit.MarkdownLink("https://x.example/<a>|b?c"): "<https://x.example/%3Ca%3E%7Cb?c>",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
