package web

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// page is a page with users, tokens and a customer.
func page(t testing.TB) config.Page {
	return config.Page{
		Users:     []config.PageUser{userOf(t, "anna", "secret-a"), userOf(t, "bert", "secret-b"), userOf(t, "carla", "secret-c")},
		Operators: []string{"anna"},
		Tokens: []config.PageToken{
			{Name: "prometheus", Right: config.TokenMetrics, SHA256: sha256.Sum256([]byte("t-metrics"))},
			{Name: "wall", Right: config.TokenRead, SHA256: sha256.Sum256([]byte("t-read"))},
			{Name: "ci", Right: config.TokenOperate, SHA256: sha256.Sum256([]byte("t-operate"))},
		},
		PublicGroups: []config.GroupID{"public"},
		Access:       []config.Access{{Name: "acme", Users: []string{"carla"}, Groups: []config.GroupID{"customers/acme"}}},
	}
}

// TestRights asks for a route of each right as everybody who may come.
func TestRights(t *testing.T) {
	s := newStage(t, Options{})
	cfg := &config.Config{Page: page(t)}
	s.start(cfg)
	type want struct{ see, metrics, operate int }
	for _, test := range []struct {
		who  string
		from string // a client of its own, so that few tries are made from each
		as   []string
		want
		says string
	}{
		{"nobody", "192.0.2.1", nil, want{401, 401, 401}, `name="" rights=[] groups=[public]`},
		{"a viewer", "192.0.2.2", basic("bert", "secret-b"), want{200, 200, 403}, `name="bert"`},
		{"a customer", "192.0.2.3", basic("carla", "secret-c"), want{200, 403, 403}, `name="carla" rights=[1] groups=[customers/acme]`},
		{"an operator", "192.0.2.4", basic("anna", "secret-a"), want{200, 200, 200}, `name="anna"`},
		{"a wrong password", "192.0.2.5", basic("anna", "secret-b"), want{401, 401, 401}, `name=""`},
		{"an unknown user", "192.0.2.6", basic("dora", "secret-b"), want{401, 401, 401}, `name=""`},
		{"a token for metrics", "192.0.2.7", bearer("t-metrics"), want{403, 200, 403}, `name="prometheus"`},
		{"a token for reading", "192.0.2.8", bearer("t-read"), want{200, 200, 403}, `name="wall"`},
		{"a token for operating", "192.0.2.9", bearer("t-operate"), want{200, 200, 200}, `name="ci"`},
		{"an unknown token", "192.0.2.10", bearer("t-other"), want{401, 401, 401}, `name=""`},
		{"the header of a proxy that is not trusted", "192.0.2.11", []string{"Remote-User: anna"}, want{401, 401, 401}, `name=""`},
	} {
		test.as = append(test.as, "X-Forwarded-For: "+test.from)
		got := want{s.ask("GET", "/see", "", test.as...).status, s.ask("GET", "/metrics", "", test.as...).status, s.ask("POST", "/operate", "", test.as...).status}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.who, got, test.want)
		}
		a := s.ask("GET", "/anybody", "", test.as...)
		if a.status != 200 || !strings.Contains(a.body, test.says) {
			t.Errorf("%s is %s", test.who, a.body)
		}
		if isToken := strings.HasPrefix(test.who, "a token"); !strings.Contains(a.body, fmt.Sprintf("token=%v", isToken)) {
			t.Errorf("%s is %s", test.who, a.body)
		}
	}
	if a := s.ask("GET", "/see?a=b", "", "Accept: text/html"); a.status != 303 || a.header.Get("Location") != "/login?next=%2Fsee%3Fa%3Db" {
		t.Errorf("a browser is led to %d %q", a.status, a.header.Get("Location"))
	}
	if a := s.ask("GET", "/see", ""); a.header.Get("WWW-Authenticate") != `Bearer realm="imapvigil"` {
		t.Errorf("a program is asked for %q", a.header.Get("WWW-Authenticate"))
	}
}

func basic(name, password string) []string {
	return []string{"Authorization: Basic " + basicText(name, password)}
}

func bearer(token string) []string { return []string{"Authorization: Bearer " + token} }

