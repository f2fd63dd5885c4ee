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
