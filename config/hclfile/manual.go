package hclfile

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"
)

//go:embed manual.tmpl
var manualText string

// Manual writes the page imapvigil.hcl(5) in mdoc(7), from the same tables that
// the loader uses.
func Manual(w io.Writer, date time.Time) error {
	page, err := template.New("manual").Funcs(template.FuncMap{
		"text":      mdocText,
		"enumerate": func(words []string) string { return mdocText(enumerate(quoteAll(words), "or")) },
		"places":    mdocPlaces,
	}).Parse(manualText)
	if err != nil {
		return fmt.Errorf("reading the manual: %w", err)
	}
	return page.Execute(w, struct {
		Language
		Date string
	}{Schema(), date.UTC().Format("January 2, 2006")})
}

// mdocText keeps a text from being taken for markup: a backslash, and a dot or
// an apostrophe at the start of a line (groff_mdoc(7)).
func mdocText(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "\n", " ", "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// mdocPlaces says where a block may stand.
func mdocPlaces(in []string) string {
	var words []string
	for _, name := range in {
		if name == "" {
			words = append(words, "at the top level")
		} else {
			words = append(words, "in "+an(name))
		}
	}
	return mdocText(enumerate(words, "or"))
}
