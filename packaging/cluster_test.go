//go:build systemd

package packaging_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// nodeHosts are the machines of TestCluster, and threeNodes is their inventory.
var nodeHosts = []string{"fra1.example.net", "lon1.example.net", "nyc1.example.net"}

const threeNodes = `[nodes]
fra1.example.net imapvigil_location=frankfurt
nyc1.example.net imapvigil_location=new-york
lon1.example.net imapvigil_location=london
`

// mailHost has the Dovecot that they watch.
const mailHost = "mail.example.net"

// mailCheck is probed more often than people would.
const mailCheck = `imap_check "mail" {
  hostname        = "mail.example.net"
  interval        = "2s"
  retry_interval  = "1s"
  timeout         = "1s"
  fault_tolerance = "5s"

  recovery_tolerance = "2s"
  reopen_within      = "0s"
}
`

// A clusterOf is three machines on which the play has made a cluster, and one that they watch.
type clusterOf struct {
	*network
	t    *testing.T
	mail *machine
}

// TestCluster has Ansible make a cluster of three machines, in one play, which watches a Dovecot on
// a fourth: the parts go on from one another.
func TestCluster(t *testing.T) {
	machines := map[string]*machine{mailHost: boot(t, "trixie", "dovecot")}
	for _, name := range nodeHosts {
		machines[name] = boot(t, "trixie", "postfix")
	}
	c := &clusterOf{connect(t, machines), t, machines[mailHost]}
	authority := certifiesDovecot(c.mail, mailHost)
	for _, name := range nodeHosts {
		machines[name].trusts(authority)
	}
	for _, part := range []struct {
		name string
		do   func(*clusterOf)
	}{
		{"played", playsTheCluster},
		{"one decides", oneDecides},
		{"Dovecot ends", notifiesOnce},
		{"one path ends", blamesThePath},
		{"the decider is killed", outlivesTheDecider},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.do(c.with(t)) }) {
			return
		}
	}
}

// with returns the same for a part of the test.
func (c *clusterOf) with(t *testing.T) *clusterOf {
	machines := map[string]*machine{}
	for name, m := range c.machines {
		machines[name] = &machine{t, m.leader}
	}
	return &clusterOf{&network{t, machines, c.addresses}, t, machines[mailHost]}
}

// playsTheCluster: the keys are made on the machines, the NATS servers find each other and let in
// the nodes, and a second play changes nothing.
func playsTheCluster(c *clusterOf) {
	bus, err := filepath.Abs(made(c.t, "imapvigil-bus_*_"+runtime.GOARCH+".deb"))
	if err != nil {
		c.t.Fatal(err)
	}
	nodes := maps.Clone(c.machines)
	delete(nodes, mailHost)
	p := newPlayOn(c.t, nodes, threeNodes, map[string]any{
		"imapvigil_nodes": "nodes", "imapvigil_bus_deb": bus, "imapvigil_notify_test": false,
		"imapvigil_servers": []any{map[string]any{"name": "mx1", "hostname": mailHost, "ports": []int{993}}},
	})
	p.changes(nil)
	p.changesNothing(nil)
	files := map[string]bool{}
	for name, m := range nodes {
		files[m.run("cat", "/etc/imapvigil/nodes.hcl")] = true
		m.modes(map[string]string{
			"/etc/imapvigil/nodes.hcl":           "640 root:imapvigil",
			"/etc/imapvigil/credentials/bus-key": "640 root:imapvigil",
			"/etc/imapvigil-bus/server.key":      "640 root:imapvigil-bus",
		})
		if hasAuthority := m.exists("/root/imapvigil-bus/ca.key"); hasAuthority != strings.HasPrefix(name, "fra1") {
			c.t.Errorf("%s has the key of the authority: %t", name, hasAuthority)
		}
		if said := m.busLog(); strings.Contains(said, "Violation") || strings.Contains(said, "uthentication") || strings.Contains(said, "handshake") {
			c.t.Errorf("the server on %s refused somebody: %s", name, said)
		}
	}
	if len(files) != 1 {
		c.t.Errorf("the nodes have different files: %q", slices.Collect(maps.Keys(files)))
	}
}

// A nodeStatus is what the test reads of imapvigil status --json.
type nodeStatus struct {
	Node   struct{ Name, Role, Decider string }
	Checks []struct {
		ID, State string
	}
}

