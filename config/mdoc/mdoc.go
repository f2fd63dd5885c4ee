// Package mdoc writes text for manual pages in mdoc(7): it keeps words from being taken for
// markup, and puts sentences on lines of their own. Other rooms have the pages.
package mdoc

import (
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// Width is how wide the lines of a page are: mandoc(1) complains of more than 80 bytes.
const Width = 78

var sentence = regexp.MustCompile(`([.:!?]) ([A-Z])`)

// Lines returns a page in which each sentence begins a line, which is how troff knows where
// it ends, and no line is longer than [Width] (mdoc(7), Sentences). Requests and displays
// stay as they are.
func Lines(page string) string {
	var b strings.Builder
	display := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, ".Bd"), strings.HasPrefix(line, ".Ed"):
			display = !display
		case !display && !strings.HasPrefix(line, "."):
			line = sentence.ReplaceAllString(line, "$1\n$2")
			// A line that begins with a dot is a request.
			line = strings.ReplaceAll(config.Wrap(line, Width), "\n.", "\n\\&.")
		}
		b.WriteString(line)
	}
	return b.String()
}

// Text returns a text that is not taken for markup: a backslash, and a dot or an apostrophe
// at the start of a line (groff_mdoc(7)).
func Text(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "\n", " ", "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
