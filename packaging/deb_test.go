//go:build systemd

package packaging_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// built is the package that make packages has made for this machine.
func built(t *testing.T) string {
	t.Helper()
	return made(t, "imapvigil_*_"+runtime.GOARCH+".deb")
}

// made is one of the files that make packages makes.
func made(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("../dist", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("make packages makes one %s, not %q (%v)", pattern, found, err)
	}
	return found[0]
}

// older gives the package as it was before: with a lower version, and with another starter
// file, which was a conffile then.
func older(t *testing.T) string {
	t.Helper()
	dir, deb := t.TempDir(), filepath.Join(t.TempDir(), "older.deb")
	output(t, "dpkg-deb", "--raw-extract", built(t), dir)
	control := filepath.Join(dir, "DEBIAN/control")
	text, err := os.ReadFile(control)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nVersion: ")
	_, rest, _ = strings.Cut(rest, "\n")
	write(t, control, "Package: imapvigil\nVersion: 0~older-1\n"+rest, 0o644)
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(installedFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, installedFile), "# as it was\n", 0o644)
	write(t, filepath.Join(dir, "DEBIAN/conffiles"), installedFile+"\n", 0o644)
	output(t, "dpkg-deb", "--root-owner-group", "-Znone", "--build", dir, deb)
	return deb
}

// installedFile is the starter file, which the package writes at its first installation and
// which is the administrator's from then on.
const installedFile = "/etc/imapvigil/imapvigil.hcl"

// install installs a package, and returns what apt printed.
func (m *machine) install(deb string) string {
	m.t.Helper()
	content, err := os.ReadFile(deb)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("/root/imapvigil.deb", string(content))
	// Without an answer to dpkg's question about conffiles: there is none.
	return m.run("apt-get", "--yes", "install", "/root/imapvigil.deb")
}

// installs: over files in error the package is installed all the same, and its
// service starts by itself once they are mended. With the file that comes with
// it, it watches nothing.
func installs(m *machine) {
	const own = "/etc/imapvigil/own.hcl"
	m.write(own, "imap_check \"broken\" {\n  hostnam = \"127.0.0.1\"\n}\n")
	m.install(older(m.t))
	m.await("systemctl status shows file and line", func() bool { // not while systemd starts it again
		status, code := m.try("systemctl", "status", "--no-pager", "--full", "imapvigil")
		return code != 0 && strings.Contains(status, own+":2")
	})
	m.run("rm", own)
	m.await("it starts by itself", func() bool { return m.property("ActiveState") == "active" })
	if status := m.property("StatusText"); status != "watching 0 checks on 0 servers" {
		m.t.Errorf("the status is %q", status)
	}
	m.run("systemctl", "is-enabled", "imapvigil")
	m.modes(map[string]string{
		"/etc/imapvigil":             "2750 root:imapvigil",
		installedFile:                "644 root:root",
		"/etc/imapvigil/credentials": "2750 root:imapvigil",
		"/var/lib/imapvigil":         "750 imapvigil:imapvigil",
		"/run/imapvigil":             "755 imapvigil:imapvigil",
	})
	if said, _ := m.try("dpkg", "--verify", "imapvigil"); said != "" {
		m.t.Errorf("what is installed is not what was packed: %s", said)
	}
}

// isSafe: on this systemd the unit gives away little, and nothing in it is
// unknown.
func isSafe(m *machine) {
	m.t.Log(m.run("sh", "-c", "systemd-analyze security --no-pager --threshold=13 imapvigil.service | tail -n 1"))
	m.run("systemd-analyze", "security", "--no-pager", "--threshold=13", "imapvigil.service")
	if said := m.run("systemd-analyze", "verify", "--man=no", "imapvigil.service"); said != "" {
		m.t.Errorf("systemd-analyze verify says: %s", said)
	}
}

