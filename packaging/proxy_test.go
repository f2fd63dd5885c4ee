//go:build !quick

package packaging_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// marked returns the displays of a manual page that have a mark of a name.
func marked(t *testing.T, file, mark string) (list []string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	display := regexp.MustCompile(`(?ms)^\.\\" ` + mark + `\n\.Bd -literal[^\n]*\n(.*?)^\.Ed\n`)
	for _, d := range display.FindAllSubmatch(page, -1) {
		list = append(list, plain.Replace(string(d[1])))
	}
	if len(list) == 0 {
		t.Fatalf("%s has no display with the mark %q", file, mark)
	}
	return list
}

// TestPagePrometheus has promtool read the configuration of Prometheus in imapvigil-page(7).
func TestPagePrometheus(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	write(t, token, "secret\n", 0o600)
	for _, text := range marked(t, statusPage, "prometheus") {
		file := filepath.Join(dir, "prometheus.yml")
		write(t, file, strings.ReplaceAll(text, "/etc/prometheus/imapvigil.token", token), 0o644)
		said, err := exec.CommandContext(t.Context(), "promtool", "check", "config", file).CombinedOutput()
		if err != nil {
			t.Errorf("%v; on Debian, promtool is in the package prometheus\n%s\n%s", err, said, text)
		}
	}
}

// backend stands for the daemon: it says what it was asked, and has a stream of events that
// does not end.
func backend(t *testing.T) (address string, asked func() http.Header) {
	t.Helper()
	last := make(chan http.Header, 100)
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no")
		_, _ = io.WriteString(w, "event: hello\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		h.Set("Host", r.Host)
		h.Set("Path", r.URL.EscapedPath())
		last <- h
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), func() http.Header { return <-last }
}

// nginxWith runs nginx with a server of imapvigil-page(7), as far as possible as it is written,
// and returns a browser that asks it under the name of the page.
func nginxWith(t *testing.T, server string) *http.Client {
	t.Helper()
	const host = "127.0.0.1"
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	port, err := process.ClaimPort(t, []string{host})
	process.Must(t, err)
	authority := ca.New()
	process.Must(t, ca.WriteFiles(authority.Issue(ca.Leaf{Names: []string{"status.example.org"}}), file("pem"), file("key")))
	address := net.JoinHostPort(host, strconv.Itoa(port))
	server = strings.NewReplacer(
		"listen 443 ", "listen "+address+" ", "  listen [::]:443 ssl http2;\n", "",
		"/etc/ssl/status.pem", file("pem"), "/etc/ssl/private/status.key", file("key"),
	).Replace(server)
	write(t, file("conf"), fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/1;\nproxy_temp_path %[1]s/2;\nfastcgi_temp_path %[1]s/3;\nuwsgi_temp_path %[1]s/4;\nscgi_temp_path %[1]s/5;\n%[2]s}\n", dir, server), 0o644)
	nginx, err := process.Launch(file("log"), "nginx", "-e", "stderr", "-p", dir, "-c", file("conf"))
	if err != nil {
		t.Fatalf("%v; on Debian, nginx is in the package nginx", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(process.ReadLog(file("log")))
		}
		_ = nginx.Kill()
	})
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	process.Await(t, nginx, "nginx", 20*time.Millisecond, func(ctx context.Context) error {
		c, err := dial(ctx, "tcp", "")
		if err == nil {
			err = c.Close()
		}
		return err
	})
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// An answer is what a browser gets: the first line of the body as soon as it is there.
type answer struct {
	status          int
	location, first string
}

func ask(t *testing.T, client *http.Client, path string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://status.example.org:8443"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	// What a browser may claim.
	r.Header.Set("Remote-User", "mallory")
	r.Header.Set("Remote-Groups", "mail-admins")
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	first, err := bufio.NewReader(got.Body).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header.Get("Location"), first}
}

// TestPageNginx tries the proxy of imapvigil-page(7): the host and the path come through as they
// are, nobody can name a user, and an event arrives while the stream goes on.
func TestPageNginx(t *testing.T) {
	at, asked := backend(t)
	server := marked(t, statusPage, "nginx")[0]
	client := nginxWith(t, strings.ReplaceAll(server, "127.0.0.1:9143", at))
	ask(t, client, "/c/a%2Fb/imaps")
	h := asked()
	if h.Get("Host") != "status.example.org:8443" || h.Get("Path") != "/c/a%2Fb/imaps" || h.Get("X-Forwarded-For") != "127.0.0.1" {
		t.Errorf("the daemon was asked with %v", h)
	}
	if h.Get("Remote-User") != "" || h.Get("Remote-Groups") != "" {
		t.Errorf("a browser can name a user: %v", h)
	}
	if got := ask(t, client, "/api/v1/events"); got.first != "event: hello\n" {
		t.Errorf("the first event is %+v", got)
	}
}

// TestPageNginxWithLogin tries the proxy of imapvigil-page(7) that asks Authelia: whom that
// names gets through under this name, and others are sent to the login.
func TestPageNginxWithLogin(t *testing.T) {
	at, asked := backend(t)
	name := "anna"
	authelia := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/api/authz/auth-request" || r.Header.Get("X-Original-URL") != "https://status.example.org:8443/c/x" || r.Header.Get("X-Original-Method") != "GET":
			t.Errorf("Authelia is asked for %s with %v", r.URL, r.Header)
		case name == "":
			w.Header().Set("Location", "https://auth.example.org/?rd=x")
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Remote-User", name)
			w.Header().Set("Remote-Groups", "acme,desk")
		}
	}))
	t.Cleanup(authelia.Close)
	server, _, found := strings.Cut(marked(t, statusPage, "nginx")[0], "  location / {")
	if !found {
		t.Fatal("the server of nginx has no location")
	}
	server += marked(t, statusPage, "nginx authelia")[0] + "}\n"
	server = strings.NewReplacer("127.0.0.1:9143", at, "127.0.0.1:9091", authelia.Listener.Addr().String()).Replace(server)
	client := nginxWith(t, server)
	ask(t, client, "/c/x")
	if h := asked(); h.Get("Remote-User") != "anna" || h.Get("Remote-Groups") != "acme,desk" || len(h.Values("Remote-User")) != 1 {
		t.Errorf("the daemon was asked with %v", h)
	}
	name = ""
	if got := ask(t, client, "/c/x"); got.status != http.StatusFound || got.location != "https://auth.example.org/?rd=x" {
		t.Errorf("nobody gets %+v", got)
	}
}
