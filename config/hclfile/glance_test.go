package hclfile_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
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
			d := hclfile.Places(read(t, "etc", hclfile.Options{NoCredentials: true}))
			if d.StateDir != "/srv/state" || d.Control != "/srv/control.sock" {
				t.Errorf("state_dir is %q, control is %q", d.StateDir, d.Control)
			}
		})
	}
	t.Run("nothing to be made out", func(t *testing.T) {
		tree(t, map[string]string{"etc/main.hcl": "daemon { control ="})
		if d := hclfile.Places(read(t, "etc", hclfile.Options{})); d.Control != "/run/imapvigil/control.sock" {
			t.Errorf("control is %q", d.Control)
		}
	})
}
