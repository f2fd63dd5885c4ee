package serverfiles

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// The names of the files that a server reads, all in Directory, as the package imapvigil-bus has it.
const (
	Directory       = "/etc/imapvigil-bus"
	ConfigFile      = "nats-server.conf"
	CertificateFile = "server.pem"
	KeyFile         = "server.key"
	AuthorityFile   = "ca.pem"

	store = "/var/lib/imapvigil-bus"
)

// Config returns the nats-server.conf of one of the servers of a cluster. It is an error if a node
// has no key in the files: the server would not know it.
func Config(c *config.Cluster, server Server) ([]byte, error) {
	servers, err := Servers(c)
	if err != nil {
		return nil, err
	}
	var t confText
	t.line("# Made by imapvigil nodes bus-config, of the cluster %q. Make it again after a", c.Name)
	t.line("# change of servers or nodes; what is changed here by hand is lost then.")
	t.line("")
	t.line("server_name: %q", server.Host)
	t.listen(server)
	if len(servers) > 1 {
		t.routes(c, server, servers)
	}
	t.limits()
	if err := t.accounts(c); err != nil {
		return nil, err
	}
	return []byte(t.String()), nil
}

// confText is a configuration of NATS that is being written.
type confText struct {
	strings.Builder
	depth int
}

func (t *confText) line(format string, args ...any) {
	if format != "" {
		t.WriteString(strings.Repeat("  ", t.depth))
	}
	fmt.Fprintf(t, format+"\n", args...)
}

// block writes a block with the lines that inside writes.
func (t *confText) block(head string, inside func()) {
	t.line("%s", strings.TrimSpace(head+" {"))
	t.depth++
	inside()
	t.depth--
	t.line("}")
}

// listen says where nodes are let in. A server of WebSocket alone listens for other nodes on its
// own machine, because nats-server always has such a port.
func (t *confText) listen(s Server) {
	switch {
	case s.Plain:
		t.line(`host: "127.0.0.1" # this machine alone, so there is no TLS`)
		t.line("port: %d", s.Port)
		return
	case s.Port == 0:
		t.line(`host: "127.0.0.1" # the nodes use wss://`)
		t.line("port: %d", nodePort)
	default:
		t.line("port: %d # for the nodes", s.Port)
		t.line("client_advertise: %q", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	}
	t.block("tls", t.ownCertificate)
	if s.WebSocket != 0 {
		t.block("websocket", func() {
			t.line("port: %d # for nodes that reach no other port", s.WebSocket)
			t.line("advertise: %q", net.JoinHostPort(s.Host, strconv.Itoa(s.WebSocket)))
			t.block("tls", t.ownCertificate)
		})
	}
}

func (t *confText) ownCertificate() {
	t.line("cert_file: %q", Directory+"/"+CertificateFile)
	t.line("key_file: %q", Directory+"/"+KeyFile)
	t.line(`min_version: "1.3"`)
}

// routes lets in the other servers. They show each other certificates of the one authority, and
// nodes are not told of them: the files name all servers, by the names that nodes can reach.
func (t *confText) routes(c *config.Cluster, server Server, servers []Server) {
	t.line("")
	t.block("cluster", func() {
		t.line("name: %q", c.Name)
		t.line("port: %d # for the other servers, and nobody else", routePort)
		// Otherwise the servers tell each other their addresses, and refuse the certificates there,
		// which have the names.
		t.line("advertise: %q", net.JoinHostPort(server.Host, strconv.Itoa(routePort)))
		t.line("no_advertise: true")
		t.line("routes: [")
		for _, other := range servers {
			if other.Host != server.Host {
				t.line("  %q", "tls://"+net.JoinHostPort(other.Host, strconv.Itoa(routePort)))
			}
		}
		t.line("]")
		t.block("tls", func() {
			t.ownCertificate()
			t.line("ca_file: %q", Directory+"/"+AuthorityFile)
			t.line("verify: true")
		})
	})
}

// limits says what the server keeps and how much it bears.
func (t *confText) limits() {
	t.line("")
	t.block("jetstream", func() {
		t.line("store_dir: %q", store)
		t.line("# What was acknowledged is on the disk, also after a power cut.")
		t.line("sync_interval: always")
		t.line("max_memory_store: 0")
		t.line("max_file_store: 2GB # the journal of the nodes takes 1 GB at most")
	})
	t.line("max_payload: 1MB")
	t.line("max_connections: 1024")
	t.line("# When it is stopped, it hands over to the other servers first.")
	t.line(`lame_duck_duration: "30s"`)
	t.line(`lame_duck_grace_period: "2s"`)
	t.line("logtime: false # the journal of systemd has the time")
}

// accounts lets in the nodes, each with what it needs and nothing else.
func (t *confText) accounts(c *config.Cluster) error {
	for _, n := range c.SortedNodes() {
		if !bus.IsPublic(n.Key) {
			return fmt.Errorf("node %q has no key in the files, so the servers could not know it. Run imapvigil nodes key on "+
				"it, and write what it prints: node %[1]q { key = \"U...\" }", n.ID)
		}
	}
	t.line("")
	t.block("accounts", func() {
		t.block(fmt.Sprintf("%q", c.Name), func() {
			t.block("jetstream", func() { t.line("max_streams: 1") })
			t.line("users: [")
			t.depth++
			for _, n := range c.SortedNodes() {
				t.user(c, n)
			}
			t.depth--
			t.line("]")
		})
	})
	return nil
}

func (t *confText) user(c *config.Cluster, n *config.Node) {
	publish, subscribe := bus.Permissions(c.Name, string(n.ID), n.Decide)
	role := "decides"
	if !n.Decide {
		role = "only probes"
	}
	t.block("", func() {
		t.line("# %s, which %s", n.ID, role)
		t.line("nkey: %q", n.Key)
		t.block("permissions", func() {
			t.subjects("publish", publish)
			t.subjects("subscribe", subscribe)
		})
	})
}

// subjects lists what may be published or subscribed to, in an order that a change of the program
// does not disturb.
func (t *confText) subjects(head string, subjects []string) {
	t.line("%s: { allow: [", head)
	for _, subject := range slices.Sorted(slices.Values(subjects)) {
		t.line("  %q", subject)
	}
	t.line("] }")
}
