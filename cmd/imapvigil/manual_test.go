package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const manualFile = "../../packaging/man/imapvigil.8"

// TestManual holds imapvigil(8) against the commands and their flags: each is
// in the page, and the page has no other.
func TestManual(t *testing.T) {
	page, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	entries := manualEntries(string(page))
	root := (&program{}).root()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		entry, found := entries[c.Name()]
		delete(entries, c.Name())
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if !found {
			t.Errorf("%s has no entry for the command %q: .It Cm %[2]s", manualFile, c.Name())
			continue
		}
		missing(t, c, entry)
	}
	for name := range entries {
		t.Errorf("%s has an entry for %q, which is no command", manualFile, name)
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !regexp.MustCompile(`\n\.It Fl ([a-z] , )?\\-` + f.Name + " ").Match(page) {
			t.Errorf("%s has no entry for the flag --%s", manualFile, f.Name)
		}
	})
}

// missing names the flags of a command that its entry does not have.
func missing(t *testing.T, c *cobra.Command, entry string) {
	t.Helper()
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !isPlaceFlag(f) && !strings.Contains(entry, `Fl \-`+f.Name) {
			t.Errorf("%s does not have --%s in its entry for %s", manualFile, f.Name, c.Name())
		}
	})
}

var entryStart = regexp.MustCompile(`(?m)^\.It Cm ([a-z-]+)`)

// manualEntries are the parts of the page that begin with a command.
func manualEntries(page string) map[string]string {
	page, _, _ = strings.Cut(page, "\n.Sh ENVIRONMENT")
	entries := map[string]string{}
	starts := entryStart.FindAllStringSubmatchIndex(page, -1)
	for i, s := range starts {
		end := len(page)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		entries[page[s[2]:s[3]]] += page[s[0]:end] // a command with others below it has several
	}
	return entries
}

// TestManualGroups: the page has the commands in the groups and in the order of help.
func TestManualGroups(t *testing.T) {
	page, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	_, commands, _ := strings.Cut(string(page), "\n.Ss ")
	commands, _, _ = strings.Cut("\n.Ss "+commands, "\n.Ss Signals\n")
	for _, line := range regexp.MustCompile(`(?m)^\.(Ss .*|It Cm [a-z-]+)`).FindAllStringSubmatch(commands, -1) {
		if len(got) == 0 || got[len(got)-1] != line[1] { // silence has an entry for each of its commands
			got = append(got, line[1])
		}
	}
	root := (&program{}).root()
	for _, g := range root.Groups() {
		want = append(want, "Ss "+strings.TrimSuffix(g.Title, ":"))
		for line := range strings.Lines(commandTexts(root, g.ID)) {
			want = append(want, "It Cm "+strings.Fields(line)[0])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has\n%q\nand help has\n%q", manualFile, got, want)
	}
}
