//go:build !quick

package packaging_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

// TestManualLint has mandoc look at imapvigil(8), and at imapvigil.hcl(5) as
// the program prints it.
func TestManualLint(t *testing.T) {
	var page bytes.Buffer
	if err := hclfile.Manual(&page, time.Now()); err != nil {
		t.Fatal(err)
	}
	language := filepath.Join(t.TempDir(), "imapvigil.hcl.5")
	write(t, language, page.String(), 0o644)
	for _, file := range []string{"man/imapvigil.8", language} {
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
