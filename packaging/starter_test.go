package packaging_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

// TestStarterInUse takes "# " away from the beginning of the lines, as its reader would. Each
// line is code, which begins with it, prose, which begins with "##", or empty; and an attribute
// has a line of its own, so that a second one can be added.
func TestStarterInUse(t *testing.T) {
	text, err := os.ReadFile(starter)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		code, isCode := strings.CutPrefix(line, "# ")
		if !isCode && line != "" && line != "##" && !strings.HasPrefix(line, "## ") {
			t.Errorf("neither code nor prose: %s", line)
		}
		if isCode && strings.Contains(code, "{") && !strings.HasSuffix(code, "{") {
			t.Errorf("a block on one line: %s", line)
		}
		if len(line) > 80 {
			t.Errorf("wider than a terminal: %s", line)
		}
	}
	text = regexp.MustCompile("(?m)^# ").ReplaceAll(text, nil)
	used := filepath.Join(t.TempDir(), "imapvigil.hcl")
	write(t, used, string(text), 0o644)
	if cfg := load(t, used, ""); len(cfg.Checks) != 2 || len(cfg.Roles) != 1 {
		t.Errorf("%d checks, %d roles", len(cfg.Checks), len(cfg.Roles))
	}
	for _, hint := range []string{"3 minutes and 10 seconds", "notify-test postmaster", "imapvigil-howto"} {
		if !bytes.Contains(text, []byte(hint)) {
			t.Errorf("it does not speak of %s", hint)
		}
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
