//go:build !quick

package web

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/proxies"
)

// behindNginx is how the manual sets nginx up: it has TLS and the login, and names the user.
const behindNginx = `
http {
	access_log off;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	server {
		listen 127.0.0.1:{{port 0}} ssl http2;
		ssl_certificate {{.Dir}}/cert.pem;
		ssl_certificate_key {{.Dir}}/key.pem;
		auth_basic "mail";
		auth_basic_user_file %s;
		location / {
			proxy_pass http://%s;
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header Remote-User $remote_user;
			proxy_set_header Remote-Groups "";
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}
}
`

// TestBehindNginx has a real nginx log users in, name them to the daemon, and pass on a stream of
// events as it comes.
func TestBehindNginx(t *testing.T) {
	next := make(chan bool)
	events := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects events would show none for minutes
		connection := http.NewResponseController(w)
		for i := 0; ; i++ {
			_, _ = fmt.Fprintf(w, "data: %d for %s\n\n", i, api.VisitorOf(r.Context()).Name)
			_ = connection.Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	s := newStage(t, Options{Routes: append(routes(), api.Route{Pattern: "GET /api/v1/events", Right: api.See, Handler: events})})
	cfg := &config.Config{Page: config.Page{
		Operators:    []string{"anna"},
		TrustedProxy: config.TrustedProxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, UserHeader: "Remote-User", GroupsHeader: "Remote-Groups"},
	}}
	cfg.Daemon.PublicURL = "https://localhost"
	port := s.start(cfg)
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("anna:{PLAIN}secret-a\nbert:{PLAIN}secret-b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	readableByNginx(t, users)
	authority := ca.New()
	nginx := proxies.Nginx(t, proxies.Options{Config: fmt.Sprintf(behindNginx, users, "127.0.0.1:"+port), Ports: 1, Authority: authority})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	at := "https://" + nginx.Address(0)
	for _, test := range []struct {
		what, method, path string
		headers            []string
		status             int
		says               string
	}{
		{"nobody", "GET", "/see", nil, 401, "nginx"},
		{"a viewer", "GET", "/see", basic("bert", "secret-b"), 200, `name="bert"`},
		{"a viewer who names another", "GET", "/see", append(basic("bert", "secret-b"), "Remote-User: anna"), 200, `name="bert"`},
		{"with another spelling", "GET", "/see", append(basic("bert", "secret-b"), "Remote_User: anna"), 200, `name="bert"`},
		{"a viewer operates", "POST", "/operate", basic("bert", "secret-b"), 403, "bert"},
		{"an operator", "POST", "/operate", basic("anna", "secret-a"), 200, `name="anna" rights=[1 2 3]`},
		{"an operator, from a page of ours", "POST", "/operate", append(basic("anna", "secret-a"), "Origin: https://localhost", "Sec-Fetch-Site: same-origin"), 200, `name="anna"`},
		{"an operator, from another site", "POST", "/operate", append(basic("anna", "secret-a"), "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), 403, "Another site"},
	} {
		a, err := s.try(test.method, at+test.path, "", test.headers...)
		if err != nil || a.status != test.status || !strings.Contains(a.body, test.says) {
			t.Errorf("%s: %+v, %v", test.what, a, err)
		}
	}
	// Past the proxy, the header is anybody's.
	if a := s.ask("GET", "/anybody", "", "X-Forwarded-For: 192.0.2.1"); !strings.Contains(a.body, `name=""`) {
		t.Errorf("without the header: %s", a.body)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("bert", "secret-b")
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if want := fmt.Sprintf("data: %d for bert\n", i); err != nil || line != want {
			t.Fatalf("event %q, want %q (%v)", line, want, err)
		}
		if _, err := io.ReadFull(lines, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		next <- true // only now the daemon says more
	}
}

// readableByNginx opens a file to the user that nginx runs as when it is started by root.
func readableByNginx(t *testing.T, file string) {
	t.Helper()
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(file); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
