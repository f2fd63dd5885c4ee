package access

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// startProvider starts an OpenID provider, and returns a configuration that asks it.
func startProvider(t *testing.T) (*mockoidc.MockOIDC, *config.Config) {
	t.Helper()
	p, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown() })
	return p, &config.Config{
		Daemon: config.Daemon{PublicURL: "https://status.example.org"},
		Page: config.Page{
			OIDC:      config.OIDC{Issuer: p.Issuer(), ClientID: p.ClientID, ClientSecret: opaque.NewSecret(p.ClientSecret), GroupsClaim: "groups"},
			Operators: []string{"anna", "@oncall"},
			Access:    []config.Access{{Name: "acme", Groups: []config.GroupID{"customers/acme"}}},
		},
	}
}

// browse asks for a page of the daemon through the proxy of public_url.
func (s *stage) browse(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "status.example.org"
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return s.send(r)
}

// visitProvider follows the daemon to the provider, and returns where that leads back to, with
// the cookie that the daemon has set.
func (s *stage) visitProvider(next string) (back *url.URL, state *http.Cookie) {
	s.t.Helper()
	w := s.browse(providerPath + "?next=" + url.QueryEscape(next))
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("%d %s %v", w.Code, w.Body, s.log)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Get(w.Header().Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	back, err = response.Location()
	if err != nil {
		s.t.Fatal(err)
	}
	return back, cookieOf(s.t, w.Header())
}

// A login with the provider becomes a session; groups become access blocks, rights and "@name".
func TestLoginWithAProvider(t *testing.T) {
	p, cfg := startProvider(t)
	s := newStage(t, cfg)
	for _, test := range []struct {
		user   mockoidc.MockUser
		name   string
		rights []api.Right
		groups int
	}{
		{mockoidc.MockUser{Subject: "1", PreferredUsername: "anna"}, "anna", []api.Right{api.See, api.Metrics, api.Operate}, 0},
		{mockoidc.MockUser{Subject: "2", PreferredUsername: "carla", Groups: []string{"acme", "x"}}, "carla", []api.Right{api.See}, 1},
		{mockoidc.MockUser{Subject: "3", Email: "dora@example.org", EmailVerified: true, Groups: []string{"oncall"}}, "dora@example.org", []api.Right{api.See, api.Metrics, api.Operate}, 0},
		{mockoidc.MockUser{Subject: "4", Email: "anna"}, "4", []api.Right{api.See, api.Metrics}, 0}, // an address that nobody has verified
	} {
		p.QueueUser(&test.user)
		back, state := s.visitProvider("/c/mx1/imaps")
		if state.Name != "__Host-iv-login" || !state.Secure || !state.HttpOnly {
			t.Errorf("%+v", state)
		}
		if got := back.Scheme + "://" + back.Host + back.Path; got != "https://status.example.org/login/oidc/callback" {
			t.Errorf("the provider leads to %s", got)
		}
		w := s.browse(back.RequestURI(), state)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/c/mx1/imaps" {
			t.Fatalf("%d %s %v", w.Code, w.Body, s.log)
		}
		var session *http.Cookie
		for _, c := range w.Result().Cookies() {
			if c.Name == "__Host-iv" {
				session = c
			}
		}
		r := asks(session)
		r.Host = "status.example.org"
		v, err := s.who(r)
		if err != nil || v.Name != test.name || len(v.Rights) != len(test.rights) || len(v.Groups) != test.groups {
			t.Errorf("%+v, %v, want %+v", v, err, test)
		}
		other := *cfg
		other.Page.OIDC.Issuer = "https://other.example"
		s.gate.Use(&other)
		if v, _ := s.who(r); v.Name != "" {
			t.Error("the session goes on with another provider")
		}
		s.gate.Use(cfg)
	}
	if n := len(s.gate.provider.logins); n > 0 {
		t.Errorf("%d logins are still under way", n)
	}
}

// A callback counts once, in the browser in which the login began, with the code and for the
// nonce of that login.
func TestForgedCallbacks(t *testing.T) {
	_, cfg := startProvider(t)
	s := newStage(t, cfg)
	refused := func(what string, w *httptest.ResponseRecorder, status int) {
		t.Helper()
		for _, c := range w.Result().Cookies() {
			if c.Name == "__Host-iv" {
				t.Errorf("%s: a session begins", what)
			}
		}
		if w.Code != status {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	back, state := s.visitProvider("/")
	refused("without the cookie", s.browse(back.RequestURI()), http.StatusBadRequest)
	refused("a state that was used", s.browse(back.RequestURI(), state), http.StatusBadRequest)
	_, mine := s.visitProvider("/")
	theirs, _ := s.visitProvider("/")
	refused("the link of somebody else", s.browse(theirs.RequestURI(), mine), http.StatusBadRequest)
	refused("nothing", s.browse(providerPath+"/callback"), http.StatusBadRequest)
	// The code of another login: PKCE and the nonce keep it out.
	one, oneState := s.visitProvider("/")
	two, _ := s.visitProvider("/")
	query := one.Query()
	query.Set("code", two.Query().Get("code"))
	refused("the code of another login", s.browse(providerPath+"/callback?"+query.Encode(), oneState), http.StatusBadGateway)
	_, state = s.visitProvider("/")
	refused("refused by the provider", s.browse(providerPath+"/callback?error=access_denied&state="+state.Value, state), http.StatusBadGateway)
	if log := strings.Join(s.log, "\n"); !strings.Contains(log, "access_denied") {
		t.Errorf("the log says %q", log)
	}
}

// A login that takes longer than ten minutes is over.
func TestLoginsUnderWayEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		state := p.begin(login{next: "/"})
		time.Sleep(loginTime)
		if _, ok := p.take(state); ok {
			t.Error("it goes on")
		}
		for range mostLogins * 3 {
			p.begin(login{})
		}
		if n := len(p.logins); n > mostLogins {
			t.Errorf("%d are under way", n)
		}
	})
}

// A provider that is down refuses logins in words, and nothing else. Once it is back, logins work.
func TestProviderIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, &config.Config{
		Daemon: config.Daemon{PublicURL: "https://status.example.org"},
		Page:   config.Page{OIDC: config.OIDC{Issuer: "http://" + address + mockoidc.IssuerBase, ClientID: "x"}},
	})
	if w := s.browse(providerPath); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "did not work") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.browse("/login"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), address) {
		t.Errorf("the login: %d %s", w.Code, w.Body)
	}
	p, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(l, nil); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Shutdown() }()
	if w := s.browse(providerPath); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), p.AuthorizationEndpoint()+"?") {
		t.Errorf("once it is back: %d %s %v", w.Code, w.Body, s.log)
	}
}
