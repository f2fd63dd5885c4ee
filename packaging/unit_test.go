//go:build !quick

package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const unit = "systemd/imapvigil.service"

// TestUnitSecurity holds the unit against systemd's own list of what a service
// could do to its machine: 0 is nothing, 10 everything. What is left is what a
// client of the network needs.
func TestUnitSecurity(t *testing.T) {
	output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=13", unit)
}

// TestUnitVerifies has systemd read the unit, with a program where the package
// would put it.
func TestUnitVerifies(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "imapvigil")
	write(t, program, "#!/bin/sh\n", 0o755)
	copied := filepath.Join(dir, "imapvigil.service")
	write(t, copied, string(bytes.ReplaceAll(text, []byte("/usr/bin/imapvigil"), []byte(program))), 0o644)
	for line := range strings.Lines(output(t, "systemd-analyze", "verify", "--man=no", copied)) {
		if strings.Contains(line, "imapvigil") { // it also speaks of what else this machine has
			t.Error(line)
		}
	}
}

// TestUser has systemd-sysusers make the user in an empty system.
func TestUser(t *testing.T) {
	root, conf := t.TempDir(), filepath.Join("systemd", "sysusers.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"etc", "usr/lib/sysusers.d"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "usr/lib/sysusers.d/imapvigil.conf"), string(text), 0o644)
	output(t, "systemd-sysusers", "--root="+root, "imapvigil.conf")
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !bytes.Contains(users, []byte(":IMAP monitor:/var/lib/imapvigil:/usr/sbin/nologin")) {
		t.Errorf("the users are %s (%v)", users, err)
	}
}

// output gives all that a program says; one that fails, or is missing, fails
// the test.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s\nOn Debian, make test-packages installs what is missing.", name, args, err, said)
	}
	return string(said)
}
