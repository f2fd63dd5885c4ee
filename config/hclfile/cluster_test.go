package hclfile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

const (
	busKey      = "SUAGRPNWSWIZ3XH2MVP5FF5TYYYEBXHZEAQ65J5NXDDCUQZJA44LDC55CM\n"
	otherBusKey = "SUAORVOQFRG36UR3PCLJMYS5F6J2CURX33477QR6JDHPCEWVV2IYDG47UA\n"
)

// clustered are the files of a node that probes only.
var clustered = map[string]string{
	"etc/main.hcl": `
cluster {
  servers = ["tls://a.example.net", "tls://b.example.net", "tls://c.example.net"]
  key     = credential("bus-key")
}
node "fra1" { location = "frankfurt" }
node "nyc1" { location = "new-york" }
node "lon1" {
  location = "london"
  decide   = false
}
daemon { heartbeat_url = "https://ping.example.com/${credential("heartbeat")}" }
notifier "slack" "chat" { token = credential("slack") }
notification_role "it" {
  notify {
    via     = notifier.slack.chat
    channel = "#mail"
  }
}
imap_check "mx" {
  hostname    = "mx.example.org"
  description = file("about.txt")
  locations   = ["frankfurt", "london"]
  agree       = 1
}
`,
	"etc/about.txt":           "what it is about",
	"etc/credentials/bus-key": busKey,
}

