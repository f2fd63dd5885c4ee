package config_test

import (
	"net/netip"
	"strings"
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
func TestWhoMaySeeThePage(t *testing.T) {
	const loopback, network = "127.0.0.1:9143", ":9143"
	cert := config.NewBlob("PEM")
	users := []config.PageUser{{Name: "anna"}}
	for name, test := range map[string]struct {
		page   config.Page
		listen string
		open   bool
		unfit  string
	}{
		"nobody is known":             {config.Page{}, loopback, true, ""},
		"users":                       {config.Page{Users: users}, loopback, false, ""},
		"a proxy":                     {config.Page{TrustedProxy: config.TrustedProxy{From: []netip.Prefix{{}}, UserHeader: "Remote-User"}}, loopback, false, ""},
		"a proxy without users":       {config.Page{TrustedProxy: config.TrustedProxy{From: []netip.Prefix{{}}}}, loopback, true, ""},
		"a provider":                  {config.Page{OIDC: config.OIDC{Issuer: "https://id.example.org"}}, loopback, false, ""},
		"tokens":                      {config.Page{Tokens: []config.PageToken{{Name: "ci"}}}, loopback, true, ""},
		"no page":                     {config.Page{}, "", false, ""},
		"others and nobody is known":  {config.Page{}, network, false, "nothing says who may see the page"},
		"others and public groups":    {config.Page{PublicGroups: []config.GroupID{"a"}}, network, false, ""},
		"others and users":            {config.Page{Users: users}, network, false, "could read the passwords"},
		"others, users and a cert":    {config.Page{Users: users, Cert: cert}, network, false, ""},
		"others and a cert alone":     {config.Page{Cert: cert}, network, false, "nothing says who may see the page"},
		"users beside public groups":  {config.Page{Users: users, PublicGroups: []config.GroupID{"a"}}, network, false, "could read the passwords"},
		"others, tokens and a cert":   {config.Page{Tokens: []config.PageToken{{Name: "ci"}}, Cert: cert}, network, false, ""},
		"tokens beside public groups": {config.Page{Tokens: []config.PageToken{{Name: "ci"}}, PublicGroups: []config.GroupID{"a"}}, network, false, "could read"},
	} {
		if got := test.page.IsOpenAt(test.listen); got != test.open {
			t.Errorf("%s: open %t", name, got)
		}
		if got := test.page.Unfit(test.listen); (got == "") != (test.unfit == "") || !strings.Contains(got, test.unfit) {
			t.Errorf("%s: %q, want %q", name, got, test.unfit)
		}
	}
}
