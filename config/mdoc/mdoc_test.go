package mdoc_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/mdoc"
)

func TestText(t *testing.T) {
	for given, want := range map[string]string{
		"plain words":    "plain words",
		`a\b "c" --json`: `a\eb \(dqc\(dq \-\-json`,
		".hcl":           `\&.hcl`,
		"'quoted'":       `\&'quoted'`,
		"two\nlines":     "two lines",
	} {
		if got := mdoc.Text(given); got != want {
			t.Errorf("%q becomes %q, not %q", given, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("word ", 30) + ".hcl"
	page := ".Sh NAME\nOne. Two: Three? Four\n" + long + "\n.Bd -literal\nAs. It is\n.Ed\n"
	got := mdoc.Lines(page)
	for _, want := range []string{".Sh NAME\nOne.\nTwo:\nThree?\nFour\n", "\nAs. It is\n.Ed\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	for line := range strings.Lines(got) {
		if len(line) > 80 || strings.HasPrefix(line, ".hcl") {
			t.Errorf("the line %q", line)
		}
	}
}
