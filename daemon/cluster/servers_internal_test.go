package cluster

import (
	"strings"
	"testing"
	"unicode"

	"github.com/imapvigil/imapvigil/daemon/bus/local"
)

// What a server of the bus is called cannot do anything to the screen of whoever reads it.
func TestNamesOfMissingServersAreSanitised(t *testing.T) {
	t.Parallel()
	network := local.New()
	b := network.Connect("fra1")
	defer b.Close()
	if err := b.Stream().Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	network.Miss("lon1\x1b[2J")
	d := &decider{Node: &Node{Options: Options{Bus: b}}}
	d.findMissingServers(t.Context())
	text := d.missingServers().wrong
	if !strings.Contains(text, "lon1") || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("people read %q", text)
	}
}
