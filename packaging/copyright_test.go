package packaging_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopyright: the license of each library that the pages bring to the browser is in the
// copyright file, word for word.
func TestCopyright(t *testing.T) {
	const root = "../"
	text, err := os.ReadFile("copyright")
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\n .\n", "\n")), " ")
	licenses, err := filepath.Glob(root + "daemon/web/pages/assets/vendor/*/LICENSE")
	if err != nil || len(licenses) == 0 {
		t.Fatal("no library", err)
	}
	for _, file := range licenses {
		license, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if stanza := "\nFiles: " + strings.TrimPrefix(filepath.Dir(file), root) + "/*\n"; !strings.Contains(string(text), stanza) {
			t.Errorf("the copyright file has no line%s", stanza)
		}
		_, terms, _ := strings.Cut(string(license), "Permission is")
		if words := strings.Join(strings.Fields("Permission is"+terms), " "); !strings.Contains(said, words) {
			t.Errorf("the copyright file does not have the license of %s", file)
		}
	}
}
