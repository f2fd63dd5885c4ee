package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
)

// TestManualWords holds the section WORDS of imapvigil(8) against the tables of
// phases, conditions and causes. With -update it is written.
func TestManualWords(t *testing.T) {
	page, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(page, []byte("\n.Sh WORDS\n"))
	_, after, ends := bytes.Cut(append([]byte("\n"), rest...), []byte("\n.Sh EXAMPLES\n"))
	if !found || !ends {
		t.Fatalf("%s has no section WORDS before EXAMPLES", manualFile)
	}
	want := fmt.Sprintf("%s\n.Sh WORDS\n%s.Sh EXAMPLES\n%s", before, manualWords(), after)
	switch {
	case string(page) == want:
	case golden.Updating():
		if err := os.WriteFile(manualFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the section WORDS of %s is not what the tables say (run with -update when they are right)", manualFile)
	}
}

// manualWords writes the words in mdoc(7).
func manualWords() string {
	var b strings.Builder
	list := func(title string) { fmt.Fprintf(&b, ".Ss %s\n.Bl -tag -width indent -compact\n", title) }
	end := func() { b.WriteString(".El\n") }
	b.WriteString("Messages, the journal, the log and what\n.Fl \\-json\nprints use these words.\n")

	list("Phases of a probe")
	for p := range config.Phases() {
		fmt.Fprintf(&b, ".It Cm %s\n%s.\n", p, p.Doc())
	}
	end()
	list("Conditions of an incident")
	for c := range config.AllConditions().All() {
		fmt.Fprintf(&b, ".It Cm %s\n%s\n.Pq %s .\n", c, c.Doc(), c.Severity())
	}
	end()
	list("Causes")
	for c := range config.Causes() {
		fmt.Fprintf(&b, ".It Cm %s\n%s\n.Pq %s .\n", c, sentence(c.Text()), causeShows(c))
	}
	end()
	return b.String()
}

// causeShows names the conditions that a cause belongs to and the phases in which
// it shows.
func causeShows(c config.Cause) string {
	if c.About() == 0 {
		return "a remark, no incident"
	}
	var words []string
	for condition := range c.About().All() {
		words = append(words, string(condition))
	}
	text := strings.Join(words, ", ")
	phases := c.Phases()
	if len(phases) == 0 || len(phases) == int(config.PhaseCount)-1 { // any
		return text
	}
	words = nil
	for _, p := range phases {
		words = append(words, p.String())
	}
	return text + "; " + strings.Join(words, ", ")
}

// sentence writes the first letter large, and keeps mdoc from reading a word as a
// macro or a quote.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first := []rune(text)
	first[0] = unicode.ToUpper(first[0])
	return strings.ReplaceAll(string(first), "'", `\(aq`)
}