func with(files map[string]string, more ...string) map[string]string {
	all := maps.Clone(files)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// TestNodeThatOnlyProbesLacksCredentials: what only sending needs may be missing there, and
// nowhere else.
func TestNodeThatOnlyProbesLacksCredentials(t *testing.T) {
	tree(t, clustered)
	cfg, diags := hclfile.Load(read(t, "etc", source.Options{Node: "lon1"}))
	if cfg == nil {
		t.Fatalf("not loaded: %v", diags)
	}
	if !slices.ContainsFunc(diags, func(d config.Diagnostic) bool { return d.Rule == "lacking" && d.Gravity == config.Warning }) {
		t.Errorf("nothing is said of what is missing: %v", diags)
	}
	if cfg.Notifiers["slack.chat"] == nil || len(cfg.Roles["it"].Notify) != 1 || !cfg.Daemon.HeartbeatURL.IsZero() {
		t.Errorf("a node that only probes has %+v, %+v and a heartbeat %t", cfg.Notifiers, cfg.Roles, !cfg.Daemon.HeartbeatURL.IsZero())
	}
	for _, node := range []config.NodeID{"fra1", ""} {
		_, diags := hclfile.Load(read(t, "etc", source.Options{Node: node}))
		missing := 0
		for _, d := range diags {
			if d.Rule == "credential" && d.Gravity == config.Error {
				missing++
			}
		}
		if missing != 2 {
			t.Errorf("on node %q %d credentials are missing: %v", node, missing, diags)
		}
	}
	// Its own key it needs as every node does.
	tree(t, with(clustered, "etc/credentials/bus-key", ""))
	if cfg, _ := hclfile.Load(read(t, "etc", source.Options{Node: "lon1"})); cfg != nil {
		t.Error("a node without its key is loaded")
	}
}

// TestCommonDigest: nodes have different keys and certificates of their own, and credentials that
// others lack. What all have in common is told by one digest.
func TestCommonDigest(t *testing.T) {
	load := func(files map[string]string, node config.NodeID) *config.Config {
		tree(t, files)
		return mustLoad(t, read(t, "etc", source.Options{Node: node}))
	}
	here := load(clustered, "lon1")
	there := load(with(clustered, "etc/credentials/bus-key", otherBusKey, "etc/credentials/slack", "xoxb-1\n", "etc/credentials/heartbeat", "abc\n"), "fra1")
	if here.Digest == there.Digest || here.CommonDigest != there.CommonDigest || here.CommonDigest == "" {
		t.Errorf("of two nodes the digests are\n%s and %s, the common ones\n%s and %s", here.Digest, there.Digest, here.CommonDigest, there.CommonDigest)
	}
	for name, text := range map[string]string{
		"etc/about.txt": "something else", "etc/more.hcl": "# nothing", "etc/main.hcl": clustered["etc/main.hcl"] + "# changed\n",
	} {
		if other := load(with(clustered, name, text), "lon1"); other.CommonDigest == here.CommonDigest {
			t.Errorf("another %s is not told", name)
		}
	}
}

// TestCommonDigestLeavesOutOwnCertificate: of two nodes with certificates the digests differ, and
// the common ones do not.
func TestCommonDigestLeavesOutOwnCertificate(t *testing.T) {
	digests := map[string]bool{}
	common := map[string]bool{}
	for range 2 {
		cert, key := certificateAndKey(t)
		tree(t, map[string]string{
			"etc/main.hcl": `
cluster {
  servers   = ["tls://a.example.net", "tls://b.example.net", "tls://c.example.net"]
  ca_file   = "ca.pem"
  cert_file = "node.pem"
  key_file  = "node.key"
}
node "fra1" {}
node "nyc1" {}
imap_check "mx" { hostname = "mx.example.org" }
`,
			"etc/node.pem": cert, "etc/node.key": key, "etc/ca.pem": clientCert,
		})
		s := read(t, "etc", source.Options{})
		cfg := mustLoad(t, s)
		if !strings.Contains(cfg.Cluster.Cert.Text(), "CERTIFICATE") || cfg.Cluster.CertKey.IsZero() || cfg.Cluster.CA.IsZero() {
			t.Fatalf("the cluster is %+v", cfg.Cluster)
		}
		if next := again(t, s); mustLoad(t, next).CommonDigest != cfg.CommonDigest {
			t.Error("read again, the common digest is another")
		}
		digests[cfg.Digest], common[cfg.CommonDigest] = true, true
	}
	if len(digests) != 2 || len(common) != 1 {
		t.Errorf("two nodes have %d digests and %d common ones", len(digests), len(common))
	}
}

// TestClusterIsSavedAndRestored: the last good configuration of a node is that of a node, its key
// is not saved, and whatever is wrong with the bus later, it never watches as a single machine.
func TestClusterIsSavedAndRestored(t *testing.T) {
	tree(t, clustered)
	s := read(t, "etc", source.Options{Node: "lon1"})
	cfg := mustLoad(t, s)
	saved := save(t, s)
	if bytes.Contains(saved, []byte(strings.TrimSpace(busKey))) {
		t.Fatalf("the key of the node is saved:\n%s", saved)
	}
	restore := func() *config.Config {
		restored, err := hclfile.Restore(bytes.NewReader(saved), source.Options{Node: "lon1"})
		if err != nil {
			t.Fatal(err)
		}
		back, _ := hclfile.Salvage(restored)
		return back
	}
	back := restore()
	if d := config.Compare(cfg, back); !d.IsEmpty() || !reflect.DeepEqual(cfg.Checks["mx"].Quorum, back.Checks["mx"].Quorum) {
		t.Errorf("restored, it differs: %+v", d)
	}
	writeFile(t, "etc/credentials/bus-key", nil) // which is in error, as a missing one is
	back = restore()
	if back.Cluster == nil || len(back.Cluster.Nodes) != 3 || !back.Cluster.Key.IsZero() || back.Checks["mx"].Quorum.Nodes != 2 {
		t.Errorf("without its key the node is salvaged as %+v, which probes %+v", back.Cluster, back.Checks["mx"])
	}
}

// TestSalvageWithoutCluster: a check that says how many nodes probe it is watched all the same.
func TestSalvageWithoutCluster(t *testing.T) {
	cfg, diags := hclfile.Salvage(source.OfText("main.hcl", []byte("imap_check \"mx\" {\n  hostname = \"h\"\n  nodes = 3\n  agree = 2\n  locations = [\"x\"]\n}\n")))
	if c := cfg.Checks["mx"]; c == nil || !reflect.DeepEqual(c.Quorum, config.Quorum{}) || !config.HasErrors(diags) {
		t.Errorf("salvaged %+v with %v", c, diags)
	}
}

// TestBrokenFileOfNodes: what may stand in a file that cannot be used is not missed.
func TestBrokenFileOfNodes(t *testing.T) {
	tree(t, with(clustered, "etc/broken.hcl", "node {", "etc/checks.hcl", `
imap_check "far" {
  hostname  = "mx.example.org"
  locations = ["tokyo"]
  nodes     = 7
  agree     = 5
}
`, "etc/credentials/slack", "x", "etc/credentials/heartbeat", "x"))
	_, diags := hclfile.Load(read(t, "etc", source.Options{Node: "tok1"}))
	for _, d := range diags {
		if d.Gravity == config.Error && d.Pos.File != "etc/broken.hcl" {
			t.Errorf("%s", d.Error())
		}
	}
}

// certificateAndKey returns a new certificate of a node and its key, in PEM.
func certificateAndKey(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return inPEM("CERTIFICATE", der), inPEM("PRIVATE KEY", secret)
}
