package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// Every answer has the headers that protect a browser, whatever is asked.
func TestEveryAnswerProtectsTheBrowser(t *testing.T) {
	s := newStage(t, Options{})
	s.start(&config.Config{})
	for _, path := range []string{"/healthz", "/see", "/nowhere", "/login", "/metrics"} {
		h := s.ask("GET", path, "").header
		for name, want := range map[string]string{
			"Content-Security-Policy":      "require-trusted-types-for 'script'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	if got := s.ask("GET", "/see", "").header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("what is private may be kept: %q", got)
	}
}

// Only our own names are answered: a page of another site cannot make one of its names ours.
func TestHosts(t *testing.T) {
	s := newStage(t, Options{})
	port := s.start(&config.Config{Daemon: config.Daemon{PublicURL: "https://Status.example.org/"}})
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "127.0.0.1": 200, "localhost:8080": 200, "LOCALHOST.": 200, "[::1]:" + port: 200, "127.0.0.2": 200,
		"status.example.org": 200, "status.example.org:443": 200, "STATUS.example.org.": 200,
		"evil.example": 421, "evil.example:" + port: 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
		"192.0.2.1": 421, "0.0.0.0": 421, "[::1": 421, "status.example.org.evil.example": 421, "@localhost": 421,
	} {
		for _, path := range []string{"/healthz", "/see", "/login"} {
			if a := s.ask("GET", path, "", "Host: "+host); a.status != want {
				if a.status == http.StatusBadRequest && want == 421 {
					continue // net/http takes it for no host at all
				}
				t.Errorf("%s of %q: %d, want %d", path, host, a.status, want)
			}
		}
	}
}

// What changes something comes from our own pages, or from a program.
func TestOrigins(t *testing.T) {
	s := newStage(t, Options{})
	port := s.start(&config.Config{Daemon: config.Daemon{PublicURL: "https://status.example.org"}})
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{nil, 200},
		{[]string{"Sec-Fetch-Site: same-origin"}, 200},
		{[]string{"Sec-Fetch-Site: none"}, 200},
		{[]string{"Sec-Fetch-Site: cross-site"}, 403},
		{[]string{"Sec-Fetch-Site: same-site"}, 403},
		{[]string{"Origin: http://127.0.0.1:" + port}, 200},
		{[]string{"Origin: https://status.example.org"}, 200},
		{[]string{"Origin: https://status.example.org", "Sec-Fetch-Site: cross-site"}, 200},
		{[]string{"Origin: https://evil.example"}, 403},
		{[]string{"Origin: http://status.example.org"}, 403},
		{[]string{"Origin: null"}, 403},
	} {
		if a := s.ask("POST", "/anybody", "a=b", append(test.headers, formType)...); a.status != test.want {
			t.Errorf("%v: %d, want %d", test.headers, a.status, test.want)
		}
	}
}

// A link that acknowledges may be used from anywhere: it is all that somebody needs, and needs nothing
// of the browser. An app sends no form.
func TestLinksWorkFromAnywhere(t *testing.T) {
	s := newStage(t, Options{Routes: append(routes(), api.Route{Pattern: "POST /a/{token}", Right: api.Anybody, Handler: http.NotFoundHandler()})})
	s.start(&config.Config{Daemon: config.Daemon{PublicURL: "https://status.example.org"}})
	for _, headers := range [][]string{
		nil, {"Origin: https://ntfy.example.org", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain;charset=UTF-8"}, {"Origin: null"},
	} {
		if a := s.ask("POST", "/a/token", "", headers...); a.status != http.StatusNotFound {
			t.Errorf("%v: %d %s", headers, a.status, a.body)
		}
	}
	if a := s.ask("POST", "/operate", "", "Origin: https://ntfy.example.org"); a.status != http.StatusForbidden {
		t.Errorf("other routes: %d", a.status)
	}
}

// A body is JSON or a form, and not large.
func TestBodies(t *testing.T) {
	s := newStage(t, Options{})
	s.start(&config.Config{})
	for _, test := range []struct {
		kind string
		size int
		want int
	}{
		{"application/json", 2, 200},
		{"application/json; charset=utf-8", 2, 200},
		{"application/x-www-form-urlencoded", 2, 200},
		{"application/x-www-form-urlencoded", mostFormBody, 200},
		{"application/x-www-form-urlencoded", mostFormBody + 1, 413},
		{"", 0, 200}, // there is nothing to read
		{"", 2, 415},
		{"text/plain", 2, 415}, // a form of another site can send it without being asked
		{"multipart/form-data; boundary=x", 2, 415},
		{"application/xml", 2, 415},
	} {
		if a := s.ask("POST", "/anybody", strings.Repeat("x", test.size), "Content-Type: "+test.kind); a.status != test.want {
			t.Errorf("%d bytes of %q: %d, want %d", test.size, test.kind, a.status, test.want)
		}
	}
	if a, err := s.try("GET", s.base()+"/anybody", "", "X: "+strings.Repeat("x", mostHeader)); err == nil && a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("64 KiB of headers: %+v", a)
	}
	if a := s.ask("GET", "/anybody", "", "X: "+strings.Repeat("x", mostHeader*3/4)); a.status != 200 {
		t.Errorf("48 KiB of headers: %d", a.status)
	}
}

// What no route is for is refused in the words of the API.
func TestUnroutedRequests(t *testing.T) {
	s := newStage(t, Options{})
	s.start(&config.Config{})
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/nowhere", 404}, {"PUT", "/see", 405}, {"GET", "/operate", 405}, {"POST", "/see", 405}, {"TRACE", "/see", 405}, {"GET", "/%2e%2e/etc/passwd", 404},
	} {
		a := s.ask(test.method, test.path, "")
		if a.status != test.want || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %q %s", test.method, test.path, a.status, a.header, a.body)
		}
	}
	if a := s.ask("GET", "/nowhere", "", "Accept: text/html"); a.status != 404 || !strings.Contains(a.body, "<html") {
		t.Errorf("a browser gets %d %s", a.status, a.body)
	}
}

// However a host is written, it is ours only if it is localhost, the host of public_url, or an
// address.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST.:80", "127.0.0.1", "[::1]:9143", "evil.example", "@localhost", "localhost@evil.example", "127.1", "0x7f.1", "", "[fe80::1%25eth0]", "status.example.org:443"} {
		f.Add(seed)
	}
	ours := &settings{}
	ours.nameHosts("https://status.example.org")
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9143})))
		if !ours.isOurHost(r) {
			return
		}
		name := strings.ToLower((&url.URL{Host: host}).Hostname())
		if _, err := netip.ParseAddr(strings.TrimSuffix(name, ".")); err != nil && strings.TrimSuffix(name, ".") != "localhost" && strings.TrimSuffix(name, ".") != "status.example.org" {
			t.Errorf("%q is ours", host)
		}
	})
}
