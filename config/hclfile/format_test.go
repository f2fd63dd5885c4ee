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

// Files from other systems get the line ends that all such files have, also where
// only some lines came from there.
func TestFormatWritesLF(t *testing.T) {
	for _, text := range []string{"locals {\r\n a=1\r\n  bbb   = 2\r\n}", "locals {\n a=1\r\n  bbb   = 2\r\n}\n"} {
		got, diags := hclfile.Format("a.hcl", []byte(text))
		if want := "locals {\n  a   = 1\n  bbb = 2\n}\n"; string(got) != want || len(diags) != 0 {
			t.Errorf("%q: got %q and %v", text, got, diags)
		}
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
