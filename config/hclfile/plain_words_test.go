package hclfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
)

// Diagnostics, the attributes of the manual and causes are in plain words.
func TestPlainWords(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		_, want, found := strings.Cut(readFile(t, file), "-- want --\n")
		if !found {
			t.Errorf("%s has no diagnostics", file)
		}
		golden.Plain(t, file, want)
	}
	_, tables, found := strings.Cut(readFile(t, "../README.md"), "<!-- blocks -->")
	if !found {
		t.Fatal("the README has no tables")
	}
	tables, _, _ = strings.Cut(tables, "<!-- end -->")
	golden.Plain(t, "the attributes", tables)
	for cause := range config.Causes() {
		golden.Plain(t, string(cause), cause.Text())
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
