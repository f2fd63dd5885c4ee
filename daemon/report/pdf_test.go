//go:build !quick

package report_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/report"
)

// needsProgram returns the path of a program that Debian has in a package.
func needsProgram(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: it is in Debian's package %s", name, debian)
	}
	return path
}

// TestPrinted prints a report with Chromium and looks for its figures in the PDF.
func TestPrinted(t *testing.T) {
	t.Parallel()
	chromium, pdftotext := needsProgram(t, "chromium", "chromium"), needsProgram(t, "pdftotext", "poppler-utils")
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	text, err := report.HTML(october(t), options(t, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pdf := filepath.Join(dir, "report.pdf")
	run := func(name string, arguments ...string) string {
		out, err := exec.CommandContext(ctx, name, arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+file)
	printed := run(pdftotext, "-layout", pdf, "-")
	first, rest, _ := strings.Cut(printed, "\f")
	for _, want := range []string{"Availability October 2026", "99.97 %", "not below 99.73 %", "−0.02", "Kept", "Germany", "99.95 %", "was down for 15 minutes", "1 of "} {
		if !strings.Contains(first, want) {
			t.Errorf("the first page lacks %q:\n%s", want, first)
		}
	}
	for _, want := range []string{"mx10/imaps", "99.19 %", "2 h 00 min", "CN=mx1.example.org", "Our own line", "99.94 %", "How the figures are made"} {
		if !strings.Contains(rest, want) {
			t.Errorf("the other pages lack %q", want)
		}
	}
}