func (c *clusterOf) status(host string) (s nodeStatus) {
	c.t.Helper()
	said, _ := c.machines[host].try("imapvigil", "status", "--json")
	_ = json.Unmarshal([]byte(said), &s) // while the daemon restarts it is no JSON
	return s
}

// decider returns the host that decides for all; "" while the nodes do not agree on one.
func (c *clusterOf) decider() (host string) {
	c.t.Helper()
	for _, name := range nodeHosts {
		s := c.status(name)
		short, _, _ := strings.Cut(name, ".")
		switch {
		case s.Node.Role == "deciding" && host == "" && s.Node.Decider == short:
			host = name
		case s.Node.Role != "following":
			return ""
		}
	}
	return host
}

func (c *clusterOf) awaitState(state string) {
	c.t.Helper()
	await(c.t, patience, "mail is "+state, func() bool {
		for _, check := range c.status(nodeHosts[0]).Checks {
			if check.ID == "mail" {
				return check.State == state
			}
		}
		return false
	})
}

// messages counts those that root got on all nodes with a line that begins so, in the plain text: several
// incidents may be in one message.
func (c *clusterOf) messages(text string) (n int) {
	c.t.Helper()
	for _, name := range nodeHosts {
		if m := c.machines[name]; m.exists("/var/mail/root") {
			n += strings.Count(m.run("cat", "/var/mail/root"), "\n"+text)
		}
	}
	return n
}

// oneDecides: the others follow it. The check comes with the files, as any other.
func oneDecides(c *clusterOf) {
	await(c.t, patience, "one node decides", func() bool { return c.decider() != "" })
	for _, name := range nodeHosts {
		c.machines[name].write("/etc/imapvigil/mail.hcl", mailCheck)
		c.machines[name].run("imapvigil", "reload")
	}
	c.awaitState("ok")
}

// What the messages to root say.
const (
	opening = "DOWN mail"
	closing = "RECOVERED mail: was down"
)

// notifiesOnce: one opening and one closing, whoever saw it.
func notifiesOnce(c *clusterOf) {
	c.mail.run("systemctl", "stop", "dovecot")
	c.awaitState("down")
	await(c.t, patience, "an opening", func() bool { return c.messages(opening) > 0 })
	c.mail.run("systemctl", "start", "dovecot")
	c.awaitState("ok")
	await(c.t, patience, "a closing", func() bool { return c.messages(closing) > 0 })
	if o, r := c.messages(opening), c.messages(closing); o != 1 || r != 1 {
		c.t.Errorf("%d openings and %d closings were sent", o, r)
	}
}

// blamesThePath: what one node alone sees fail is degraded, and nobody is down.
func blamesThePath(c *clusterOf) {
	heal := c.cut("lon1.example.net", mailHost)
	c.awaitState("degraded")
	said := c.machines[nodeHosts[0]].run("sh", "-c", "imapvigil status mail || true")
	if !strings.Contains(said, "london") {
		c.t.Errorf("the status does not say from where: %s", said)
	}
	heal()
	c.awaitState("ok")
	if n := c.messages(opening); n != 1 {
		c.t.Errorf("%d openings were sent", n)
	}
}

// outlivesTheDecider: the one that takes its place sends the closing, and nothing twice.
func outlivesTheDecider(c *clusterOf) {
	openings, closings := c.messages(opening), c.messages(closing)
	c.mail.run("systemctl", "stop", "dovecot")
	await(c.t, patience, "an opening", func() bool { return c.messages(opening) > openings })
	killed := c.decider()
	c.machines[killed].run("systemctl", "mask", "--runtime", "imapvigil")
	c.machines[killed].run("systemctl", "kill", "--signal=KILL", "imapvigil")
	await(c.t, patience, "another node decides", func() bool {
		return slices.ContainsFunc(nodeHosts, func(name string) bool { return name != killed && c.status(name).Node.Role == "deciding" })
	})
	c.mail.run("systemctl", "start", "dovecot")
	await(c.t, patience, "a closing", func() bool { return c.messages(closing) > closings })
	c.machines[killed].run("systemctl", "unmask", "--runtime", "imapvigil")
	c.machines[killed].run("systemctl", "start", "imapvigil")
	await(c.t, patience, "it follows", func() bool { return c.status(killed).Node.Role == "following" })
	if o, r := c.messages(opening)-openings, c.messages(closing)-closings; o != 1 || r != 1 {
		c.t.Errorf("%d openings and %d closings were sent", o, r)
	}
}
