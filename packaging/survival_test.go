//go:build systemd

package packaging_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
	m.write("/etc/systemd/system/imapvigil.service.d/watchdog.conf", "[Service]\nWatchdogSec=5s\nTimeoutAbortSec=1s\n")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "imapvigil")
	m.survives(func() { m.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "imapvigil") })
	if said := m.run("journalctl", "--unit=imapvigil", "--grep=watchdog", "--no-pager"); !strings.Contains(said, "timeout") {
		m.t.Errorf("the watchdog did not do it: %s", said)
	}
	m.run("rm", "-r", "/etc/systemd/system/imapvigil.service.d")
	m.run("rm", "/etc/imapvigil/ways.hcl") // needs what LoadCredential= gave
	m.run("systemctl", "daemon-reload")
}

// stops: SIGTERM ends it well. After TimeoutStopSec, 10 seconds, systemd would kill it,
// and the result would be a timeout.
func stops(m *machine) {
	before := m.incidents()
	begun := time.Now()
	m.run("systemctl", "stop", "imapvigil")
	took := time.Since(begun)
	m.t.Logf("stopped in %v", took)
	if result := m.property("Result"); result != "success" {
		m.t.Errorf("%s after %v", result, took)
	}
	m.run("systemctl", "start", "imapvigil")
	if after := m.incidents(); !slices.Equal(before, after) {
		m.t.Errorf("incidents were\n%q, and are\n%q", before, after)
	}
}
