package probe

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

const (
	takesToken   = "tls\nS: * OK ready\nserve AUTH=XOAUTH2 SASL-IR"
	refusesToken = "tls\nS: * OK ready\ncaps AUTH=XOAUTH2 SASL-IR\nuntil AUTHENTICATE *\nS: $tag NO [AUTHENTICATIONFAILED] expired\nserve"
)

// endpoint is a token endpoint, RFC 6749 section 3.2.
func endpoint(t *testing.T, answer http.HandlerFunc) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func grant(seconds int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, secret, seconds)
	}
}

func refuse(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// withToken is a check whose token comes from an endpoint, against a script.
func withToken(t *testing.T, url, script string) (*Prober, config.Probe, *imaptest.Server) {
	t.Helper()
	certs := imaptest.NewCertificates()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse(script), certs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return New(Options{Roots: certs.Authority.Pool()}), config.Probe{
		Hostname: "127.0.0.1", Port: server.Addr().Port(), Security: config.TLSFromStart, Timeout: time.Minute,
		Login: config.Login{
			Username: "alice", TokenURL: url, ClientID: "vigil", ClientSecret: opaque.NewSecret("client-canary"), Scopes: "imap mail",
		},
	}, server
}

func TestTokenFromClientCredentials(t *testing.T) {
	url, asked := endpoint(t, grant(3600))
	prober, check, server := withToken(t, url, takesToken)
	for range 3 {
		if r := prober.judged(t.Context(), "check", check); r.Health() != incident.OK || !r.Observed.Has(config.ConditionAccount) {
			t.Fatalf("%+v", r.Findings)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the endpoint was asked %d times for a token that is good for an hour", n)
	}
	if n := strings.Count(strings.Join(server.Commands(), "\n"), "AUTHENTICATE XOAUTH2"); n != 3 {
		t.Errorf("%d logins", n)
	}
}

func TestShortLivedTokenIsFetchedAgain(t *testing.T) {
	url, asked := endpoint(t, grant(30))
	prober, check, _ := withToken(t, url, takesToken)
	prober.judged(t.Context(), "check", check)
	prober.judged(t.Context(), "check", check)
	if n := asked.Load(); n != 2 {
		t.Errorf("the endpoint was asked %d times", n)
	}
}

func TestRefusedTokenIsFetchedAgain(t *testing.T) {
	url, asked := endpoint(t, grant(3600))
	prober, check, _ := withToken(t, url, refusesToken)
	for range 2 {
		if got := inWords(prober.judged(t.Context(), "check", check), true); got != "degraded login/token_refused account" {
			t.Error(got)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the endpoint was asked %d times", n)
	}
}

func TestTokenEndpointTroubles(t *testing.T) {
	for name, test := range map[string]struct {
		answer   http.HandlerFunc
		want     string
		evidence string
	}{
		"expired secret":  {refuse(401, `{"error":"invalid_client","error_description":"AADSTS7000222 client-canary"}`), "degraded login/token_refused account", "invalid_client AADSTS7000222 ***"},
		"unknown client":  {refuse(400, `{"error":"unauthorized_client"}`), "degraded login/token_refused account", "unauthorized_client"},
		"no JSON":         {refuse(403, "<html>"), "degraded login/token_refused account", ""},
		"broken endpoint": {refuse(503, "down"), "unknown login/token_unavailable account", "HTTP status 503"},
		"too many":        {refuse(429, "slow down"), "unknown login/token_unavailable account", "HTTP status 429"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices a client's end only after that
			<-r.Context().Done()
		}, "unknown login/token_unavailable account", "context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := endpoint(t, test.answer)
			prober, check, server := withToken(t, url, takesToken)
			if name == "hangs" {
				check.Timeout = 3 * time.Second
			}
			r := prober.judged(t.Context(), "check", check)
			worst, _ := r.Worst()
			if got := inWords(r, true); got != test.want || worst.Evidence.String() != test.evidence {
				t.Errorf("%s with evidence %q, want %s with %q", got, worst.Evidence, test.want, test.evidence)
			}
			if !r.Observed.Has(config.ConditionService) || r.Observed.Has(config.ConditionAccount) != (worst.Health == incident.Degraded) {
				t.Errorf("observed %b", r.Observed)
			}
			if got := strings.Join(server.Commands(), ", "); got != "CAPABILITY, LOGOUT" {
				t.Errorf("the server was sent %q", got)
			}
		})
	}
}

func TestUnreachableTokenEndpointIsNotTheServersFault(t *testing.T) {
	prober, check, _ := withToken(t, "http://127.0.0.1:1/token?key=client-canary", takesToken)
	r := prober.judged(t.Context(), "check", check)
	if got := inWords(r, true); got != "unknown login/token_unavailable account" {
		t.Error(got)
	}
	if text := fmt.Sprintf("%+v", r); strings.Contains(text, "client-canary") {
		t.Error(text)
	}
}
