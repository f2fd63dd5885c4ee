package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/mdoc"
)

// TestManualExitStatus holds the section EXIT STATUS of imapvigil(8) against the commands,
// whose help has the same words. With -update it is written.
func TestManualExitStatus(t *testing.T) {
	page, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(page, []byte("\n.Sh EXIT STATUS\n"))
	_, after, ends := bytes.Cut(append([]byte("\n"), rest...), []byte("\n.Sh WORDS\n"))
	if !found || !ends {
		t.Fatalf("%s has no section EXIT STATUS before WORDS", manualFile)
	}
	want := fmt.Sprintf("%s\n.Sh EXIT STATUS\n%s.Sh WORDS\n%s", before, manualExitStatus(), after)
	switch {
	case string(page) == want:
	case golden.Updating():
		if err := os.WriteFile(manualFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the section EXIT STATUS of %s is not what the commands say (run with -update when they are right)", manualFile)
	}
}

// manualExitStatus writes the exit codes in mdoc(7).
func manualExitStatus() string {
	var b strings.Builder
	b.WriteString(".Bl -tag -width indent\n")
	for _, c := range (&program{}).root().Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		fmt.Fprintf(&b, ".It Cm %s\n", mdoc.Text(c.Name()))
		var parts []string
		for code, meaning := range exitCodesOf(c) {
			if meaning != "" {
				parts = append(parts, fmt.Sprintf("%d: %s", code, strings.ReplaceAll(meaning, "`", "")))
			}
		}
		b.WriteString(mdoc.Lines(mdoc.Text(strings.Join(parts, "; ")) + ".\n"))
	}
	b.WriteString(".El\n.Pp\n")
	b.WriteString(mdoc.Lines("Every command ends with 3 when the control socket or the journal may not be opened: use\n"))
	b.WriteString(".Xr sudo 8 ,\nor join the group\n.Dq imapvigil .\n")
	return b.String()
}
