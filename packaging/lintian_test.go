//go:build systemd

package packaging_test

import (
	"path/filepath"
	"testing"
)

// TestLintian has Debian's own tool look at all packages; lintian-overrides
// says what it need not mention, and why.
func TestLintian(t *testing.T) {
	debs, err := filepath.Glob("../dist/*.deb")
	if err != nil || len(debs) != 4 {
		t.Fatalf("make packages makes four packages of Debian, not %q (%v)", debs, err)
	}
	output(t, "lintian", append([]string{"--allow-root", "--fail-on=error,warning"}, debs...)...)
}
