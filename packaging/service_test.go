//go:build systemd

package packaging_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestService takes the package through its life on the Debian releases that
// are supported: the parts go on from one another.
func TestService(t *testing.T) {
	for _, release := range []string{"bookworm", "trixie"} {
		t.Run(release, func(t *testing.T) {
			m := boot(t, release)
			for _, part := range []struct {
				name string
				do   func(*machine)
			}{
				{"installed", installs},
				{"ready", becomesReady},
				{"reload", reloads},
				{"reload of a broken file", refusesBrokenFiles},
				{"secrets", findsCredentials},
				{"people", letsTheGroupIn},
				{"killed", survivesKilling},
				{"stuck", survivesBeingStuck},
				{"stopped", stops},
				{"upgraded", upgrades},
				{"removed", isRemoved},
			} {
				ok := t.Run(part.name, func(t *testing.T) { part.do(&machine{t, m.leader}) })
				if !ok {
					return
				}
			}
		})
	}
}

// built is the package that make packages has made for this machine.
func built(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../dist/imapvigil_*_" + runtime.GOARCH + ".deb")
	if err != nil || len(found) != 1 {
		t.Fatalf("make packages makes one package, not %q (%v)", found, err)
	}
	return found[0]
}

// older gives the same package with a version that comes before.
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
	output(t, "dpkg-deb", "--root-owner-group", "-Znone", "--build", dir, deb)
	return deb
}

func (m *machine) install(deb string) {
	m.t.Helper()
	content, err := os.ReadFile(deb)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("/root/imapvigil.deb", string(content))
	m.run("apt-get", "--yes", "install", "/root/imapvigil.deb")
}

// installs: with the file that is installed the service runs, watching nothing,
// and so does everything that belongs to it.
func installs(m *machine) {
	m.install(older(m.t))
	if status := m.property("StatusText"); status != "watching 0 checks on 0 servers" {
		m.t.Errorf("the status is %q", status)
	}
	m.run("systemctl", "is-enabled", "imapvigil")
	m.run("systemd-analyze", "verify", "--man=no", "imapvigil.service")
	m.t.Log(m.run("sh", "-c", "systemd-analyze security --no-pager --threshold=13 imapvigil.service | tail -n 1"))
	for file, want := range map[string]string{
		"/etc/imapvigil":             "2750 root:imapvigil",
		"/etc/imapvigil/credentials": "2750 root:imapvigil",
		"/var/lib/imapvigil":         "700 imapvigil:imapvigil",
		"/run/imapvigil":             "755 imapvigil:imapvigil",
	} {
		if got := m.run("stat", "--format=%a %U:%G", file); got != want {
			m.t.Errorf("%s is %s, not %s", file, got, want)
		}
	}
}

// becomesReady: 1,000 checks within 2 seconds.
func becomesReady(m *machine) {
	var text strings.Builder
	text.WriteString("defaults {\n  interval = \"1h\"\n  fault_tolerance = \"12h\"\n  notification_roles = []\n}\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "imap_check \"c%03d\" {\n  hostname = \"127.0.0.1\"\n  port = 993\n}\n", i)
	}
	m.write("/etc/imapvigil/thousand.hcl", text.String())
	m.run("systemctl", "restart", "imapvigil")
	if status := m.property("StatusText"); !strings.HasPrefix(status, "watching 1000 checks") {
		m.t.Errorf("the status is %q", status)
	}
	took := m.moment("ActiveEnterTimestamp") - m.moment("ExecMainStartTimestamp")
	m.t.Logf("from its start to READY with 1,000 checks: %v", took)
	if took > 2*time.Second {
		m.t.Errorf("READY took %v", took)
	}
}

// reloads: once systemctl returns, the new file is in force. Its check fails,
// which is an incident from then on.
func reloads(m *machine) {
	m.write("/etc/imapvigil/gone.hcl", `imap_check "gone" {
  hostname           = "127.0.0.1"
  port               = 993
  interval           = "1s"
  fault_tolerance    = "0s"
  notification_roles = []
}
`)
	m.run("systemctl", "reload", "imapvigil")
	if status := m.property("StatusText"); !strings.HasPrefix(status, "watching 1001 checks") {
		m.t.Errorf("the status is %q", status)
	}
	m.await("an incident", func() bool { return len(m.incidents()) > 0 })
}

// incidents are those that are open, each with when it began.
func (m *machine) incidents() []string {
	m.t.Helper()
	said, code := m.try("imapvigil", "incidents", "--open", "--json")
	if code != 0 {
		return nil // no daemon answers
	}
	var list struct {
		Incidents []struct {
			ID        string    `json:"id"`
			Check     string    `json:"check"`
			StartedAt time.Time `json:"started_at"`
		} `json:"incidents"`
	}
	if err := json.Unmarshal([]byte(said), &list); err != nil {
		m.t.Fatalf("%v in %s", err, said)
	}
	var open []string
	for _, i := range list.Incidents {
		open = append(open, fmt.Sprint(i.ID, " ", i.Check, " ", i.StartedAt))
	}
	slices.Sort(open)
	return open
}

