//go:build systemd

package packaging_test

import (
	"maps"
	"path/filepath"
	"regexp"
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

// mailCheck is probed more often than people would, but with time for a machine that does other
// things too. The program that stands for a pager is run at once, and only for what is down.
const mailCheck = `notifier "exec" "pager" {
  command = ["/usr/bin/tee", "--append", "/var/lib/imapvigil/pages"]
}

notification_role "pager" {
  notify {
    via      = notifier.exec.pager
    severity = "down"
  }
}

imap_check "mail" {
  hostname        = "mail.example.net"
  interval        = "5s"
  retry_interval  = "1s"
  timeout         = "5s"
  fault_tolerance = "10s"
  also_notify     = [notification_role.pager]

  recovery_tolerance = "2s"
  reopen_within      = "0s"
}
`

// refusal is what a NATS server says when it lets somebody in who does not belong there, or the other
// way about. That somebody was too slow, as on a machine that does other things too, is none.
var refusal = regexp.MustCompile(`(?m)^.*(Violation|authentication error|handshake error: (remote error: )?(tls|x509):).*$`)

// A clusterOf is three machines on which the play has made a cluster, and one that they watch.
type clusterOf struct {
	*network
	t    *testing.T
	mail *machine
	play *play
}

// TestCluster has Ansible make a cluster of three machines, in one play, which watches a Dovecot on
// a fourth: the parts go on from one another.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := bootsFour(t)
	for _, part := range []struct {
		name string
		do   func(*clusterOf)
	}{
		{"played", playsTheCluster},
		{"one decides", oneDecides},
		{"Dovecot ends", notifiesOnce},
		{"one path ends", blamesThePath},
		{"the decider is killed", outlivesTheDecider},
		{"the bus ends", outlivesTheBus},
		{"one truth", agreesOnAll},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.do(c.with(t)) }) {
			return
		}
	}
}

// bootsFour boots the nodes and the machine with Dovecot.
func bootsFour(t *testing.T) *clusterOf {
	machines := map[string]*machine{mailHost: switchOn(t, "trixie", "dovecot")}
	for _, name := range nodeHosts {
		machines[name] = switchOn(t, "trixie", "postfix")
	}
	for _, m := range machines {
		m.awaitServices()
	}
	nodes := maps.Clone(machines)
	delete(nodes, mailHost)
	c := &clusterOf{connect(t, machines), t, machines[mailHost], newPlayOn(t, nodes, threeNodes, nil)}
	authority := certifiesDovecot(c.mail, mailHost)
	for _, m := range nodes {
		m.trusts(authority)
	}
	return c
}

// with returns the same for a part of the test.
func (c *clusterOf) with(t *testing.T) *clusterOf {
	machines := map[string]*machine{}
	for name, m := range c.machines {
		machines[name] = m.in(t)
	}
	return &clusterOf{&network{t, machines, c.addresses}, t, machines[mailHost], c.play.in(t)}
}

// playsTheCluster: the keys are made on the machines, the NATS servers find each other and let in
// the nodes, and a second play changes nothing.
func playsTheCluster(c *clusterOf) {
	bus, err := filepath.Abs(made(c.t, "imapvigil-bus_*_"+runtime.GOARCH+".deb"))
	if err != nil {
		c.t.Fatal(err)
	}
	vars := map[string]any{
		"imapvigil_nodes": "nodes", "imapvigil_bus_deb": bus, "imapvigil_notify_test": false, "imapvigil_alone_after": "30s",
		"imapvigil_servers": []any{map[string]any{"name": "mx1", "hostname": mailHost, "ports": []int{993}}},
	}
	c.play.changes(vars)
	c.play.changesNothing(vars)
	files := map[string]bool{}
	for _, name := range nodeHosts {
		m := c.machines[name]
		files[m.run("cat", "/etc/imapvigil/nodes.hcl")] = true
		m.modes(map[string]string{
			"/etc/imapvigil/nodes.hcl":           "640 root:imapvigil",
			"/etc/imapvigil/credentials/bus-key": "640 root:imapvigil",
			"/etc/imapvigil-bus/server.key":      "640 root:imapvigil-bus",
		})
		if hasAuthority := m.exists("/root/imapvigil-bus/ca.key"); hasAuthority != strings.HasPrefix(name, "fra1") {
			c.t.Errorf("%s has the key of the authority: %t", name, hasAuthority)
		}
		if said := refusal.FindAllString(m.busLog(), -1); len(said) > 0 {
			c.t.Errorf("the server on %s refused somebody: %q", name, said)
		}
	}
	if len(files) != 1 {
		c.t.Errorf("the nodes have different files: %q", slices.Collect(maps.Keys(files)))
	}
}
