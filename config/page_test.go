package config_test

import (
	"net/netip"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func TestIsLoopback(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:9143": true, "127.9.0.1:1": true, "[::1]:9143": true, "localhost:9143": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:9143": false, "[::]:9143": false, ":9143": false, "192.0.2.1:9143": false, "monitor.example.org:9143": false, "": false, "127.0.0.1": false,
	} {
		if got := config.IsLoopback(listen); got != want {
			t.Errorf("%q: %t", listen, got)
		}
	}
}

// Whoever can log in must; only a page for this machine alone is open.
func TestIsOpen(t *testing.T) {
	loopback := config.Daemon{Listen: "127.0.0.1:9143"}
	for name, test := range map[string]struct {
		cfg  config.Config
		open bool
	}{
		"nobody is known":       {config.Config{Daemon: loopback}, true},
		"users":                 {config.Config{Daemon: loopback, Page: config.Page{Users: []config.PageUser{{Name: "anna"}}}}, false},
		"a proxy":               {config.Config{Daemon: loopback, Page: config.Page{TrustedProxy: config.TrustedProxy{From: []netip.Prefix{{}}}}}, false},
		"a provider":            {config.Config{Daemon: loopback, Page: config.Page{OIDC: config.OIDC{Issuer: "https://id.example.org"}}}, false},
		"others on the network": {config.Config{Daemon: config.Daemon{Listen: ":9143"}}, false},
		"no page":               {config.Config{}, false},
	} {
		if got := test.cfg.IsOpen(); got != test.open {
			t.Errorf("%s: %t", name, got)
		}
	}
}
