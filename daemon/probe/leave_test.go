package probe

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A probe that has to go is gone at once, wherever the server hangs, and its slot
// with it. What it has seen so far is forgotten: the address of the server is not
// one that fails, and no login was rejected.
func TestAProbeThatHasToGoIsGoneAtOnce(t *testing.T) {
	for name, script := range map[string]string{
		"the greeting":   "tls\nsilence",
		"tls":            "silence",
		"capability":     "tls\nS: * OK ready\nuntil CAPABILITY\nsilence",
		"login":          "tls\nS: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\nuntil LOGIN *\nsilence",
		"logout":         "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nuntil LOGOUT\nsilence",
		"in mid-session": "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nuntil LOGIN *\nS: $tag NO [AUTHENTICATIONFAILED] no\nuntil LOGOUT\nsilence",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.serve("192.0.2.1", script)
				b.login(config.Login{Username: "ann"})
				ctx, cancel := context.WithCancelCause(b.t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					b.prober.judged(ctx, "check", b.check)
				}()
				const until = 500 * time.Millisecond
				time.Sleep(until)
				select {
				case <-ended:
					b.t.Error("the server did not hang; the test proves nothing")
				default:
				}
				told := time.Now()
				cancel(errMakeRoom)
				<-ended
				if took := time.Since(told); took > 0 {
					b.t.Errorf("it went after %v", took)
				}
				past := b.prober.memory.checks["check"]
				if len(past.failing) > 0 || past.logins.anyRejected() || !past.logins.last.IsZero() {
					b.t.Errorf("it is remembered: %+v, %+v", past, past.logins)
				}
			})
		})
	}
}

// Connecting and resolving end at once, too.
func TestAProbeThatHasToGoDialsNoLonger(t *testing.T) {
	for name, wait := range map[string]func(b *bubble){
		"a name that is not answered": func(b *bubble) { b.prober.resolver = hangingResolver{} },
		"a host that is not there": func(b *bubble) {
			b.resolveTo("192.0.2.1", "2001:db8::1")
			b.prober.dial = hangingDial
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				wait(b)
				ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				b.prober.judged(ctx, "check", b.check)
				if took := time.Since(began); took != time.Second {
					b.t.Errorf("it went after %v", took)
				}
			})
		})
	}
}

type hangingResolver struct{}

func (hangingResolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func hangingDial(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
