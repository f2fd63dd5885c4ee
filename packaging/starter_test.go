package packaging_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

const starter = "etc/imapvigil.hcl"

// TestStarter: with the file that is installed the daemon starts and watches
// nothing.
func TestStarter(t *testing.T) {
	if cfg := load(t, starter, "no-checks"); len(cfg.Checks) != 0 {
		t.Errorf("%d checks", len(cfg.Checks))
	}
}

// TestStarterInUse takes the comment signs away, as its reader would.
func TestStarterInUse(t *testing.T) {
	text, err := os.ReadFile(starter)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("\n\n#"))
	text = bytes.ReplaceAll(text, []byte("\n#"), []byte("\n"))
	used := filepath.Join(t.TempDir(), "imapvigil.hcl")
	write(t, used, string(text), 0o644)
	if cfg := load(t, used, ""); len(cfg.Checks) != 2 || len(cfg.Roles) != 1 {
		t.Errorf("%d checks, %d roles", len(cfg.Checks), len(cfg.Roles))
	}
	if formatted, diags := hclfile.Format(used, text); len(diags) > 0 || !bytes.Equal(formatted, text) {
		t.Errorf("it is not formatted: %v", diags)
	}
}

// load gives a configuration about which nothing is said but one thing.
func load(t *testing.T, path, but string) *config.Config {
	t.Helper()
	s, err := source.Read(path, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	for _, d := range diags {
		if d.Rule != but && d.Rule != "no-heartbeat" { // who watches the watcher is for people to say
			t.Errorf("%s: %v", d.Rule, d)
		}
	}
	if cfg == nil {
		t.FailNow()
	}
	return cfg
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
