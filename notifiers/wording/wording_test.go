package wording_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// everything uses every field and every function.
const everything = `{{.Transition}} {{upper .Counts}} for {{.Role}} ({{.RoleLabel}}) from {{.Monitor}} at {{.At}}, {{time "15:04" .At}}
{{.Key}} | {{.Subject}} | {{.Short | truncate 20 | lower}}
{{range .Items}}* {{.Transition}} {{.Headline}}
  check={{.Check}} label={{.Label}} server={{.Server}} ({{.ServerLabel}}) groups={{join "/" .Groups}} ({{join .GroupLabels ", "}})
  condition={{.Condition}} severity={{.Severity}} state={{.State}} closed_as={{default "-" .ClosedAs}}
  phase={{.Phase}} cause={{.Cause}} reason={{.Reason}} hint={{.Hint}} evidence={{printf "%q" .Evidence}}
  endpoint={{.Endpoint}} started={{.Started}} ({{ago .Started}} ago) ended={{with .Ended}}{{time "15:04:05 MST" .}}{{else}}not yet{{end}} duration={{.Duration}}
  affected={{join ", " .Affected}} url={{.URL}} runbook={{.Runbook}} description={{.Description}} incident={{.Incident}}
  acknowledge={{.AcknowledgeURL}} by={{.AcknowledgedBy}} untold={{.Untold}}
{{else}}{{.Text}}{{end}}{{if .More}}and {{.More}} more{{end}}`

// What templates make of every kind of message.
func TestEveryMessage(t *testing.T) {
	words, err := wording.Open("{{.Transition}}: {{range first 2 .Items}}{{.Check}} {{end}}\nin one line", everything)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		m, err := words.Apply(m)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(&all, "-- %s --\nSubject: %s\n%s", strings.TrimPrefix(m.Key, "key-"), m.Subject(), m.Text())
	}
	golden.Compare(t, "testdata/everything.txt", all.String())
}

// Each mistake is found at its place, whatever branch it stands in.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		{"{{.Chek}}", "line 1, column 3: there is no .Chek; did you mean .Check?"},
		{"Hello\n  {{range .Items}}{{if false}}{{.Lable}}{{end}}{{end}}", "line 2, column 33: there is no .Lable; did you mean .Label?"},
		{"{{with $x := .Items}}{{$x.String}}{{end}}", "there is no .String"},
		{"{{(index .Items 0).Nonsense}}", "there is no .Nonsense; a message has .Transition, "},
		{"a\n{{nope .Text}}", "line 2, column 3: there is no function nope; the functions are ago, and, default"},
		{"{{html .Text}}", "there is no function html"},
		{"{{call .Text}}", "there is no function call"},
		{"{{js .Text}}", "there is no function js"},
		{"{{print .Text}}", "there is no function print"},
		{"{{step 1}}", "there is no function step"},
		{"{{json .Text}}", "json is for the body of a webhook"},
		{"a\n\nb {{if .Text}}", "line 3, column 3: the template ends before an {{end}}"},
		{"{{.Text", "unclosed action"},
		{"{{define \"x\"}}a{{end}}{{template \"x\"}}", "templates within templates"},
		{"{{template \"x\"}}", "templates within templates"},
		{"x {{(index .Items 0).Check}}", "line 1, column 6: with a test message, <index .Items 0>: there is no such item"},
		{"{{range .Items}}{{.Counts}}{{else}}x{{end}}", "can't evaluate field Counts in type an item"},
		{"{{upper .At}}", "expected string; got a time"},
		{"{{join 1 2}}", "join: it takes a string and a list"},
		{"{{truncate 0 .Text}}", "truncate: it takes a number from 1"},
		{`{{printf "%p" .Items}}`, "printf: it takes strings, numbers and times"},
		{"{{range .Items}}{{if eq .Transition \"acknowledged\"}}{{else}}x{{end}}{{else}}x{{end}}", "(acknowledged), it makes no text"},
		{" \n ", "it makes no text"},
		{strings.Repeat("x", wording.MaxSource+1), "the template has 16385 bytes"},
		{"{{range 1000000000}}{{end}}x", "the template takes too long"},
		{"{{range 1000}}{{range 1000}}{{if .}}{{end}}{{end}}{{end}}x", "the template takes too long"},
		{"{{range 1000}}" + strings.Repeat("x", 100) + "{{end}}", "the template makes more than 64 KiB"},
		{`{{$x := "ab"}}{{range 64}}{{$x = printf "%s%s" $x $x}}{{end}}x`, "the template makes more than 64 KiB"},
		{`{{printf "%999999d" 1}}`, "the template makes more than 64 KiB"},
		{`{{range 1000}}{{$x := printf "%50000d" 1}}{{end}}x`, "the template makes more than 64 KiB"},
	} {
		err := wording.Check(wording.Text, test.source, notifiers.Limit{})
		var fault *wording.Fault
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: got %v, want %q", test.source, err, test.want)
		}
	}
}

