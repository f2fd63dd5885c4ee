//go:build servers

package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/debian"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
)

// A realServer is what the servers of these tests have in common.
type realServer interface {
	IMAP() string
	IMAPS() string
	CA() *ca.Authority
	UseCertificate(ca.Leaf)
	Start()
	Stop()
	Freeze()
	Thaw()
}

// A question is asked of a server about a check of its own, so that nothing is
// remembered of an earlier one.
type question struct {
	t      *testing.T
	server realServer
	prober *Prober
}

func ask(t *testing.T, server realServer) question {
	return question{t, server, New(Options{Roots: server.CA().Pool(), Version: "1"})}
}

func (q question) expect(when string, check config.Probe, want string) {
	q.t.Helper()
	expectReal(q.t, when, q.prober.judged(q.t.Context(), config.CheckID(when), check), want)
}

func (q question) imaps() config.Probe { return realCheck(q.t, q.server.IMAPS(), config.TLSFromStart) }

func (q question) startTLS() config.Probe { return realCheck(q.t, q.server.IMAP(), config.StartTLS) }

// everyServer asks what every server must be right about.
// Refused is how it answers a wrong password.
func everyServer(t *testing.T, server realServer, refused string) {
	q := ask(t, server)
	imaps, startTLS := q.imaps(), q.startTLS()
	q.expect("well, imaps", imaps, "ok")
	q.expect("well, starttls", startTLS, "ok")
	q.expect("logged in, imaps", asAlice(imaps, ""), "ok")
	q.expect("logged in, starttls", asAlice(startTLS, ""), "ok")

	wrong := asAlice(imaps, "")
	wrong.Login.Password = opaque.NewSecret("wrong")
	q.expect("a wrong password", wrong, refused)
	missing := asAlice(imaps, "")
	missing.Login.Mailbox = "Nowhere"
	q.expect("a missing mailbox", missing, "degraded select/mailbox_missing account")

	server.UseCertificate(ca.Expired(ca.Leaf{}))
	q.expect("expired, imaps", imaps, "down tls/cert_expired")
	q.expect("expired, starttls", startTLS, "down tls/cert_expired")
	server.UseCertificate(ca.Leaf{SelfSigned: true})
	q.expect("foreign, imaps", imaps, "down tls/cert_untrusted")
	q.expect("foreign, starttls", startTLS, "down tls/cert_untrusted")
	server.UseCertificate(ca.Leaf{})

	server.Freeze()
	quick := func(check config.Probe) config.Probe { check.Timeout = 3 * time.Second; return check }
	q.expect("accepts and never speaks, imaps", quick(imaps), "down tls/timeout")
	q.expect("accepts and never speaks, starttls", quick(startTLS), "down greeting/timeout")
	server.Thaw()

	server.Stop()
	q.expect("stopped, imaps", imaps, "down connect/refused")
	q.expect("stopped, starttls", startTLS, "down connect/refused")
	server.Start()
	q.expect("started", asAlice(imaps, ""), "ok")
}

func TestRealDovecot24(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Image: debian.Dovecot(t), Users: map[string]string{"alice": secret}, MaxUserIPConnections: 1})
	if !strings.HasPrefix(server.Version(), "2.4") {
		t.Errorf("this is Dovecot %s", server.Version())
	}
	everyServer(t, server, "degraded login/credentials_rejected account")
	q := ask(t, server)
	release := occupy(t, server.IMAPS(), server.CA())
	q.expect("one session too many", asAlice(q.imaps(), ""), "down login/connection_limit service")
	release()

	// Dovecot looks at the directory once a second at most, so this one is asked nothing before.
	other := dovecot.Start(t, dovecot.Options{Image: debian.Dovecot(t), Users: map[string]string{"alice": secret}})
	other.StopDirectory()
	q = ask(t, other)
	q.expect("the directory of users away", asAlice(q.imaps(), ""), "down login/backend_unavailable service")
}

func TestRealCyrus(t *testing.T) {
	server := debian.StartCyrus(t, debian.Options{User: "alice", Password: secret})
	everyServer(t, server, "degraded login/credentials_rejected account")
	q := ask(t, server)
	restore := damageIndex(t, server.MailDirectory())
	q.expect("the index damaged", asAlice(q.imaps(), ""), "down select/backend_unavailable service")
	restore()
	q.expect("the index whole", asAlice(q.imaps(), ""), "ok")
	if err := os.Rename(server.MailDirectory(), server.MailDirectory()+".away"); err != nil {
		t.Fatal(err)
	}
	q.expect("the store away", asAlice(q.imaps(), ""), "down select/backend_unavailable service")
}

// damageIndex overwrites the indexes of all mailboxes of a Cyrus, until restore.
func damageIndex(t *testing.T, mail string) (restore func()) {
	t.Helper()
	whole := map[string][]byte{}
	err := filepath.WalkDir(mail, func(file string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(file) != "cyrus.index" {
			return err
		}
		content, err := os.ReadFile(file)
		whole[file] = content
		return errors.Join(err, os.WriteFile(file, bytes.Repeat([]byte("x"), len(content)), 0o600))
	})
	if err != nil || len(whole) == 0 {
		t.Fatalf("%d indexes below %s: %v", len(whole), mail, err)
	}
	return func() {
		for file, content := range whole {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRealCyrusConnectionLimit(t *testing.T) {
	server := debian.StartCyrus(t, debian.Options{User: "alice", Password: secret, MaxPerUser: 1})
	q := ask(t, server)
	q.expect("the only session", asAlice(q.imaps(), ""), "ok")
	release := occupy(t, server.IMAPS(), server.CA())
	q.expect("one session too many", asAlice(q.imaps(), ""), "down login/connection_limit service")
	release()
}

func TestRealCourier(t *testing.T) {
	server := debian.StartCourier(t, debian.Options{User: "alice", Password: secret})
	// "NO Login failed." is all that Courier says of a wrong password.
	everyServer(t, server, "degraded login/login_refused account")
	q := ask(t, server)
	if err := os.Rename(server.MailDirectory(), server.MailDirectory()+".away"); err != nil {
		t.Fatal(err)
	}
	q.expect("the Maildir gone", asAlice(q.imaps(), ""), "down login/backend_unavailable service")
	if err := os.Rename(server.MailDirectory()+".away", server.MailDirectory()); err != nil {
		t.Fatal(err)
	}
}

func TestRealCourierConnectionLimit(t *testing.T) {
	server := debian.StartCourier(t, debian.Options{User: "alice", Password: secret, MaxPerAddress: 4})
	q := ask(t, server)
	fill(t, server.IMAPS(), 4)
	// Courier hangs up without a word on connections beyond its limit. That is a reset or
	// an end by whether it has seen the client's first words, and may be for many reasons.
	worst := worstOf(q.prober.judged(t.Context(), "limit", q.imaps()))
	if worst.Health != incident.Down || worst.Phase != config.PhaseTLS || !strings.Contains(worst.Hint, "limit") {
		t.Errorf("connection limit: %s %s/%s: %s", worst.Health, worst.Phase, worst.Cause, worst.Hint)
	}
}

// fill holds as many connections as a server allows.
func fill(t *testing.T, address string, connections int) {
	t.Helper()
	for range connections {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := conn.Read(make([]byte, 1)); err != nil { // it has greeted
			t.Fatal(err)
		}
	}
}
