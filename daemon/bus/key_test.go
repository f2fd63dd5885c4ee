package bus_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// TestKey: the seed signs what the public half verifies, and a seed from a file, with its
// newline, has the same public half.
func TestKey(t *testing.T) {
	seed, public, err := bus.NewKey()
	if err != nil || !bus.IsPublic(public) {
		t.Fatalf("the public half is %q (%v)", public, err)
	}
	if got, err := bus.PublicOf(opaque.NewSecret(seed.Reveal() + "\n")); err != nil || got != public {
		t.Errorf("the file has %q (%v), not %q", got, err, public)
	}
	private, err := nkeys.FromSeed([]byte(seed.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := private.Sign([]byte("nonce"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := nkeys.FromPublicKey(public)
	if err != nil || known.Verify([]byte("nonce"), signature) != nil {
		t.Errorf("the public half does not verify what the seed signs (%v)", err)
	}
	if _, other, err := bus.NewKey(); err != nil || other == public {
		t.Errorf("the next key is the same (%v)", err)
	}
}

// TestWrongSeeds: what is no seed, or that of something else than a node, is an error that does
// not quote it.
func TestWrongSeeds(t *testing.T) {
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	other, err := account.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "hunter2", "SUAGIEYODKBBTUMOC666Z5KA4FCWAZV7HWSGRHOD7MK6UM5IYLWLACH7DQ", string(other)} {
		public, err := bus.PublicOf(opaque.NewSecret(text))
		if err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the seed %q has the public half %q, %v", text, public, err)
		}
	}
	for _, text := range []string{"", "UAFRA...", "UA", strings.Repeat("A", 56)} {
		if bus.IsPublic(text) {
			t.Errorf("%q is taken for a public half", text)
		}
	}
}
