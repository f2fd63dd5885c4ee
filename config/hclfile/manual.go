package hclfile

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

//go:embed manual.tmpl
var manualText string

// Manual writes the page imapvigil.hcl(5) in mdoc(7), from the same tables that
// the loader uses.
func Manual(w io.Writer, date time.Time) error {
	page, err := template.New("manual").Funcs(template.FuncMap{
		"text":      mdocText,
		"enumerate": func(words []string) string { return mdocText(diagnose.Enumerate(diagnose.QuoteAll(words), "or")) },
		"places":    func(in []string) string { return mdocText(diagnose.Enumerate(mapped(in, placeIn), "or")) },
	}).Parse(manualText)
	if err != nil {
		return fmt.Errorf("reading the manual: %w", err)
	}
	var text strings.Builder
	err = page.Execute(&text, struct {
		Language
		Date string
	}{Schema(), date.UTC().Format("January 2, 2006")})
	if err != nil {
		return fmt.Errorf("filling the manual: %w", err)
	}
	_, err = io.WriteString(w, mdocLines(text.String()))
	return err
}

var sentence = regexp.MustCompile(`([.:!?]) ([A-Z])`)

// mdocLines returns a page in which each sentence begins a line, which is how troff
// knows where it ends, and no line is longer than 80 bytes (mdoc(7), Sentences).
// Requests and displays stay as they are.
func mdocLines(page string) string {
	var b strings.Builder
	display := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, ".Bd"), strings.HasPrefix(line, ".Ed"):
			display = !display
		case !display && !strings.HasPrefix(line, "."):
			line = sentence.ReplaceAllString(line, "$1\n$2")
			// A line that begins with a dot is a request.
			line = strings.ReplaceAll(config.Wrap(line, 78), "\n.", "\n\\&.")
		}
		b.WriteString(line)
	}
	return b.String()
}

// mdocText returns a text that is not taken for markup: a backslash, and a dot or an
// apostrophe at the start of a line (groff_mdoc(7)).
func mdocText(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "\n", " ", "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
