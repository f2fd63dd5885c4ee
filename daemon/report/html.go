package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template and the style
	"encoding/base64"
	"html/template"

	"github.com/imapvigil/imapvigil/daemon/api"
)

//go:embed report.html
var page string

//go:embed report.css
var style string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(style) }, //nolint:gosec // our own file
	"indent": func(depth int) int { return min(depth, deepest) },
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

// deepest is how deep a group is moved to the right; the style sheet has a rule for each depth.
const deepest = 6

// StyleHash returns the hash of the style sheet that stands in a report, as a content security
// policy names it.
func StyleHash() string {
	sum := sha256.Sum256([]byte("\n" + style)) // as it stands between the tags
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
