package main

import (
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// test --host probes as a check would that says nothing but its host.
func TestHostHasTheDefaultsOfTheLanguage(t *testing.T) {
	cfg, diags := hclfile.Load(source.OfText("main.hcl", []byte(`
imap_check "mx.example.org" {
  hostname           = "mx.example.org"
  notification_roles = []
}
`)))
	if cfg == nil {
		t.Fatal(diags)
	}
	c, err := checkFromFlags(testOptions{host: "mx.example.org", port: 993})
	if err != nil {
		t.Fatal(err)
	}
	if want := cfg.Checks["mx.example.org"].Probe; c.Probe != want {
		t.Errorf("--host probes\n%+v\na check\n%+v", c.Probe, want)
	}
}
