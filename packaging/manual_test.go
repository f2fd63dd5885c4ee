//go:build !quick

package packaging_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/daemon/glossary"
)

// manualPages returns the files of all manual pages: those of this directory, and those that
// the program makes of its tables.
func manualPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("man/*")
	if err != nil || len(pages) == 0 {
		t.Fatal("no manual pages", err)
	}
	for name, print := range map[string]func(io.Writer, time.Time) error{
		"imapvigil.hcl.5": hclfile.Manual, "imapvigil-notifiers.7": hclfile.Guides, "imapvigil-states.7": glossary.Page,
	} {
		var page bytes.Buffer
		if err := print(&page, time.Now()); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		write(t, file, page.String(), 0o644)
		pages = append(pages, file)
	}
	return pages
}

// TestManualLint has mandoc look at all pages.
func TestManualLint(t *testing.T) {
	for _, file := range manualPages(t) {
		said, err := exec.CommandContext(t.Context(), "mandoc", "-Tlint", file).Output()
		if complained := new(exec.ExitError); err != nil && !errors.As(err, &complained) {
			t.Fatalf("%v; on Debian, make test-packages installs mandoc", err)
		}
		for line := range strings.Lines(string(said)) {
			if !strings.Contains(line, "referenced manual not found") { // on this machine
				t.Error(line)
			}
		}
	}
}

// TestManualWidth: a page rendered for a terminal of 80 columns has no longer line, and none
// of a display runs over the edge.
func TestManualWidth(t *testing.T) {
	for _, file := range manualPages(t) {
		said, err := exec.CommandContext(t.Context(), "mandoc", "-Tutf8", "-O", "width=78", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(overstruck.ReplaceAllString(string(said), "")) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s has a line of %d columns: %s", file, n, line)
			}
		}
	}
}

// overstruck is how bold and underlined letters are printed: the letter, or a line, and a
// step back.
var overstruck = regexp.MustCompile(".\x08")

// TestManualReferences: each page that another one refers to, of this program, exists.
func TestManualReferences(t *testing.T) {
	pages := map[string]bool{}
	for _, file := range manualPages(t) {
		pages[filepath.Base(file)] = true
	}
	for _, file := range manualPages(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range regexp.MustCompile(`(?m)^\.Xr (imapvigil[a-z.-]*) (\d)`).FindAllStringSubmatch(string(text), -1) {
			if !pages[r[1]+"."+r[2]] {
				t.Errorf("%s refers to %s(%s), which does not exist", file, r[1], r[2])
			}
		}
	}
}