// Without a login, whoever reaches the page on this machine sees it, and nobody operates; a token
// may.
func TestWithoutALogin(t *testing.T) {
	s := newStage(t, Options{})
	cfg := &config.Config{Page: config.Page{Tokens: page(t).Tokens}}
	s.start(cfg)
	if a := s.ask("GET", "/see", ""); a.status != 200 || a.body != `name="" rights=[1 2] groups=[] body=0 <nil> token=false` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.ask("GET", "/metrics", ""); a.status != 200 {
		t.Errorf("/metrics: %d", a.status)
	}
	if a := s.ask("POST", "/operate", ""); a.status != 401 {
		t.Errorf("nobody operates: %d", a.status)
	}
	if a := s.ask("POST", "/operate", "", bearer("t-operate")...); a.status != 200 {
		t.Errorf("a token operates: %d", a.status)
	}
	s.use(&config.Config{Daemon: cfg.Daemon})
	if a := s.ask("POST", "/operate", ""); a.status != 403 || !strings.Contains(a.body, "users_file") {
		t.Errorf("nobody operates: %d %s", a.status, a.body)
	}
	// What a proxy in front of it asks for is not for us.
	if a := s.ask("GET", "/see", "", basic("anna", "x")...); a.status != 200 {
		t.Errorf("with the login of a proxy: %d", a.status)
	}
}

// Where others can read along, a login counts for nothing, and only what is public is shown.
func TestNotOnLoopback(t *testing.T) {
	s := newStage(t, Options{})
	cfg := &config.Config{Page: config.Page{PublicGroups: []config.GroupID{"public"}}}
	cfg.Daemon.Listen, cfg.Daemon.ListenPos = ":"+freePort(t), config.Pos{File: "main.hcl", Line: 1}
	s.use(cfg)
	// Such a page is not served at this address (config.Page.Unfit); if it were, this would hold.
	unfit := *cfg
	unfit.Page = page(t)
	s.server.gate.Use(&unfit)
	at := "http://127.0.0.1:" + portOf(cfg.Daemon.Listen)
	for _, as := range [][]string{nil, basic("anna", "secret-a"), bearer("t-operate")} {
		a, err := s.try("GET", at+"/see", "", as...)
		if err != nil || a.status != 403 || !strings.Contains(a.body, "cert_file") {
			t.Errorf("%v sees %+v, %v", as, a, err)
		}
	}
	if a, err := s.try("GET", at+"/anybody", "", basic("anna", "secret-a")...); err != nil || !strings.Contains(a.body, `name="" rights=[] groups=[public]`) {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := s.try("POST", at+"/login", "user=anna&password=secret-a", formType); err != nil || a.status != 403 || a.header.Get("Set-Cookie") != "" {
		t.Errorf("the login: %+v, %v", a, err)
	}
}

// A trusted proxy names users and their groups; nobody else does, in no spelling.
func TestTrustedProxy(t *testing.T) {
	s := newStage(t, Options{})
	cfg := &config.Config{Page: config.Page{
		Operators: []string{"anna", "@oncall"},
		Access: []config.Access{
			{Name: "acme", Groups: []config.GroupID{"customers/acme"}},
			{Name: "zoo", Users: []string{"@keepers"}, Groups: []config.GroupID{"customers/zoo"}},
		},
		TrustedProxy: config.TrustedProxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, UserHeader: "Remote-User", GroupsHeader: "Remote-Groups"},
	}}
	s.start(cfg)
	for _, test := range []struct {
		headers []string
		says    string
	}{
		{[]string{"Remote-User: anna"}, `name="anna" rights=[1 2 3] groups=[]`},
		{[]string{"Remote-User: bert"}, `name="bert" rights=[1 2] groups=[]`},
		{[]string{"Remote-User: carla", "Remote-Groups: acme"}, `name="carla" rights=[1] groups=[customers/acme]`},
		{[]string{"Remote-User: carla", "Remote-Groups: staff|keepers, acme"}, `name="carla" rights=[1] groups=[customers/acme customers/zoo]`},
		{[]string{"Remote-User: carla", "Remote-Groups: staff,oncall"}, `name="carla" rights=[1 2 3] groups=[]`},
		{[]string{"Remote-User: bert", "Remote-User: anna"}, `name="" rights=[]`}, // one of them is a client's
		{[]string{"Remote-User: "}, `name="" rights=[]`},
		{nil, `name="" rights=[]`},
		{[]string{"Remote_User: anna"}, `name="" rights=[]`},
		// The proxy's own login comes through; its word counts.
		{append(basic("x", "y"), "Remote-User: bert"), `name="bert"`},
	} {
		if a := s.ask("GET", "/anybody", "", test.headers...); !strings.Contains(a.body, test.says) {
			t.Errorf("%q is %s, want %s", test.headers, a.body, test.says)
		}
	}
	cfg.Page.TrustedProxy.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	s.use(cfg)
	if a := s.ask("GET", "/anybody", "", "Remote-User: anna"); !strings.Contains(a.body, `name=""`) {
		t.Errorf("a proxy that is not trusted: %s", a.body)
	}
}
