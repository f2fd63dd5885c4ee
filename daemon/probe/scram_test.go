package probe

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

const (
	offersBoth = "tls\nS: * OK ready\ncaps SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256\nuntil AUTHENTICATE SCRAM-SHA-256 *\n"
	noSCRAM    = offersBoth + "S: $tag NO [AUTHENTICATIONFAILED] no\n"
	onlyPlain  = "tls\nS: * OK ready\ncaps SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256\nuntil AUTHENTICATE PLAIN *\n"
)

// A wrong password is tried with SCRAM and with PLAIN once, and with PLAIN alone
// from then on, by all checks of the account.
func TestAWrongPasswordIsNotRejectedTwiceAProbe(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice"})
		b.serve("192.0.2.1", noSCRAM+"until AUTHENTICATE PLAIN *\nS: $tag NO [AUTHENTICATIONFAILED] no\nserve")
		b.expect(b.probe(), "degraded login/credentials_rejected account")
		if n := b.logins("192.0.2.1"); n != 2 {
			t.Errorf("%d logins in the first probe, want 2", n)
		}
		b.serve("192.0.2.1", onlyPlain+"S: $tag NO [AUTHENTICATIONFAILED] no\nserve")
		pauses := []time.Duration{time.Minute, time.Hour, 2 * time.Hour}
		for _, pause := range pauses {
			b.probeAfter(pause)
		}
		time.Sleep(2 * time.Hour)
		b.prober.judged(b.t.Context(), "another check", b.check)
		if n := b.logins("192.0.2.1"); n == 0 || n > len(pauses)+1 {
			t.Errorf("%d logins in %d probes", n, len(pauses)+1)
		}
		for _, command := range b.servers["192.0.2.1"].Commands() {
			if strings.Contains(command, "SCRAM") {
				t.Errorf("SCRAM again: %q", command)
			}
		}
	})
}

// Once the password is accepted, SCRAM is tried again: perhaps only the password
// was wrong.
func TestSCRAMIsTriedAgainWhenThePasswordIsAccepted(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice"})
		b.serve("192.0.2.1", noSCRAM+"until AUTHENTICATE PLAIN *\nS: $tag NO [AUTHENTICATIONFAILED] no\nserve")
		b.expect(b.probe(), "degraded login/credentials_rejected account")
		b.serve("192.0.2.1", onlyPlain+"S: $tag OK in\nserve")
		b.expect(b.probeAfter(time.Hour), "ok")
		b.serve("192.0.2.1", noSCRAM+"until AUTHENTICATE PLAIN *\nS: $tag OK in\nserve")
		r := b.probeAfter(time.Minute)
		b.expect(r, "ok")
		if !hasNote(r, "scram_refused") {
			t.Errorf("notes %+v", r.Notes)
		}
		b.serve("192.0.2.1", onlyPlain+"S: $tag OK in\nserve")
		b.expect(b.probeAfter(time.Minute), "ok") // and now it is known
	})
}

// Another password has another past.
func TestAnEditedPasswordIsTriedWithSCRAM(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice"})
		b.serve("192.0.2.1", noSCRAM+"until AUTHENTICATE PLAIN *\nS: $tag OK in\nserve")
		b.expect(b.probe(), "ok")
		b.serve("192.0.2.1", noSCRAM+"until AUTHENTICATE PLAIN *\nS: $tag OK in\nserve")
		b.login(config.Login{Username: "alice", Password: opaque.NewSecret("another")})
		if r := b.probeAfter(time.Minute); !hasNote(r, "scram_refused") {
			t.Errorf("notes %+v", r.Notes)
		}
	})
}

// What go-imap cannot send is a line of its own.
func TestCancellingIsAStar(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	g := &gate{Conn: near, talk: &conversation{round: &round{prober: New(Options{})}}}
	sent := make(chan string, 1)
	go func() {
		defer far.Close()
		line, _ := bufio.NewReader(far).ReadString('\n')
		sent <- line
	}()
	if n, err := g.Write([]byte(cancellingWire)); n != len(cancellingWire) || err != nil {
		t.Error(n, err)
	}
	if got := <-sent; got != "*\r\n" {
		t.Errorf("%q was sent", got)
	}
}