// upgrades from the older package to the one that was built. What people changed
// in the files stays, and files in error do not stop it: the daemon goes on with
// the last good ones.
func upgrades(m *machine) {
	const mine, wrong = "# mine\n", "/etc/imapvigil/wrong.hcl"
	m.write(installedFile, mine)
	m.write(wrong, "nonsense {\n")
	m.survives(func() { m.install(built(m.t)) })
	if status := m.property("StatusText"); !strings.Contains(status, "wrong.hcl:1") {
		m.t.Errorf("the status does not say what is wrong: %q", status)
	}
	m.run("rm", wrong)
	m.run("systemctl", "reload", "imapvigil")
	if text, err := os.ReadFile(m.path(installedFile)); err != nil || string(text) != mine {
		m.t.Errorf("the file of the administrator is %q (%v)", text, err)
	}
	if others := m.run("sh", "-c", "ls -A /etc/imapvigil"); strings.Contains(others, ".dpkg-") {
		m.t.Errorf("dpkg put another file beside the administrator's: %s", others)
	}
	// From then on it is no conffile: obsolete ones are forgotten, and stay where they are.
	if conffiles := m.run("dpkg-query", "--show", "--showformat=${Conffiles}", "imapvigil"); conffiles != "" && !strings.HasSuffix(conffiles, " obsolete") {
		m.t.Errorf("the package has the conffiles %q", conffiles)
	}
	want := output(m.t, "dpkg-deb", "--field", built(m.t), "Version")
	if got := m.run("dpkg-query", "--show", "--showformat=${Version}", "imapvigil"); got != strings.TrimSpace(want) {
		m.t.Errorf("version %s is installed, not %s", got, want)
	}
}

// isRemoved: removing keeps the state, purging removes it; what people wrote stays.
func isRemoved(m *machine) {
	m.run("apt-get", "--yes", "remove", "imapvigil")
	if m.property("ActiveState") != "inactive" || m.exists("/run/imapvigil") {
		m.t.Error("the service was not stopped")
	}
	if !m.exists("/var/lib/imapvigil/journal") || !m.exists(installedFile) {
		m.t.Error("removing did not keep state and files")
	}
	m.run("apt-get", "--yes", "purge", "imapvigil")
	if m.exists("/var/lib/imapvigil") || m.exists(installedFile) {
		m.t.Error("purging left state or files")
	}
	if !m.exists("/etc/imapvigil/gone.hcl") || !m.exists("/etc/imapvigil/credentials/shared") {
		m.t.Error("purging removed what the package did not bring")
	}
	if said, _ := m.try("systemctl", "is-enabled", "imapvigil"); strings.Contains(said, "enabled") {
		m.t.Errorf("the service is %s", said)
	}
}

// installsAnew: the first installation writes the starter file and prints what to do next;
// a later one does neither, whatever became of the file.
func installsAnew(m *machine) {
	m.run("rm", "-rf", "/etc/imapvigil")
	if said := m.install(built(m.t)); !strings.Contains(said, "imapvigil notify-test postmaster") {
		m.t.Errorf("the package does not print what to do next: %s", said)
	}
	m.modes(map[string]string{
		"/etc/imapvigil":             "2750 root:imapvigil",
		installedFile:                "640 root:imapvigil",
		"/etc/imapvigil/credentials": "2750 root:imapvigil",
	})
	if status := m.property("StatusText"); status != "watching 0 checks on 0 servers" {
		m.t.Errorf("the status is %q", status)
	}
	if conffiles := m.run("dpkg-query", "--show", "--showformat=${Conffiles}", "imapvigil"); conffiles != "" {
		m.t.Errorf("the package has the conffiles %q", conffiles)
	}
	if said, _ := m.try("dpkg", "--verify", "imapvigil"); said != "" {
		m.t.Errorf("what is installed is not what was packed: %s", said)
	}
	m.run("cp", installedFile, installedFile+".orig") // as imapvigil init does
	m.run("mv", installedFile, "/etc/imapvigil/mine.hcl")
	if said := m.run("apt-get", "--yes", "reinstall", "/root/imapvigil.deb"); m.exists(installedFile) || strings.Contains(said, "notify-test") {
		m.t.Errorf("a later installation wrote the starter file again, or printed the first steps: %s", said)
	}
	m.run("apt-get", "--yes", "purge", "imapvigil")
	if m.exists(installedFile) || m.exists(installedFile+".orig") || !m.exists("/etc/imapvigil/mine.hcl") {
		m.t.Error("purging left the starter file, or removed another one")
	}
}
