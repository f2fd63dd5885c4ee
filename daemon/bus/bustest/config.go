package bustest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// A nodeKey is the key of a node that a Setup names.
type nodeKey struct {
	seed   opaque.Secret
	public string
	decide bool
}

func newKeys(t testing.TB, setup Setup) map[member]nodeKey {
	t.Helper()
	keys := map[member]nodeKey{}
	for i := range max(setup.Clusters, 1) {
		for _, node := range slices.Concat(setup.Deciding, setup.Following) {
			seed, public, err := bus.NewKey()
			process.Must(t, err)
			keys[member{clusterName(i), node}] = nodeKey{seed, public, slices.Contains(setup.Deciding, node)}
		}
	}
	return keys
}

// writeConfig writes the files of one server.
func (s *Servers) writeConfig(i int) error {
	one := s.servers[i]
	var c strings.Builder
	fmt.Fprintf(&c, "server_name: %s\n", one.name)
	fmt.Fprintf(&c, "listen: %q\n", one.at(one.client))
	fmt.Fprintf(&c, "http: %q\n", one.at(one.monitor))
	fmt.Fprintf(&c, "jetstream { store_dir: %q, max_file: 100GB, max_mem: 64MB, sync_interval: always }\n", filepath.Join(one.Dir, "store"))
	c.WriteString("lame_duck_duration: \"30s\", lame_duck_grace_period: \"2s\"\n")
	if len(s.servers) > 1 {
		s.writeRoutes(&c, i)
	}
	if !s.setup.Plain {
		cert, key := filepath.Join(one.Dir, "cert.pem"), filepath.Join(one.Dir, "key.pem")
		if err := ca.WriteFiles(s.authority.Issue(ca.Leaf{IPs: []net.IP{net.ParseIP(one.Address)}, NotAfter: s.setup.Ends}), cert, key); err != nil {
			return err
		}
		pair := fmt.Sprintf("cert_file: %q, key_file: %q", cert, key)
		fmt.Fprintf(&c, "websocket { listen: %q, tls { %s } }\n", one.at(one.websocket), pair)
		if s.setup.Verify {
			authority := filepath.Join(one.Dir, "authority.pem")
			if err := s.authority.WriteFile(authority); err != nil {
				return err
			}
			pair += fmt.Sprintf(", ca_file: %q, verify: true", authority)
		}
		fmt.Fprintf(&c, "tls { %s }\n", pair)
		s.writeUsers(&c)
	}
	return os.WriteFile(filepath.Join(one.Dir, "server.conf"), []byte(c.String()), 0o600)
}

func (s *Servers) writeRoutes(c *strings.Builder, i int) {
	fmt.Fprintf(c, "cluster {\n  name: bus\n  listen: %q\n  no_advertise: true\n", s.servers[i].at(s.servers[i].route))
	if s.setup.Separable {
		// Under what it says of itself nobody reaches it, so that all go through the proxies.
		c.WriteString("  advertise: \"127.0.0.1:1\"\n")
	}
	c.WriteString("  routes: [\n")
	for j, other := range s.servers {
		address := other.at(other.route)
		if p := s.routes[[2]int{i, j}]; p != nil {
			address = p.address()
		}
		if i != j {
			fmt.Fprintf(c, "    %q\n", "nats://"+address)
		}
	}
	c.WriteString("  ]\n}\n")
}

func (s *Servers) writeUsers(c *strings.Builder) {
	if s.setup.Users != "" {
		c.WriteString(s.setup.Users)
		return
	}
	c.WriteString("authorization { users: [\n")
	for m, key := range s.keys {
		publish, subscribe := bus.Permissions(m.cluster, m.node, key.decide)
		if stream := "$JS.API.DIRECT.GET.iv_" + m.cluster + "_journal"; s.setup.Earlier {
			publish = append(publish, stream, stream+".iv."+m.cluster+".journal")
		}
		fmt.Fprintf(c, "  { nkey: %s, permissions {\n    publish { allow: [%s] }\n    subscribe { allow: [%s] }\n  } }\n",
			key.public, quoted(publish), quoted(subscribe))
	}
	c.WriteString("] }\n")
}

func quoted(subjects []string) string {
	var list []string
	for _, subject := range subjects {
		list = append(list, strconv.Quote(subject))
	}
	return strings.Join(list, ", ")
}
