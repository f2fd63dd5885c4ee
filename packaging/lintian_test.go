//go:build systemd

package packaging_test

import (
	"path/filepath"
	"testing"
)

// TestLintian has Debian's own tool look at both packages; lintian-overrides
// says what it need not mention, and why.
func TestLintian(t *testing.T) {
	debs, err := filepath.Glob("../dist/*.deb")
	if err != nil || len(debs) != 2 {
		t.Fatalf("make packages makes two packages, not %q (%v)", debs, err)
	}
	output(t, "lintian", append([]string{"--allow-root", "--fail-on=error,warning"}, debs...)...)
}
