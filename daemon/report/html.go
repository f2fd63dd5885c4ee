package report

import (
	"bytes"
	_ "embed" // the template and the style
	"html/template"

	"github.com/imapvigil/imapvigil/daemon/api"
)

//go:embed report.html
var page string

//go:embed report.css
var style string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(style) }, //nolint:gosec // our own file
	"indent": func(depth int) int { return depth * 12 },
	"verdict": func(word string) string {
		return map[string]string{"kept": "kept", "missed": "missed", "not proven": "unproven"}[word]
	},
}).Parse(page))

// HTML writes a report as one file without references to others, to be looked at and printed.
func HTML(r *api.PeriodReport, o Options) ([]byte, error) {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, NewView(r, o)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
