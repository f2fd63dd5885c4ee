package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stage is a server that serves what a test wants.
type stage struct {
	t      testing.TB
	server *Server
	client *http.Client

	mu  sync.Mutex
	log []string
}

// routes are one route of each right, which say who asks.
func routes() []api.Route {
	whoami := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := api.VisitorOf(r.Context())
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "name=%q rights=%v groups=%v body=%d %v token=%v", v.Name, v.Rights, v.Groups, len(body), err, v.Token)
	})
	return []api.Route{
		{Pattern: "GET /anybody", Right: api.Anybody, Handler: whoami},
		{Pattern: "GET /see", Right: api.See, Handler: whoami},
		{Pattern: "GET /metrics", Right: api.Metrics, Handler: whoami},
		{Pattern: "POST /operate", Right: api.Operate, Handler: whoami},
		{Pattern: "POST /anybody", Right: api.Anybody, Handler: whoami},
	}
}

func newStage(t testing.TB, o Options) *stage {
	t.Helper()
	s := &stage{t: t}
	if o.Routes == nil {
		o.Routes = routes()
	}
	well := func(context.Context) error { return nil }
	if o.Healthy == nil {
		o.Healthy, o.Ready = well, well
	}
	o.Log = func(msg string, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, fmt.Sprint(msg, err))
	}
	s.server = New(o)
	s.client = &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}

// reload puts a configuration into force, or returns why it is refused.
func (s *stage) reload(cfg *config.Config) error {
	commit, _, diags := s.server.Prepare(cfg)
	if config.HasErrors(diags) {
		return diags[0]
	}
	commit()
	return nil
}

// use puts a configuration into force.
func (s *stage) use(cfg *config.Config) {
	s.t.Helper()
	if err := s.reload(cfg); err != nil {
		s.t.Fatal(err)
	}
}

// start puts a configuration into force that listens at a free port, and returns the port.
func (s *stage) start(cfg *config.Config) string {
	s.t.Helper()
	cfg.Daemon.Listen = "127.0.0.1:" + freePort(s.t)
	cfg.Daemon.ListenPos = config.Pos{File: "main.hcl", Line: 2, Column: 3}
	s.use(cfg)
	return portOf(cfg.Daemon.Listen)
}

// base returns the URL of the server.
func (s *stage) base() string {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return "http://" + s.server.open.Addr().String()
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(l.Addr().String())
}

// An answer is what a test looks at of a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request, with headers "Name: value".
func (s *stage) ask(method, path, body string, headers ...string) answer {
	s.t.Helper()
	a, err := s.try(method, s.base()+path, body, headers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *stage) try(method, address, body string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, errors.Join(err, response.Body.Close())
}

// logged returns all that was logged.
func (s *stage) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// userOf makes a line of users_file; as cheap as bcrypt is.
func userOf(t testing.TB, name, password string) config.PageUser {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return config.PageUser{Name: name, Hash: opaque.NewSecret(string(hash))}
}

const formType = "Content-Type: application/x-www-form-urlencoded"

func basicText(name, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
}
