package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
)

const memberConfig = `
cluster {
  servers     = [%q]
  alone_after = %q
}
node "fra1" {}
node "nyc1" {}
%s
`

// newMember makes a monitor of files, whose start is not under way yet.
func newMember(t *testing.T, files, node string) *monitor {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.hcl")
	if err := os.WriteFile(file, []byte(files), 0o600); err != nil {
		t.Fatal(err)
	}
	return &monitor{Options: Options{
		ConfigPath: file, StateDir: filepath.Join(dir, "state"), Control: filepath.Join(dir, "control.sock"), Node: node,
		Log: zap.NewNop(), Listen: new(string),
	}}
}

// open opens a monitor until the end of the test, which ends it before it runs.
func openMember(t *testing.T, m *monitor) *candidate {
	t.Helper()
	first, err := m.openAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		first.discard()
		if err := errors.Join(m.listener.Close(), m.journal.Close()); err != nil {
			t.Error(err)
		}
	})
	m.reloads.cfg, m.reloads.snapshot = first.cfg, first.snapshot
	return first
}

// Without a cluster block there is no node, no bus, no shared journal and no second tracker, and
// nothing is passed on; a new block changes nothing before the restart, and says so.
func TestWithoutAClusterNothingOfItIsOpened(t *testing.T) {
	m := newMember(t, "", "fra1")
	openMember(t, m)
	if m.member != nil || m.passer != nil || m.deciding.inForce != nil || m.loop.Turn != nil || m.follows() || m.Self().Node != nil {
		t.Error("there is a part of a cluster")
	}
	if o := m.ownOptions(m.reloads.cfg); o.Mark != nil || o.Salt != "" || o.Sure != nil {
		t.Error("its tracker is one of several")
	}
	if o := m.selfOptions(m.reloads.cfg); o.Own != nil {
		t.Error("its self-check knows of a bus")
	}
	if _, err := os.Stat(filepath.Join(m.StateDir, "shared")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of the shared journal: %v", err)
	}
	if err := os.WriteFile(m.ConfigPath, fmt.Appendf(nil, memberConfig, "nats://127.0.0.1:4222", "1m", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	next, diags, err := m.reloads.prepare(t.Context(), true)
	if err != nil || next == nil {
		t.Fatal(diags, err)
	}
	defer next.discard()
	if !hasWarning(next.warnings, "A new cluster block needs a restart") {
		t.Errorf("warned of %v", next.warnings)
	}
	if m.probesOnly(next.cfg) {
		t.Error("it would send nothing any more")
	}
}

func hasWarning(list []config.Diagnostic, summary string) bool {
	return slices.ContainsFunc(list, func(d config.Diagnostic) bool { return d.Summary == summary && d.Gravity == config.Warning })
}

// A machine that is none of the nodes of its files does not start, and says what would help.
func TestAMachineThatIsNoNodeDoesNotStart(t *testing.T) {
	m := newMember(t, fmt.Sprintf(memberConfig, "nats://127.0.0.1:4222", "1m", ""), "elsewhere")
	_, err := m.openAll(t.Context())
	if err == nil {
		t.Fatal("it starts")
	}
	for _, want := range []string{`"elsewhere"`, "fra1", "nyc1", "--node"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %s: %v", want, err)
		}
	}
}

// A node that does not decide opens no notifier, and goes on so without its block until the restart.
func TestANodeThatOnlyProbesSendsNothing(t *testing.T) {
	nodes := map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}, "lon1": {ID: "lon1"}}
	cfg := &config.Config{Cluster: &config.Cluster{Nodes: nodes}}
	gone := &config.Config{}
	for name, want := range map[string]bool{"fra1": false, "lon1": true} {
		m := &monitor{node: name}
		m.Options.Node = name
		if got := m.probesOnly(cfg); got != want {
			t.Errorf("at the start %s sends nothing: %v", name, got)
		}
		m.started, m.member = true, &membership{begun: cfg.Cluster, name: config.NodeID(name), last: cfg}
		if got := m.probesOnly(gone); got != want {
			t.Errorf("without a block %s sends nothing: %v", name, got)
		}
	}
}

func TestServersOfTheBusAreAsked(t *testing.T) {
	got := busTargets(&config.Cluster{Servers: []string{"tls://fra1.example.net", "wss://nyc1.example.net", "tls://lon1.example.net:5222", "tls://[2001:db8::1]"}})
	want := []string{"fra1.example.net:4222", "nyc1.example.net:443", "lon1.example.net:5222", "[2001:db8::1]:4222"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := busTargets(nil); got != nil {
		t.Errorf("without a cluster %q are asked", got)
	}
}
