package daemon

import (
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A server of the bus is on this machine if it is called as the node is, or answers at an address of it.
func TestWhichServersOfTheBusRunHere(t *testing.T) {
	t.Parallel()
	c := &config.Cluster{Servers: []string{"tls://fra1.example.net:4222", "tls://192.0.2.7:4222", "wss://127.0.0.1:443", "tls://fra10.invalid:4222"}}
	if own := ownServers(t.Context(), c, "fra1"); !slices.Equal(own, []string{"fra1.example.net", "127.0.0.1"}) {
		t.Errorf("these are said to run here: %v", own)
	}
}

// TestChangedClusterNeedsRestart: a node goes on with the servers and the login of its start, and takes
// at once what concerns the nodes; the reload says which is which.
func TestChangedClusterNeedsRestart(t *testing.T) {
	nodes := map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}, "nyc1": {ID: "nyc1", Decide: true}}
	begun := &config.Cluster{Name: "imapvigil", Servers: []string{"tls://a.example"}, AloneAfter: time.Minute, Nodes: nodes}
	check := &config.Check{ID: "mx", Quorum: config.Quorum{Nodes: 1, Agree: 1}}
	first := &config.Config{Cluster: begun, Checks: map[config.CheckID]*config.Check{"mx": check}}
	m := &monitor{started: true, node: "fra1", member: &membership{begun: begun, name: "fra1", last: first}}
	reload := func(change func(*config.Config)) (taken *config.Config, said string) {
		cfg, c := *first, *begun
		c.Nodes = maps.Clone(begun.Nodes)
		cfg.Cluster = &c
		change(&cfg)
		for _, d := range m.clusterNeedsRestart(&cfg) {
			said += d.Summary + ". " + d.Detail
		}
		return m.member.asTaken(&cfg), said
	}
	taken, said := reload(func(c *config.Config) {
		c.Cluster.AloneAfter = time.Hour
		c.Cluster.Nodes["lon1"] = &config.Node{ID: "lon1"}
	})
	if taken.Cluster.AloneAfter != time.Hour || len(taken.Cluster.Nodes) != 3 || said != "" {
		t.Errorf("%+v is taken of other nodes, and %q is said", taken.Cluster, said)
	}
	taken, said = reload(func(c *config.Config) {
		c.Cluster.Servers, c.Cluster.Name, c.Cluster.AloneAfter = []string{"tls://b.example"}, "other", time.Hour
		delete(c.Cluster.Nodes, "nyc1")
	})
	if got := taken.Cluster; got.Servers[0] != "tls://a.example" || got.Name != "imapvigil" || got.AloneAfter != time.Hour || len(got.Nodes) != 1 {
		t.Errorf("%+v is taken of other servers", got)
	}
	if !strings.Contains(said, "needs a restart") || !strings.Contains(said, "at its start: servers, name. ") {
		t.Errorf("of other servers is said: %s", said)
	}
	taken, said = reload(func(c *config.Config) {
		c.Cluster = nil
		c.Checks = map[config.CheckID]*config.Check{"mx": {ID: "mx"}, "new": {ID: "new"}}
	})
	if got := taken.Checks; taken.Cluster != begun || got["mx"].Quorum.Nodes != 1 || got["new"].Quorum.Nodes != 2 || got["new"].Quorum.Agree != 2 {
		t.Errorf("without a cluster block %+v is taken, and %+v of a new check", taken.Cluster, got["new"].Quorum)
	}
	if !strings.Contains(said, "A removed cluster block needs a restart") {
		t.Errorf("of a removed cluster block is said: %s", said)
	}
}

// A server of the bus on this machine answers without a network, so its addresses must be known as those of this
// machine: also to a service that may not list them, see RestrictAddressFamilies in its unit.
func TestAddressesOfThisMachineAreItsOwn(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		ip := netip.MustParsePrefix(a.String()).Addr()
		if !ip.IsLinkLocalUnicast() && !isOwnAddress(ip) { // such an address takes a zone
			t.Errorf("%s is not its own", ip)
		}
	}
	for _, text := range []string{"192.0.2.1", "2001:db8::1"} { // RFC 5737, RFC 3849
		if isOwnAddress(netip.MustParseAddr(text)) {
			t.Errorf("%s is its own", text)
		}
	}
	unit, err := os.ReadFile("../packaging/systemd/imapvigil.service")
	if err != nil || strings.Contains(string(unit), "AF_NETLINK") {
		t.Errorf("the service may list its addresses, or %v: isOwnAddress can be simpler", err)
	}
}
