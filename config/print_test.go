package config_test

import (
	"bytes"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
)

func TestPrint(t *testing.T) {
	diags := []config.Diagnostic{
		{
			Gravity: config.Error, Summary: "Unknown attribute",
			Detail:  "An imap_check has no attribute \"intervall\". Did you mean \"interval\"? This sentence is here to be wrapped.\nThis one begins a line.",
			Pos:     config.Pos{File: "etc/mail.hcl", Line: 7, Column: 2},
			Excerpt: "\tintervall = \"1m\"", Mark: [2]int{1, 10},
		},
		{
			Gravity: config.Warning, Summary: "Wide and combining characters keep the underline in its place",
			Pos:     config.Pos{File: "etc/mail.hcl", Line: 120, Column: 4},
			Excerpt: "x = \"e\u0301 日本\" + y", Mark: [2]int{15, 16},
		},
		{Gravity: config.Error, Summary: "No place at all", Detail: "Only words."},
		{Gravity: config.Error, Summary: "At the end", Pos: config.Pos{File: "a.hcl", Line: 1, Column: 5}, Excerpt: "x = ", Mark: [2]int{4, 5}},
		{Gravity: config.Error, Summary: "A file as a whole", Pos: config.Pos{File: "a.hcl"}},
	}
	for name, color := range map[string]bool{"testdata/print.txt": false, "testdata/print-color.txt": true} {
		var got bytes.Buffer
		if err := config.Print(&got, diags, color); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, got.String())
	}
}

// Text is wrapped by the columns that it takes.
func TestWrap(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"short", "a b", "a b"},
		{"at the end of a line", "aaaa bbbb ccccc", "aaaa bbbb\nccccc"},
		{"exactly as wide", "aaaa bbbbb c", "aaaa bbbbb\nc"},
		{"a long word has its own line", "a bbbbbbbbbbbb c", "a\nbbbbbbbbbbbb\nc"},
		{"lines stay", "a\n\nb", "a\n\nb"},
		{"spaces stay within a line, and not around it", "  a  b \ncccccccc  ddd", "  a  b\ncccccccc\nddd"},
		{"East Asian characters take two columns", "漢字漢 字漢 字", "漢字漢\n字漢 字"},
		{"combining marks take none", "e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301e\u0301 x", "e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301e\u0301\nx"},
	} {
		if got := config.Wrap(row.text, 10); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
