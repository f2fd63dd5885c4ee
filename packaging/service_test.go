//go:build systemd

package packaging_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestService takes the package through its life on the Debian releases that
// are supported: the parts go on from one another.
func TestService(t *testing.T) {
	t.Parallel()
	for _, release := range []string{"bookworm", "trixie"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			m := boot(t, release)
			for _, part := range []struct {
				name string
				do   func(*machine)
			}{
				{"installed", installs},
				{"safe", isSafe},
				{"ready", becomesReady},
				{"reload", reloads},
				{"log", isFoundInTheLog},
				{"reload of a broken file", refusesBrokenFiles},
				{"secrets", findsCredentials},
				{"people", letsTheGroupIn},
				{"killed", survivesKilling},
				{"stuck", survivesBeingStuck},
				{"stopped", stops},
				{"upgraded", upgrades},
				{"removed", isRemoved},
				{"installed anew", installsAnew},
			} {
				ok := t.Run(part.name, func(t *testing.T) { part.do(m.in(t)) })
				if !ok {
					return
				}
			}
		})
	}
}

// becomesReady: 1,000 checks within 2 seconds, which is ten times longer where the
// machine has other things to do.
func becomesReady(m *machine) {
	var text strings.Builder
	text.WriteString("defaults {\n  interval = \"1h\"\n  fault_tolerance = \"12h\"\n  notification_roles = []\n}\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "imap_check \"c%03d\" {\n  hostname = \"127.0.0.1\"\n  port = 993\n}\n", i)
	}
	m.write("/etc/imapvigil/thousand.hcl", text.String())
	m.run("systemctl", "restart", "imapvigil") // returns at READY
	if status := m.property("StatusText"); !strings.HasPrefix(status, "watching 1000 checks") {
		m.t.Errorf("the status is %q", status)
	}
	took := m.moment("ActiveEnterTimestamp") - m.moment("ExecMainStartTimestamp")
	m.t.Logf("from its start to READY with 1,000 checks: %v", took)
	if took > 20*time.Second {
		m.t.Error("READY takes more than 20 seconds")
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

// isFoundInTheLog: an incident is found by its check, by its id and by its cause
// in systemd's journal, whatever else is written there.
func isFoundInTheLog(m *machine) {
	id, _, _ := strings.Cut(m.incidents()[0], " ")
	var entry map[string]any
	m.await("an entry of the incident", func() bool { // journald writes when it gets to it
		said, _ := m.try("journalctl", "--unit=imapvigil", "--output=json", "--lines=1", "INCIDENT_ID="+id)
		return json.Unmarshal([]byte(said), &entry) == nil
	})
	for _, field := range []string{"CHECK_ID=gone", fmt.Sprint("CAUSE=", entry["CAUSE"])} {
		if said := m.run("journalctl", "--unit=imapvigil", "--no-pager", field); !strings.Contains(said, "incident="+id) {
			m.t.Errorf("%s finds %q", field, said)
		}
	}
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

// findsCredentials: what root alone can read comes to the daemon by the unit's
// example of LoadCredential=, and what its group can read without.
func findsCredentials(m *machine) {
	m.write("/etc/imapvigil/credentials/smtp-password", "hunter2")
	m.run("chown", "root:root", "/etc/imapvigil/credentials/smtp-password")
	m.run("chmod", "600", "/etc/imapvigil/credentials/smtp-password")
	m.write("/etc/imapvigil/credentials/shared", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	m.run("chmod", "640", "/etc/imapvigil/credentials/shared")
	example := m.run("sed", "-n", "s/^#LoadCredential=/LoadCredential=/p", "/usr/lib/systemd/system/imapvigil.service")
	m.write("/etc/systemd/system/imapvigil.service.d/credentials.conf", "[Service]\n"+example+"\n")
	m.write("/etc/imapvigil/ways.hcl", `notifier "email" "loaded" {
  host     = "127.0.0.1"
  from     = "imapvigil@example.org"
  username = "alerts"
  password = credential("smtp-password")
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
