package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stage is a gate that browsers and programs come to.
type stage struct {
	t    testing.TB
	gate *Gate
	log  []string
	mux  *http.ServeMux
}

func newStage(t testing.TB, cfg *config.Config) *stage {
	s := &stage{t: t, mux: http.NewServeMux()}
	s.gate = NewGate(Options{
		ShowLogin: func(w http.ResponseWriter, _ *http.Request, _ *config.Config, f Form) {
			if f.Wrong != "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = fmt.Fprintf(w, "%+v", f)
		},
		ShowFault: func(w http.ResponseWriter, _ *http.Request, _ *config.Config, refusal Refusal) {
			w.WriteHeader(refusal.Status)
			_, _ = fmt.Fprintf(w, "%+v", refusal)
		},
		Log: func(msg string, err error) { s.log = append(s.log, fmt.Sprint(msg, ": ", err)) },
	})
	s.gate.Use(cfg)
	for _, r := range s.gate.Routes() {
		s.mux.Handle(r.Pattern, r.Handler)
	}
	return s
}

// send sends a request from an address, on loopback unless the context says otherwise.
func (s *stage) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(WithEntrance(r.Context(), Entrance{Loopback: true})))
	return w
}

// who returns who asks with some cookies.
func (s *stage) who(r *http.Request) (*api.Visitor, error) {
	return s.gate.Identify(r.WithContext(WithEntrance(r.Context(), Entrance{Loopback: true})))
}

// logIn posts the form, from an address.
func (s *stage) logIn(from, name, password string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("next=%2Fmonitor&user="+name+"&password="+password))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = from
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return s.send(r)
}

// asks returns a request with cookies.
func asks(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
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

func withCost(t testing.TB, cost int) opaque.Secret {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("x"), cost)
	if err != nil {
		t.Fatal(err)
	}
	return opaque.NewSecret(string(hash))
}
