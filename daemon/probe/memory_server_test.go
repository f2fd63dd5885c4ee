package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// What the demo shows: one server that fails in several ways and recovers.
func TestServerThatFailsAndRecovers(t *testing.T) {
	for _, security := range []config.Security{config.TLSFromStart, config.StartTLS} {
		t.Run(string(security), func(t *testing.T) {
			authority := ca.New()
			server, err := imaptest.StartMemory(imaptest.MemoryOptions{
				Certificate: authority.Issue(ca.Leaf{}), StartTLS: security == config.StartTLS,
				Username: "alice", Password: "secret",
			})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			check := config.Probe{
				Hostname: "127.0.0.1", Port: server.Addr().Port(), Security: security,
				Addresses: config.AllAddresses, Interval: time.Minute, Timeout: time.Minute,
			}
			prober := New(Options{Roots: authority.Pool()})
			expect := func(when, want string) {
				t.Helper()
				if got := inWords(prober.judged(t.Context(), "demo", check), false); got != want {
					t.Errorf("%s: %s, want %s", when, got, want)
				}
			}
			serve := func() {
				t.Helper()
				if err := server.Serve(); err != nil {
					t.Fatal(err)
				}
			}
			hung := config.PhaseTLS
			if security == config.StartTLS {
				hung = config.PhaseGreeting
			}
			expect("serving", "ok")
			server.Refuse()
			expect("refusing", "down connect/refused")
			serve()
			expect("serving again", "ok")
			if err := server.Hang(); err != nil {
				t.Fatal(err)
			}
			check.Timeout = time.Second
			expect("hanging", "down "+hung.String()+"/timeout")
			check.Timeout = time.Minute
			serve()
			expect("serving after a hang", "ok")
			server.Show(authority.Issue(ca.Expired(ca.Leaf{})))
			expect("expired", "down tls/cert_expired")
		})
	}
}
