//go:build systemd

package packaging_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// oneNode is a cluster of one machine, which also runs its NATS server.
const oneNode = `cluster {
  servers = ["tls://localhost:4222"]
  ca_file = "bus-ca.pem"
  key     = credential("bus-key")
}

node "$NODE" {
  key = "$KEY"
}
`

// TestBus takes the package imapvigil-bus through its life: the parts go on from one another.
func TestBus(t *testing.T) {
	t.Parallel()
	m := boot(t, "trixie")
	for _, part := range []struct {
		name string
		do   func(*machine)
	}{
		{"without a configuration", waitsForAConfiguration},
		{"configured", servesNodes},
		{"reloaded", reloadsTheBus},
		{"stopped", stopsTheBus},
		{"removed", removesTheBus},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.do(m.in(t)) }) {
			return
		}
	}
}

// busProperty is one of the service of the bus, as systemctl show has it.
func (m *machine) busProperty(name string) string {
	m.t.Helper()
	return m.run("systemctl", "show", "--property="+name, "--value", "imapvigil-bus")
}

// installBus installs the package imapvigil-bus, and returns what apt printed.
func (m *machine) installBus() string {
	m.t.Helper()
	content, err := os.ReadFile(made(m.t, "imapvigil-bus_*_"+runtime.GOARCH+".deb"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("/root/imapvigil-bus.deb", string(content))
	return m.run("apt-get", "--yes", "install", "/root/imapvigil-bus.deb")
}

// waitsForAConfiguration: it is enabled, does not run, and nothing has failed.
func waitsForAConfiguration(m *machine) {
	if said := m.installBus(); !strings.Contains(said, "imapvigil nodes bus-config") {
		m.t.Errorf("the package does not print what to do next: %s", said)
	}
	if state := m.busProperty("ActiveState"); state != "inactive" {
		m.t.Errorf("without a configuration the service is %s", state)
	}
	if failed := m.run("systemctl", "--failed", "--no-legend"); failed != "" {
		m.t.Errorf("units have failed: %s", failed)
	}
	m.run("systemctl", "is-enabled", "imapvigil-bus")
	m.modes(map[string]string{"/etc/imapvigil-bus": "2750 root:imapvigil-bus"})
	if said, _ := m.try("dpkg", "--verify", "imapvigil-bus"); said != "" {
		m.t.Errorf("what is installed is not what was packed: %s", said)
	}
}

// servesNodes does what imapvigil-nodes(7) says, for one machine.
func servesNodes(m *machine) {
	m.install(built(m.t))
	lines := strings.Split(m.run("imapvigil", "nodes", "key"), "\n")
	fill := strings.NewReplacer("$NODE", m.run("hostname", "-s"), "$KEY", lines[len(lines)-1])
	m.write("/etc/imapvigil/nodes.hcl", fill.Replace(oneNode))
	m.run("imapvigil", "nodes", "bus-config", "--out", "/root/bus")
	m.installBusFiles()
	m.run("systemctl", "restart", "imapvigil-bus")
	if state := m.busProperty("ActiveState"); state != "active" {
		m.t.Fatalf("the service is %s", state)
	}
	m.isSaidByTheBus("Server is ready")
	m.isSaidByTheBus("Listening for client connections on 0.0.0.0:4222")
	m.modes(map[string]string{
		"/etc/imapvigil-bus/server.key":       "640 root:imapvigil-bus",
		"/etc/imapvigil/credentials/bus-key":  "640 root:imapvigil",
		"/var/lib/imapvigil-bus":              "700 imapvigil-bus:imapvigil-bus",
		"/root/bus/ca.key":                    "600 root:root",
		"/etc/imapvigil-bus/nats-server.conf": "644 root:imapvigil-bus",
		"/var/lib/imapvigil-bus/jetstream":    "700 imapvigil-bus:imapvigil-bus",
	})
	m.run("systemd-analyze", "security", "--no-pager", "--threshold=13", "imapvigil-bus.service")
	for _, wrong := range []string{"[ERR]", "[WRN]", "[FTL]", "ermission"} {
		if said := m.busLog(); strings.Contains(said, wrong) {
			m.t.Errorf("the server complains: %s", said)
		}
	}
}

// installBusFiles puts what bus-config has written where it belongs.
func (m *machine) installBusFiles() {
	m.t.Helper()
	m.run("sh", "-ec", "cp /root/bus/localhost/* /etc/imapvigil-bus/ && cp /root/bus/ca.pem /etc/imapvigil/bus-ca.pem")
	m.run("systemd-tmpfiles", "--create", "imapvigil-bus.conf")
}

func (m *machine) busLog() string {
	m.t.Helper()
	return m.run("journalctl", "--unit=imapvigil-bus", "--no-pager", "--output=cat")
}

// isSaidByTheBus waits until a text is in its log.
func (m *machine) isSaidByTheBus(text string) {
	m.t.Helper()
	m.await(text, func() bool { return strings.Contains(m.busLog(), text) })
}

// reloadsTheBus: a new certificate needs no restart, and a configuration in error changes nothing.
func reloadsTheBus(m *machine) {
	pid := m.busProperty("MainPID")
	m.run("imapvigil", "nodes", "bus-config", "--out", "/root/bus", "--renew")
	m.installBusFiles()
	m.run("systemctl", "reload", "imapvigil-bus")
	m.isSaidByTheBus("Reloaded server configuration")
	m.run("sh", "-ec", "echo 'prot: 4222' >>/etc/imapvigil-bus/nats-server.conf")
	if said, code := m.try("systemctl", "reload", "imapvigil-bus"); code == 0 {
		m.t.Errorf("it is reloaded with an error: %s", said)
	}
	m.isSaidByTheBus(`unknown field "prot"`)
	m.installBusFiles()
	m.run("systemctl", "reload", "imapvigil-bus")
	if now := m.busProperty("MainPID"); now != pid || m.busProperty("ActiveState") != "active" {
		m.t.Errorf("process %s became %s", pid, now)
	}
}

// stopsTheBus: it ends by itself, in its own time.
func stopsTheBus(m *machine) {
	m.run("systemctl", "stop", "imapvigil-bus")
	m.isSaidByTheBus("Entering lame duck mode")
	if result := m.busProperty("Result"); result != "success" {
		m.t.Errorf("it ended with %s", result)
	}
	m.run("systemctl", "start", "imapvigil-bus")
}

// removesTheBus: removing keeps the state, purging removes it; what people wrote stays.
func removesTheBus(m *machine) {
	m.run("apt-get", "--yes", "remove", "imapvigil-bus")
	if m.busProperty("ActiveState") != "inactive" || !m.exists("/var/lib/imapvigil-bus/jetstream") {
		m.t.Error("it still runs, or has lost what it kept")
	}
	m.run("apt-get", "--yes", "purge", "imapvigil-bus")
	if m.exists("/var/lib/imapvigil-bus") || !m.exists("/etc/imapvigil-bus/server.key") {
		m.t.Error("purging left the state, or removed what the package did not bring")
	}
}
