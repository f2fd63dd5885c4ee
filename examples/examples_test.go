package examples_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// load gives an example, about which nothing may be said but some rules.
func load(t *testing.T, path string, allowed ...string) *config.Config {
	t.Helper()
	s, err := source.Read(path, source.Options{NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	var text bytes.Buffer
	for _, d := range diags {
		if !slices.Contains(allowed, d.Rule) {
			_ = config.Print(&text, []config.Diagnostic{d}, false)
		}
	}
	if cfg == nil || text.Len() > 0 {
		t.Fatalf("%s", text.String())
	}
	return cfg
}

func TestQuickstart(t *testing.T) {
	cfg := load(t, "quickstart.hcl")
	if len(cfg.Checks) != 2 {
		t.Errorf("%d checks", len(cfg.Checks))
	}
	if text, err := os.ReadFile("quickstart.hcl"); err != nil || bytes.Count(text, []byte("\n")) > 40 {
		t.Error("the quickstart no longer fits on a screen", err)
	}
}

func TestFleet(t *testing.T) {
	cfg := load(t, "fleet")
	if c := cfg.Checks["mx-sin-1/imaps"]; c == nil || len(c.Path) != 3 || len(c.Roles) != 3 {
		t.Errorf("Singapore is %+v", c)
	}
	if len(cfg.Checks) != 5*2+1+12 {
		t.Errorf("%d checks", len(cfg.Checks))
	}
}

// TestNodes: a check is probed by as many nodes as its location has, at most.
func TestNodes(t *testing.T) {
	cfg := load(t, "nodes")
	if cfg.Cluster == nil || len(cfg.Cluster.Nodes) != 3 || cfg.Cluster.Nodes["lon1"].Decide {
		t.Fatalf("the cluster is %+v", cfg.Cluster)
	}
	for id, want := range map[config.CheckID][2]int{"mx1/imaps": {3, 2}, "mx-sydney/imaps": {3, 3}, "archive": {1, 1}} {
		if q := cfg.Checks[id].Quorum; [2]int{q.Nodes, q.Agree} != want {
			t.Errorf("%s is probed by %d nodes, of which %d have to agree", id, q.Nodes, q.Agree)
		}
	}
}

func TestReference(t *testing.T) {
	cfg := load(t, "reference.hcl")
	if cfg.Checks["partner"] == nil || cfg.Checks["shop-paris/starttls"] == nil || len(cfg.Maintenance) != 3 {
		t.Errorf("loaded %d checks", len(cfg.Checks))
	}
}

// TestReferenceIsWhole looks for every block and attribute of the language in the reference.
func TestReferenceIsWhole(t *testing.T) {
	text, err := os.ReadFile("reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range hclfile.Schema().Blocks {
		start := `(?m)^\s*` + b.Name
		if b.Kind != "" && b.Name == "notifier" {
			start += ` "` + b.Kind + `"`
		}
		if !regexp.MustCompile(start + `[ =]`).Match(text) {
			t.Errorf("the reference has no %s %s", b.Name, b.Kind)
		}
		for _, a := range b.Attributes {
			if !regexp.MustCompile(`(?m)(^|\{)\s*` + a.Name + `\s*=`).Match(text) {
				t.Errorf("the reference does not show %s of %s", a.Name, b.Name)
			}
		}
	}
}

// TestFormatted holds every example against the layout that fmt gives.
func TestFormatted(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".hcl") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		formatted, diags := hclfile.Format(path, text)
		if len(diags) > 0 || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not formatted: %v", path, diags)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
