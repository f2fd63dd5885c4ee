package email

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed letter.html
var letterHTML string

// page is the HTML part of a letter. It loads nothing: no picture, no font, no script, so
// that reading it tells nobody anything and a mail program has nothing to block.
var page = template.Must(template.New("letter.html").Funcs(template.FuncMap{"code": showCode, "class": stateClass}).Parse(letterHTML))

// A sheet is what the page shows.
type sheet struct {
	Subject string
	Test    string   // of a test message, else empty
	Summary string   // counts, where the message has several incidents
	Open    []card   // in full
	Lines   []strip  // a line each: what is over, or all of a digest
	More    int      // how many more there are
	Advice  []string // lines
	Own     *ownWords
	Note    string // why a template's words are missing
	Footer  string
}

// A card is one incident in full.
type card struct {
	notifiers.Item
	Detail string
	Facts  []fact
}

// A strip is one incident in a line.
type strip struct {
	notifiers.Item
	Text string
}

// A fact is one line of a card.
type fact struct {
	Name, Text                   string
	Quote, Command, Link, Button bool
}

// composeHTML makes the HTML part of a letter. The same message gives the same bytes.
func composeHTML(m notifiers.Message) (string, error) {
	s := sheet{Subject: m.Subject(), Footer: m.Footer()}
	items := m.Arranged()
	switch {
	case m.Own.Text != "":
		s.Own, s.Footer = describeOwn(m), ""
	case m.IsTest():
		s.Test = m.TestText()
	case len(m.Items) == 1:
		s.Open = []card{describeItem(m, items[0])}
	case len(items) > notifiers.MaxItems:
		s.Summary, s.More = m.Counts(), len(items)-notifiers.MaxItems
		s.Lines = listItems(m, items[:notifiers.MaxItems])
		if advice := m.DigestAdvice(); advice != "" {
			s.Advice = strings.Split(advice, "\n")
		}
	default:
		s.Summary = m.Counts()
		open := 0 // what is over stands last
		for ; open < len(items) && !items[open].Ends(); open++ {
			s.Open = append(s.Open, describeItem(m, items[open]))
		}
		s.Lines = listItems(m, items[open:])
	}
	s.Note = m.Own.Note
	var b bytes.Buffer
	if err := page.Execute(&b, s); err != nil {
		return "", fmt.Errorf("making the HTML part: %w", err)
	}
	return b.String(), nil
}

func describeItem(m notifiers.Message, item notifiers.Item) card {
	c := card{Item: item, Detail: item.Detail(m.At)}
	for _, f := range m.Facts(item) {
		c.Facts = append(c.Facts, fact{
			Name: f.Name, Text: f.Text,
			Quote: f.Kind == notifiers.Quote, Command: f.Kind == notifiers.Command, Link: f.Kind == notifiers.Link,
			Button: f.Kind == notifiers.Button,
		})
	}
	return c
}

func listItems(m notifiers.Message, items []notifiers.Item) (list []strip) {
	for _, item := range items {
		// The word stands apart, in colour.
		list = append(list, strip{item, strings.TrimPrefix(m.Brief(item), item.Word()+" ")})
	}
	return list
}

// stateClass returns the class of an item's colour: green only for what is well again.
func stateClass(item notifiers.Item) string {
	switch {
	case item.Ends() && item.Incident.ClosedAs == "recovered":
		return "well"
	case item.Ends():
		return "gone"
	case item.Incident.Severity == "down":
		return "down"
	}
	return "degraded"
}

// moment is a time as messages write it, which must not be torn apart at a hyphen.
var moment = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? [A-Z0-9+-]{1,6}`)

// showCode escapes a text of ours, shows what stands in it between backticks as code, and
// keeps each time on one line.
func showCode(text string) template.HTML {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 { // one of them is alone
		parts = []string{text}
	}
	var b strings.Builder
	for i, part := range parts {
		escaped := template.HTMLEscapeString(part)
		if i%2 == 1 {
			b.WriteString("<code>" + escaped + "</code>")
			continue
		}
		b.WriteString(moment.ReplaceAllString(escaped, `<span class="time">$0</span>`))
	}
	return template.HTML(b.String()) //nolint:gosec // each part is escaped above
}
