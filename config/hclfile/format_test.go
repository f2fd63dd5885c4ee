package hclfile_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

func TestFormat(t *testing.T) {
	got, diags := hclfile.Format("a.hcl", []byte("server \"mx1\"   {\nhostname=\"mx1.example.org\"   # where\n    label = \"Mail 1\"\nimap_check \"imaps\" { port=993 }\n}"))
	want := `server "mx1" {
  hostname = "mx1.example.org" # where
  label    = "Mail 1"
  imap_check "imaps" { port = 993 }
}
`
	if string(got) != want || len(diags) != 0 {
		t.Errorf("got %q and %v", got, diags)
	}
	twice, _ := hclfile.Format("a.hcl", got)
	if string(twice) != want {
		t.Errorf("formatting twice gives %q", twice)
	}
}

// Lines keep the ends that other systems gave them.
func TestFormatKeepsLineEnds(t *testing.T) {
	got, diags := hclfile.Format("a.hcl", []byte("locals {\r\n a=1\r\n  bbb   = 2\r\n}"))
	if want := "locals {\r\n  a   = 1\r\n  bbb = 2\r\n}\r\n"; string(got) != want || len(diags) != 0 {
		t.Errorf("got %q and %v", got, diags)
	}
}

func TestFormatLeavesBrokenFilesAlone(t *testing.T) {
	for _, text := range []string{"server {", `x = "`, "\xff"} {
		got, diags := hclfile.Format("a.hcl", []byte(text))
		if got != nil || len(diags) == 0 || diags[0].Pos.File != "a.hcl" {
			t.Errorf("%q: %q, %v", text, got, diags)
		}
	}
}
