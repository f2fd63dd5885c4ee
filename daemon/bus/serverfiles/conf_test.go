package serverfiles_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
)

// clusters are those of the golden files: each server of them has one.
var clusters = map[string]*config.Cluster{
	"three": {
		Name:    "imapvigil",
		Servers: []string{"tls://fra1.example.net:4222", "tls://nyc1.example.net:4222", "tls://lon1.example.net:4222"},
		Nodes:   nodes,
	},
	"websocket": {
		Name:    "offices",
		Servers: []string{"tls://fra1.example.net:4333", "wss://fra1.example.net", "wss://[2001:db8::1]:8443", "wss://192.0.2.3:8443"},
		Nodes:   nodes,
	},
	"one": {Name: "imapvigil", Servers: []string{"tls://fra1.example.net"}, Nodes: nodes},
	"own": {Name: "imapvigil", Servers: []string{"nats://localhost"}, Nodes: nodes},
}

var nodes = map[config.NodeID]*config.Node{
	"fra1": {ID: "fra1", Location: "frankfurt", Key: "UAUZHGFOV4TNATU4IUVORBCT2DIPYUJTQJDYUB2C7UOAI4FSKMU2HJJ3", Decide: true},
	"nyc1": {ID: "nyc1", Location: "new-york", Key: "UDHBIDJGZYN3PLFQ72LJBLTS2BLH2UTBWS3M2BCSK5KKKLCGV6TR53TQ", Decide: true},
	"lon1": {ID: "lon1", Location: "london", Key: "UANW7KR7JOED3RJC2QV2HPAIW555SOMST7SFTZK2GGBC2CPSME5UDWYD"},
}

// TestConfig holds the configuration of each server of some clusters against files to read.
func TestConfig(t *testing.T) {
	for name, c := range clusters {
		servers, err := serverfiles.Servers(c)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, s := range servers {
			conf, err := serverfiles.Config(c, s)
			if err != nil {
				t.Fatal(name, err)
			}
			golden.Compare(t, goldenFile(name, s), string(conf))
		}
	}
}

func goldenFile(cluster string, s serverfiles.Server) string {
	return filepath.Join("testdata", cluster+"_"+strings.ReplaceAll(s.Host, ":", "_")+".conf")
}

// TestRefused: what would not work is said, and nothing is made of it.
func TestRefused(t *testing.T) {
	unknown := map[config.NodeID]*config.Node{"fra1": nodes["fra1"], "par1": {ID: "par1", Decide: true}}
	for _, test := range []struct {
		servers []string
		nodes   map[config.NodeID]*config.Node
		says    string
	}{
		{[]string{"tls://fra1.example.net"}, unknown, `node "par1" has no key in the files`},
		{[]string{"tls://fra1.example.net:4222", "tls://fra1.example.net:4223"}, nodes, "two URLs of fra1.example.net"},
		{[]string{"nats://localhost", "tls://fra1.example.net"}, nodes, "nats:// is on the machine of its node"},
		{[]string{"nats://localhost", "wss://localhost"}, nodes, "localhost with TLS and without"},
		{[]string{"wss://localhost", "nats://localhost"}, nodes, "localhost with TLS and without"},
	} {
		c := &config.Cluster{Name: "imapvigil", Servers: test.servers, Nodes: test.nodes}
		_, err := serverfiles.Config(c, serverfiles.Server{Host: "fra1.example.net", Port: 4222})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q gives %v, and not: %s", test.servers, err, test.says)
		}
	}
}
