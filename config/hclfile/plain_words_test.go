package hclfile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// notPlain are words that administrators had to guess at: the usual one is "notified",
// "destination", "string", "ping", "acknowledge", "format", "written", "discarded".
var notPlain = regexp.MustCompile(`(?i)\b(told|tells?|hears?|watcher|ways?|a text|this text|is a text|sign of life|takes? on|lays? out|stands? (in|twice|here)|not believed|the like|and this is|nothing called)\b`)

// Diagnostics, the attributes of the manual and causes are in plain words.
func TestPlainWords(t *testing.T) {
	excerpt := regexp.MustCompile(`^\s+[0-9]* \|`)
	look := func(where, text string) {
		for line := range strings.Lines(text) {
			if found := notPlain.FindString(line); found != "" && !excerpt.MatchString(line) {
				t.Errorf("%s says %q: %s", where, found, line)
			}
		}
	}
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		_, want, found := strings.Cut(readFile(t, file), "-- want --\n")
		if !found {
			t.Errorf("%s has no diagnostics", file)
		}
		look(file, want)
	}
	_, tables, found := strings.Cut(readFile(t, "../README.md"), "<!-- blocks -->")
	if !found {
		t.Fatal("the README has no tables")
	}
	tables, _, _ = strings.Cut(tables, "<!-- end -->")
	look("the attributes", tables)
	for cause := range config.Causes() {
		look(string(cause), cause.Text())
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