// refusesBrokenFiles: the reload fails, says where, and the daemon goes on.
func refusesBrokenFiles(m *machine) {
	pid := m.property("MainPID")
	m.write("/etc/imapvigil/broken.hcl", "imap_check \"broken\" {\n  hostnam = \"127.0.0.1\"\n}\n")
	if said, code := m.try("systemctl", "reload", "imapvigil"); code == 0 {
		m.t.Errorf("systemctl reload succeeded: %s", said)
	}
	status, code := m.try("systemctl", "status", "--no-pager", "--full", "imapvigil")
	if code != 0 || !strings.Contains(status, "broken.hcl:2") {
		m.t.Errorf("systemctl status ended with %d and does not show file and line:\n%s", code, status)
	}
	if now := m.property("MainPID"); now != pid {
		m.t.Errorf("process %s became %s", pid, now)
	}
	m.run("rm", "/etc/imapvigil/broken.hcl")
	m.run("systemctl", "reload", "imapvigil")
	if status := m.property("StatusText"); strings.Contains(status, "broken.hcl") {
		m.t.Errorf("the status is still %q", status)
	}
}

// findsCredentials: what root alone can read comes to the daemon by LoadCredential=,
// and what its group can read without.
func findsCredentials(m *machine) {
	m.write("/root/loaded", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	m.run("chmod", "600", "/root/loaded")
	m.write("/etc/imapvigil/credentials/shared", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	m.run("chmod", "640", "/etc/imapvigil/credentials/shared")
	m.write("/etc/systemd/system/imapvigil.service.d/credentials.conf", "[Service]\nLoadCredential=loaded:/root/loaded\n")
	m.write("/etc/imapvigil/hooks.hcl", `notifier "webhook" "loaded" {
  url    = "http://127.0.0.1:9/"
  secret = credential("loaded")
}
notifier "webhook" "shared" {
  url    = "http://127.0.0.1:9/"
  secret = credential("shared")
}
`)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "imapvigil")
	if said := m.run("imapvigil", "reload"); !strings.Contains(said, "Nothing has changed") {
		m.t.Errorf("what runs is not what the files say: %s", said)
	}
}

// letsTheGroupIn: who is in it may ask the daemon, nobody else may.
func letsTheGroupIn(m *machine) {
	m.run("useradd", "--groups=imapvigil", "watcher")
	if said, code := m.try("runuser", "--user", "watcher", "--", "imapvigil", "reload"); code != 0 {
		m.t.Errorf("someone in the group is turned away: %s", said)
	}
	said, code := m.try("runuser", "--user", "nobody", "--", "imapvigil", "status")
	if code != 3 || !strings.Contains(said, "permission denied") {
		m.t.Errorf("others get %d: %s", code, said)
	}
}

// survives waits for a restart after which all is as it was.
func (m *machine) survives(restart func()) {
	m.t.Helper()
	before, pid := m.incidents(), m.property("MainPID")
	if len(before) == 0 {
		m.t.Fatal("no incident is open")
	}
	restart()
	m.await("a restart", func() bool {
		now := m.property("MainPID")
		return now != pid && now != "0" && m.property("ActiveState") == "active"
	})
	if after := m.incidents(); !slices.Equal(before, after) {
		m.t.Errorf("incidents were\n%q, and are\n%q", before, after)
	}
}

func survivesKilling(m *machine) {
	m.survives(func() { m.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "imapvigil") })
}

// survivesBeingStuck: the watchdog ends a daemon that stands still. The test has
// less time than the unit gives it.
func survivesBeingStuck(m *machine) {
	m.write("/etc/systemd/system/imapvigil.service.d/watchdog.conf", "[Service]\nWatchdogSec=4s\nTimeoutAbortSec=1s\n")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "imapvigil")
	m.survives(func() { m.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "imapvigil") })
	if said := m.run("journalctl", "--unit=imapvigil", "--grep=watchdog", "--no-pager"); !strings.Contains(said, "timeout") {
		m.t.Errorf("the watchdog did not do it: %s", said)
	}
	m.run("rm", "-r", "/etc/systemd/system/imapvigil.service.d")
	m.run("rm", "/etc/imapvigil/hooks.hcl") // needs what LoadCredential= gave
	m.run("systemctl", "daemon-reload")
}

// stops: SIGTERM ends it well, within 5 seconds.
func stops(m *machine) {
	before := m.incidents()
	begun := time.Now()
	m.run("systemctl", "stop", "imapvigil")
	took := time.Since(begun)
	m.t.Logf("stopped in %v", took)
	if result := m.property("Result"); result != "success" || took > 5*time.Second {
		m.t.Errorf("%s after %v", result, took)
	}
	m.run("systemctl", "start", "imapvigil")
	if after := m.incidents(); !slices.Equal(before, after) {
		m.t.Errorf("incidents were\n%q, and are\n%q", before, after)
	}
}

// upgrades from the older package to the one that was built; what people changed
// in the files stays.
func upgrades(m *machine) {
	const mine = "# mine\n"
	m.write("/etc/imapvigil/imapvigil.hcl", mine)
	m.survives(func() { m.install(built(m.t)) })
	if text, err := os.ReadFile(m.path("/etc/imapvigil/imapvigil.hcl")); err != nil || string(text) != mine {
		m.t.Errorf("the file of the administrator is %q (%v)", text, err)
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
	if !m.exists("/var/lib/imapvigil/journal") || !m.exists("/etc/imapvigil/imapvigil.hcl") {
		m.t.Error("removing did not keep state and files")
	}
	m.run("apt-get", "--yes", "purge", "imapvigil")
	if m.exists("/var/lib/imapvigil") || m.exists("/etc/imapvigil/imapvigil.hcl") {
		m.t.Error("purging left state or files")
	}
	if !m.exists("/etc/imapvigil/gone.hcl") || !m.exists("/etc/imapvigil/credentials/shared") {
		m.t.Error("purging removed what the package did not bring")
	}
	if said, _ := m.try("systemctl", "is-enabled", "imapvigil"); strings.Contains(said, "enabled") {
		m.t.Errorf("the service is %s", said)
	}
}
