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

// services are the units of both packages, by the path of the program in each.
var services = map[string]string{
	"/usr/bin/imapvigil":               "systemd/imapvigil.service",
	"/usr/lib/imapvigil/imapvigil-bus": "bus/imapvigil-bus.service",
}

// TestUnitSecurity holds the units against systemd's own list of what a service
// could do to its machine: 0 is nothing, 10 everything. What is left is what a
// client, or a server, of the network needs.
func TestUnitSecurity(t *testing.T) {
	for _, unit := range services {
		output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=13", unit)
	}
}

// TestUnitVerifies has systemd read the units, with programs where the packages
// would put them.
func TestUnitVerifies(t *testing.T) {
	for installed, unit := range services {
		dir := t.TempDir()
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(dir, filepath.Base(installed))
		write(t, program, "#!/bin/sh\n", 0o755)
		copied := filepath.Join(dir, filepath.Base(unit))
		write(t, copied, string(bytes.ReplaceAll(text, []byte(installed), []byte(program))), 0o644)
		for line := range strings.Lines(output(t, "systemd-analyze", "verify", "--man=no", copied)) {
			if strings.Contains(line, "imapvigil") { // it also speaks of what else this machine has
				t.Error(line)
			}
		}
	}
}

// TestUser has systemd-sysusers make the users in an empty system.
func TestUser(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"etc", "usr/lib/sysusers.d"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, of := range map[string]string{"imapvigil.conf": "systemd", "imapvigil-bus.conf": "bus"} {
		text, err := os.ReadFile(filepath.Join(of, "sysusers.conf"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "usr/lib/sysusers.d", name), string(text), 0o644)
		output(t, "systemd-sysusers", "--root="+root, name)
	}
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	for _, want := range []string{":IMAP monitor:/var/lib/imapvigil:/usr/sbin/nologin", ":NATS server of imapvigil:/var/lib/imapvigil-bus:/usr/sbin/nologin"} {
		if err != nil || !strings.Contains(string(users), want) {
			t.Errorf("no user is %s: %s (%v)", want, users, err)
		}
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