// A channel's limit is counted in its own unit, over all messages.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		source string
		limit  notifiers.Limit
		want   string
	}{
		{"äöü😀", notifiers.Limit{Most: 10, Unit: notifiers.Bytes}, ""},
		{"äöü😀", notifiers.Limit{Most: 9, Unit: notifiers.Bytes}, "it makes 10 bytes, and at most 9"},
		{"äöü😀", notifiers.Limit{Most: 3, Unit: notifiers.Runes}, "it makes 4 characters"},
		{"äöü😀", notifiers.Limit{Most: 4, Unit: notifiers.UTF16}, "it makes 5 UTF-16 units"},
		{strings.Repeat("ж", 70), notifiers.Limit{Most: 1, Unit: notifiers.InSMS}, ""},
		{strings.Repeat("ж", 71), notifiers.Limit{Most: 1, Unit: notifiers.InSMS}, "it makes 2 SMS, and at most 1 are"},
		{strings.Repeat("x", 160), notifiers.Limit{Most: 1, Unit: notifiers.InSMS}, ""},
		{strings.Repeat("[", 81), notifiers.Limit{Most: 1, Unit: notifiers.InSMS}, "it makes 2 SMS"},
		{"{{range .Items}}{{.Headline}}{{else}}x{{end}}", notifiers.Limit{Most: 500, Unit: notifiers.Bytes}, "with a message about 25 incidents (opened), it makes "},
		{"{{.Short}}", notifiers.Limit{Most: 2, Unit: notifiers.InSMS}, ""},
	} {
		err := wording.Check(wording.Text, test.source, test.limit)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.30q, %v: got %v, want %q", test.source, test.limit, err, test.want)
		}
	}
}

// A body must be JSON for every message.
func TestBodies(t *testing.T) {
	for source, want := range map[string]string{
		`{"text": {{json .Text}}, "at": {{json .At}}, "items": [{{range .Items}}{{json .Groups}}, {{json .Ended}}, {{json .Untold}}{{end}}], "n": {{len .Items}}}`: "",
		`{"text": "{{.Text}}"}`:                         "with a test message, what it makes is not JSON",
		`{"text": "{{range .Items}}{{.Label}}{{end}}"}`: "about a check with quotes",
		`{"text": {{json .Items}}}`:                     "json: it takes a string",
		`{} {}`:                                         "is not JSON",
	} {
		err := wording.CheckBody(source)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
}

// A template that fails at run time costs no message: the built-in words go out, and say why
// they do.
func TestFailsAtRunTime(t *testing.T) {
	words, err := wording.Open("{{(index .Items 0).Check}}", "{{(index .Items 3).Check}}")
	if err != nil {
		t.Fatal(err)
	}
	before := notifiertest.Message("k")
	m, err := words.Apply(before)
	if err == nil || !strings.Contains(err.Error(), "text: line 1, column 4: <index .Items 3>") {
		t.Errorf("got %v", err)
	}
	if m.Subject() != "mx1/office" {
		t.Errorf("subject %q", m.Subject())
	}
	want := before.Text() + "\nNote: the template for the text of this message failed, so imapvigil used its own words. The log of imapvigil says why.\n"
	if m.Text() != want {
		t.Errorf("got %s", m.Text())
	}
	if m.Short() != before.Short() {
		t.Errorf("got %s", m.Short())
	}
}

// The same message gives the same words, and a storm of any size fits into what was tried.
func TestStorm(t *testing.T) {
	m := notifiertest.Message("storm")
	for i := range 10_000 {
		item := m.Items[0]
		item.Incident.Check = fmt.Sprint("mx", i, "/imaps")
		m.Items = append(m.Items, item)
	}
	words, err := wording.Open("", "{{.Counts}} {{len .Items}} {{.More}}")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m, err := words.Apply(m); err != nil || m.Text() != "10001 down 25 9976\n" {
			t.Errorf("got %q, %v", m.Text(), err)
		}
	}
}

