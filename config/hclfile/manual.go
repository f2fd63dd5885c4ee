package hclfile

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/mdoc"
)

//go:embed manual.tmpl
var manualText string

// Manual writes the page imapvigil.hcl(5) in mdoc(7), from the same tables that
// the loader uses.
func Manual(w io.Writer, date time.Time) error {
	page, err := template.New("manual").Funcs(template.FuncMap{
		"text":      mdoc.Text,
		"enumerate": func(words []string) string { return mdoc.Text(diagnose.Enumerate(diagnose.QuoteAll(words), "or")) },
		"places":    func(in []string) string { return mdoc.Text(diagnose.Enumerate(mapped(in, placeIn), "or")) },
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
	_, err = io.WriteString(w, mdoc.Lines(text.String()))
	return err
}
