package daemon_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// readPage reads a README of the project.
func readPage(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands between "<!-- name -->" and "<!-- end -->".
func section(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "<!-- "+name+" -->\n")
	text, _, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("the page has no section %q", name)
	}
	return text
}

var firstCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// firstCells are the words in the first column of a table.
func firstCells(table string) (words []string) {
	for _, m := range firstCell.FindAllStringSubmatch(table, -1) {
		words = append(words, m[1])
	}
	return words
}

// The table of rooms on this page names every room that has code, and the project's
// first page the larger ones; neither names another.
func TestRoomsOfTheREADMEs(t *testing.T) {
	existing := roomFiles(t)
	for file, every := range map[string]bool{"README.md": true, "../README.md": false} {
		rows := firstCells(section(t, readPage(t, file), "rooms"))
		for _, row := range rows {
			matches := false
			for room := range existing {
				matched, _ := path.Match(row, room)
				matches = matches || matched
			}
			if !matches {
				t.Errorf("%s has a row for %s, and there is no such room", file, row)
			}
		}
		for room := range existing {
			first := strings.HasPrefix(room, "config/") || strings.HasPrefix(room, "daemon/") && strings.Count(room, "/") == 1
			if (every || first && !strings.HasPrefix(room, "config/hclfile/")) && !covered(rows, room) {
				t.Errorf("%s has no row for %s: add one, which says in a few words what lives there", file, room)
			}
		}
	}
}

// The README's tables of phases and conditions are those of package config.
func TestWordsOfTheREADME(t *testing.T) {
	page := readPage(t, "README.md")
	phases := "| phase | what happens |\n|---|---|\n"
	for p := range config.Phases() {
		phases += fmt.Sprintf("| `%s` | %s |\n", p, p.Doc())
	}
	conditions := "| condition | severity | meaning |\n|---|---|---|\n"
	for c := range config.AllConditions().All() {
		conditions += fmt.Sprintf("| `%s` | %s | %s |\n", c, c.Severity(), c.Doc())
	}
	for name, want := range map[string]string{"phases": phases, "conditions": conditions} {
		if got := section(t, page, name); got != want {
			t.Errorf("the table of %s is\n%swant\n%s", name, got, want)
		}
	}
}

// The ten answers name rooms that exist.
func TestTheTenAnswers(t *testing.T) {
	_, questions, _ := strings.Cut(readPage(t, "README.md"), "## Ten questions")
	parts := regexp.MustCompile(`(?m)^\d+\. `).Split(questions, -1)[1:]
	if len(parts) != 10 {
		t.Errorf("%d questions", len(parts))
	}
	existing := roomFiles(t)
	for i, part := range parts {
		_, answer, asked := strings.Cut(part, "?")
		named := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(answer, -1)
		if !asked || len(named) == 0 {
			t.Errorf("question %d: no question mark, or no answer with a room", i+1)
			continue
		}
		room := named[0][1]
		if !slices.ContainsFunc(keysOf(existing), func(r string) bool { m, _ := path.Match(room, r); return m }) {
			t.Errorf("question %d: the answer names %s, and there is no such room", i+1, room)
		}
	}
}

func keysOf(m map[string][]string) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
