package report

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed mail.html
var mailPage string

// mailTemplate has tables and no pictures: many mail programs show no SVG, and all styles stand at
// the elements.
var mailTemplate = template.Must(template.New("mail").Parse(mailPage))

// Compose fills in what a mail says that brings a report, with the report as HTML to print and as
// CSV.
func Compose(m notifiers.Report, r *api.PeriodReport, o Options) (notifiers.Report, error) {
	v := NewView(r, o)
	m.Subject = "[imapvigil] " + v.Title + ", " + v.Period
	if v.Promise.Word != "" {
		m.Subject += ": " + v.Promise.Word
	}
	m.Text = mailText(&v)
	var body bytes.Buffer
	if err := mailTemplate.Execute(&body, v); err != nil {
		return m, err
	}
	m.HTML = body.String()
	page, err := HTML(r, o)
	if err != nil {
		return m, err
	}
	table, err := CSV(r, o)
	if err != nil {
		return m, err
	}
	name := "availability-" + strings.ReplaceAll(r.Period, " ", "-")
	m.Attachments = []notifiers.Attachment{{Name: name + ".html", Type: "text/html; charset=utf-8", Data: page}, {Name: name + ".csv", Type: "text/csv; charset=utf-8", Data: table}}
	return m, nil
}

// mailText writes the first page of a report as plain text.
func mailText(v *View) string {
	var b strings.Builder
	paragraph := func(format string, values ...any) { b.WriteString(wrap(fmt.Sprintf(format, values...))) }
	paragraph("%s, %s", v.Title, v.Period)
	paragraph("%s (%s)", v.Span, v.ZoneName)
	for _, notice := range v.Notices {
		b.WriteString("\n")
		paragraph("%s", notice)
	}
	b.WriteString("\n")
	paragraph("%s", v.Promise.Sentence)
	paragraph("All checks: %s, not below %s; %s of the time was seen.", v.Total.Availability, v.Total.Floor, v.Total.Coverage)
	if v.Total.Change != Nothing {
		paragraph("Change to the period before: %s percentage points.", v.Total.Change)
	}
	if len(v.Groups) > 0 {
		b.WriteString("\nGroups\n")
	}
	for i := range v.Groups {
		g := &v.Groups[i]
		paragraph("%s- %s: %s%s%s%s", strings.Repeat("  ", g.Depth), g.Name, g.Availability, named(", any down ", g.Any), named(", all down ", g.All), named(", ", g.Word))
	}
	b.WriteString("\nOutages of more than 10 minutes\n")
	for _, sentence := range v.Outages {
		paragraph("- %s", sentence)
	}
	if len(v.Outages) == 0 {
		paragraph("None.")
	}
	if v.Short != "" {
		paragraph("%s", v.Short)
	}
	b.WriteString("\n")
	paragraph("The whole report is attached: as HTML, to be looked at and printed, and as CSV.")
	return b.String()
}

// textWidth is how wide the lines of a mail are.
const textWidth = 76

// wrap breaks a paragraph into lines. Those of an item of a list stand below its text.
func wrap(text string) string {
	item := strings.TrimLeft(text, " ")
	indent := len(text) - len(item)
	hanging := strings.Repeat(" ", indent)
	if strings.HasPrefix(item, "- ") {
		hanging += "  "
	}
	line := text[:indent]
	var b strings.Builder
	for word := range strings.FieldsSeq(item) {
		blank := " "
		if strings.TrimSpace(line) == "" {
			blank = ""
		}
		if blank != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth {
			b.WriteString(line + "\n")
			line, blank = hanging, ""
		}
		line += blank + word
	}
	return b.String() + line + "\n"
}

// named returns a figure with its name; empty: there is none.
func named(name, figure string) string {
	if figure == "" || figure == Nothing {
		return ""
	}
	return name + figure
}
