package access

import (
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const home = "127.0.0.1:1024"

func withAnna(t testing.TB) *config.Config {
	return &config.Config{Page: config.Page{Users: []config.PageUser{userOf(t, "anna", "secret")}, Operators: []string{"anna"}}}
}

func cookieOf(t testing.TB, header http.Header) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A login gives a cookie with 128 random bits, which the browser alone has.
func TestLoginBeginsASession(t *testing.T) {
	s := newStage(t, withAnna(t))
	w := s.logIn(home, "anna", "secret")
	c := cookieOf(t, w.Header())
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/monitor" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if c.Name != "iv" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("without TLS: %+v", c)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(c.Value); err != nil || len(raw) != 16 {
		t.Errorf("%q", c.Value)
	}
	for sum := range s.gate.sessions.all {
		if strings.Contains(string(sum[:]), c.Value) {
			t.Error("the session itself is in memory")
		}
	}
	if v, err := s.who(asks(c)); err != nil || v.Name != "anna" || len(v.Rights) != 3 {
		t.Errorf("%+v, %v", v, err)
	}
	if again := cookieOf(t, s.logIn(home, "anna", "secret", c).Header()); again.Value == c.Value {
		t.Error("the same session goes on after another login")
	}
	if v, _ := s.who(asks(c)); v.Name != "" {
		t.Error("the session before the second login goes on")
	}
}

// Where the browser has TLS, to us or to a proxy, the cookie is one that nobody without TLS can
// have set.
func TestCookiesWithTLS(t *testing.T) {
	cfg := withAnna(t)
	cfg.Daemon.PublicURL = "https://status.example.org"
	s := newStage(t, cfg)
	plain := cookieOf(t, s.logIn(home, "anna", "secret").Header())
	for name, prepare := range map[string]func(*http.Request){
		"to us":      func(r *http.Request) { r.TLS = &tls.ConnectionState{} },
		"to a proxy": func(r *http.Request) { r.Host = "status.example.org:443" },
	} {
		r := asks()
		prepare(r)
		c := s.gate.rules.Load().newCookie(r, sessionCookie, "x", time.Hour)
		if c.Name != "__Host-iv" || !c.Secure || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %+v", name, c)
		}
		r = asks(plain)
		prepare(r)
		if v, _ := s.who(r); v.Name != "" {
			t.Errorf("%s: the cookie without __Host- counts", name)
		}
		r = asks(&http.Cookie{Name: "__Host-iv", Value: plain.Value})
		prepare(r)
		if v, _ := s.who(r); v.Name != "anna" {
			t.Errorf("%s: the cookie with __Host- does not count", name)
		}
	}
}

// A session ends after 12 hours without a request, after 30 days in any case, and when its user
// logs out.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, withAnna(t))
		isAnna := func(c *http.Cookie) bool {
			v, err := s.who(asks(c))
			return err == nil && v.Name == "anna"
		}
		idle := cookieOf(t, s.logIn(home, "anna", "secret").Header())
		time.Sleep(idleFor - time.Second)
		if !isAnna(idle) {
			t.Error("it ends before 12 hours")
		}
		time.Sleep(idleFor)
		if isAnna(idle) {
			t.Error("it goes on after 12 hours without a request")
		}
		busy := cookieOf(t, s.logIn(home, "anna", "secret").Header())
		for range 59 {
			time.Sleep(idleFor - time.Second)
			if !isAnna(busy) {
				t.Fatal("it ends though it is used")
			}
		}
		time.Sleep(idleFor)
		if isAnna(busy) {
			t.Error("it goes on for more than 30 days")
		}
		out := cookieOf(t, s.logIn(home, "anna", "secret").Header())
		r := asks(out)
		r.Method, r.URL.Path = http.MethodPost, "/logout"
		if c := cookieOf(t, s.send(r).Header()); c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("the browser keeps %+v", c)
		}
		if isAnna(out) {
			t.Error("it goes on after the logout")
		}
	})
}

// A reload takes effect at once: on what a user may do, and on whether they are one.
func TestReloadChangesSessions(t *testing.T) {
	cfg := withAnna(t)
	s := newStage(t, cfg)
	c := cookieOf(t, s.logIn(home, "anna", "secret").Header())
	narrowed := *cfg
	narrowed.Page.Operators = nil
	narrowed.Page.Access = []config.Access{{Name: "x", Users: []string{"anna"}}}
	s.gate.Use(&narrowed)
	if v, _ := s.who(asks(c)); v.Name != "anna" || len(v.Rights) != 1 || v.Groups == nil || len(v.Groups) > 0 {
		t.Errorf("an access block without groups shows something: %+v", v)
	}
	other := *cfg
	other.Page.Users = []config.PageUser{userOf(t, "anna", "secret")} // the same password, hashed again
	s.gate.Use(&other)
	if v, _ := s.who(asks(c)); v.Name != "" {
		t.Error("the session goes on with another hash")
	}
	s.gate.Use(cfg)
	if v, _ := s.who(asks(c)); v.Name != "" {
		t.Error("the session comes back")
	}
}

// However many log in, memory is bounded, and whoever is active stays in.
func TestMostSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := withAnna(t)
		s := newStage(t, cfg)
		rules := s.gate.rules.Load()
		active := s.gate.sessions.begin(rules, user{name: "anna"}, false)
		for range mostSessions + 10 {
			time.Sleep(time.Millisecond)
			s.gate.sessions.begin(rules, user{name: "anna"}, false)
			if _, ok := s.gate.sessions.find(rules, active); !ok {
				t.Fatal("who is active is thrown out")
			}
		}
		if n := len(s.gate.sessions.all); n != mostSessions {
			t.Errorf("%d sessions", n)
		}
	})
}

// Nothing but what a login gave is a session.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{"", "x", strings.Repeat("A", 22), strings.Repeat("\x00", 22), "iv=iv", "AAAAAAAAAAAAAAAAAAAAAA=="} {
		f.Add(seed)
	}
	s := newStage(f, withAnna(f))
	rules := s.gate.rules.Load()
	real := s.gate.sessions.begin(rules, user{name: "anna"}, false)
	f.Fuzz(func(t *testing.T, value string) {
		r := asks()
		r.Header.Set("Cookie", sessionCookie+"="+value)
		v, err := s.who(r)
		if err != nil || v.Name != "" && value != real {
			t.Errorf("%q is the session of %+v, %v", value, v, err)
		}
	})
}