// Own words are plain text: without control characters, and a subject is one line.
func TestPlainText(t *testing.T) {
	words, err := wording.Open("a\r\nBcc: x@example.org\n", "\n  a\x1b[31m b\t c  \r\n\n"+`{{printf "%c%c" 7 8238}}`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := words.Apply(notifiertest.Message("k"))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Subject(); got != "a Bcc: x@example.org" {
		t.Errorf("subject %q", got)
	}
	if got, want := m.Text(), "  a\\x1b[31m b  c\n\n\\x07\\u{202e}\n"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

// A report is not a matter of templates.
func TestReport(t *testing.T) {
	words, err := wording.Open("x", "y")
	if err != nil {
		t.Fatal(err)
	}
	m, err := words.Apply(notifiers.Message{Report: &notifiers.Report{Subject: "s"}})
	if err != nil || m.Own != (notifiers.Words{}) {
		t.Errorf("%+v, %v", m.Own, err)
	}
}

// The manual describes every field.
func TestFieldsAreDescribed(t *testing.T) {
	for _, f := range slices.Concat(wording.MessageFields(), wording.ItemFields()) {
		if f.Doc == "" || strings.HasSuffix(f.Doc, ".") {
			t.Errorf("%s: %q", f.Name, f.Doc)
		}
	}
}

// No template brings the program down, takes long or makes much.
func FuzzTemplate(f *testing.F) {
	for _, source := range []string{everything, "{{range 9}}{{break}}{{end}}", "{{$x := 1}}{{$x}}", "{{- /* c */ -}}", "{{with .At}}{{.}}{{end}}", "{{slice .Text 0 9}}"} {
		f.Add(source)
	}
	m := notifiertest.Message("fuzz")
	f.Fuzz(func(t *testing.T, source string) {
		_ = wording.CheckBody(source)
		words, err := wording.Open(source, source)
		if err != nil {
			return
		}
		m, _ := words.Apply(m)
		if len(m.Text()) > wording.MaxOutput+2000 || strings.Contains(m.Subject(), "\n") || m.Text() == "" {
			t.Errorf("%q", m.Text())
		}
	})
}

func BenchmarkApply(b *testing.B) {
	words, err := wording.Open("{{.Counts}}", everything)
	if err != nil {
		b.Fatal(err)
	}
	m := notifiertest.Gathered()[2]
	for b.Loop() {
		_, _ = words.Apply(m)
	}
}

// The most that one rendering can take.
func BenchmarkLongest(b *testing.B) {
	words, err := wording.Open("", "{{range 100000}}{{if eq $.Text $.Text}}{{end}}{{end}}x")
	if err != nil {
		b.Fatal(err)
	}
	m := notifiertest.Gathered()[0]
	for b.Loop() {
		_, _ = words.Apply(m)
	}
}

// What a notifier with own words adds to the reading of the files.
func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if err := wording.Check(wording.Text, everything, notifiers.Limit{}); err != nil {
			b.Fatal(err)
		}
	}
}

// A template about incidents alone has nothing to say in a test message, which keeps the built-in
// words, and no note.
func TestNothingToSayInATest(t *testing.T) {
	const source = "{{range .Items}}{{.Check}} {{end}}"
	if err := wording.Check(wording.Text, source, notifiers.Limit{}); err != nil {
		t.Error(err)
	}
	words, err := wording.Open(source, source)
	if err != nil {
		t.Fatal(err)
	}
	m, err := words.Apply(notifiers.Message{Role: "it_team", Monitor: "vigil1"})
	if err != nil || m.Own != (notifiers.Words{}) || !strings.Contains(m.Text(), "TEST.") {
		t.Errorf("%+v, %v: %s", m.Own, err, m.Text())
	}
}
