package hclfile_test

import (
	"path/filepath"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// Where the daemon is to be found is known from files that are in error, in
// every way in which they can be.
func TestPlaces(t *testing.T) {
	const daemon = `locals { base = "/srv" }
daemon {
  state_dir = "${local.base}/state"
  control   = "${local.base}/control.sock"
`
	for name, text := range map[string]string{
		"right":           daemon + "}",
		"another block":   daemon + "}\nimap_chek \"a\" {}",
		"syntax behind":   daemon + "}\nserver \"mx1\" {",
		"an unknown role": daemon + "  notification_roles = [notification_role.gone]\n}",
		"a typing error":  daemon + "  lissten = 1\n}",
		"a missing brace": daemon,
	} {
		t.Run(name, func(t *testing.T) {
			tree(t, map[string]string{"etc/main.hcl": text, "etc/other.hcl": "this is no HCL"})
			d := hclfile.Places(read(t, "etc", source.Options{NoCredentials: true}))
			if d.StateDir != "/srv/state" || d.Control != "/srv/control.sock" {
				t.Errorf("state_dir is %q, control is %q", d.StateDir, d.Control)
			}
		})
	}
	t.Run("nothing to be made out", func(t *testing.T) {
		tree(t, map[string]string{"etc/main.hcl": "daemon { control ="})
		if d := hclfile.Places(read(t, "etc", source.Options{})); d.Control != "/run/imapvigil/control.sock" {
			t.Errorf("control is %q", d.Control)
		}
	})
}

// TestRelativePlaces has paths start from the directory of the file in which they
// are written, wherever the command stands.
func TestRelativePlaces(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "etc", "site", "daemon.hcl"), []byte("daemon {\n  state_dir = \"../../state\"\n  control   = \"control.sock\"\n}\n"))
	for _, from := range []string{dir, filepath.Join(dir, "etc")} {
		t.Chdir(from)
		path, err := filepath.Rel(from, filepath.Join(dir, "etc"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := source.Read(path, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cfg, diags := hclfile.Load(s)
		if cfg == nil {
			t.Fatal(diags)
		}
		for _, d := range []config.Daemon{cfg.Daemon, hclfile.Places(s)} {
			if d.StateDir != filepath.Join(dir, "state") || d.Control != filepath.Join(dir, "etc", "site", "control.sock") {
				t.Errorf("from %s: %q and %q", from, d.StateDir, d.Control)
			}
		}
	}
}
