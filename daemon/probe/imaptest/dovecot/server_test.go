//go:build !quick

package dovecot

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var alice = map[string]string{"alice": "s:e cret"}

func TestGreetsOnBothPorts(t *testing.T) {
	s := Start(t, Options{Greeting: "mx1 at your service"})
	plain := dial(t, s.IMAP())
	plain.expect("* OK ")
	plain.expectInLine("STARTTLS", "mx1 at your service")
	plain.startTLS(s.CA())
	implicit := dialTLS(t, s)
	implicit.expect("* OK ")
	implicit.expectInLine("AUTH=PLAIN", "AUTH=LOGIN", "mx1 at your service")
}

func TestLogin(t *testing.T) {
	s := Start(t, Options{Users: alice})
	c := dialTLS(t, s)
	c.expect("* OK ")
	c.say(`a LOGIN alice wrong`)
	c.expect("a NO [AUTHENTICATIONFAILED]")
	c.say(`b LOGIN alice "s:e cret"`)
	c.expect("b OK ")
	c.say(`c EXAMINE INBOX`)
	c.expect("c OK ")
	c.say(`d EXAMINE Archive`)
	c.expect("d NO ")
	c.expectInLine("Mailbox doesn't exist: Archive") // with NONEXISTENT only from 2.4 on
	c.say("e LOGOUT")
	c.expect("* BYE ")
	c.expect("e OK ")
	s.await("the log to tell of the login", func(context.Context) error {
		if !strings.Contains(s.Log(), "user=<alice>, method=PLAIN") {
			return errors.New(s.Log())
		}
		return nil
	})
}

func TestNoPasswordInTheClearFromAnotherAddress(t *testing.T) {
	s := Start(t, Options{Users: alice, Addresses: []string{"127.0.0.2"}})
	c := dial(t, s.IMAP())
	c.expect("* OK [CAPABILITY ")
	c.expectInLine("LOGINDISABLED")
	c.say(`a LOGIN alice "s:e cret"`)
	c.expect("a NO [PRIVACYREQUIRED]")
}

func TestTheNextSessionOfAUserIsOneTooMany(t *testing.T) {
	s := Start(t, Options{Users: alice, MaxUserIPConnections: 1})
	first := dialTLS(t, s)
	first.say(`a LOGIN alice "s:e cret"`)
	first.expect("a OK ")
	second := dialTLS(t, s)
	second.say(`b LOGIN alice "s:e cret"`)
	second.expect("b NO ")
	second.expectInLine("Maximum number of connections from user+IP exceeded")
}

func TestExternalLogsInByCertificate(t *testing.T) {
	s := Start(t, Options{Users: alice, Mechanisms: []string{"PLAIN", "EXTERNAL"}, ClientCertificates: true})
	c := dialTLS(t, s, s.CA().Issue(ca.Leaf{Names: []string{"alice"}}))
	c.expect("* OK ")
	c.say("a AUTHENTICATE EXTERNAL =")
	c.expect("a OK ")
}

func TestExtraConfiguration(t *testing.T) {
	s := Start(t, Options{Users: alice, Mechanisms: []string{"PLAIN"}, Extra: "auth_mechanisms = plain scram-sha-256"})
	c := dialTLS(t, s)
	c.expect("* OK ")
	c.expectInLine("AUTH=SCRAM-SHA-256")
}

func TestSeveralAddressesShareThePorts(t *testing.T) {
	s := Start(t, Options{Addresses: []string{"127.0.0.1", "127.0.0.2"}})
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		dial(t, fmt.Sprintf("%s:%d", host, s.IMAPPort())).expect("* OK ")
		conn, err := tls.Dial("tcp", fmt.Sprintf("%s:%d", host, s.IMAPSPort()), &tls.Config{RootCAs: s.CA().Pool()})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

func TestStopRefusesAndStartAnswersAgain(t *testing.T) {
	s := Start(t, Options{Users: alice})
	before := s.IMAPS()
	s.Stop()
	s.Stop() // once is enough, twice does no harm
	for _, address := range []string{s.IMAP(), s.IMAPS()} {
		if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dialling the stopped server: %v, %v; want connection refused", conn, err)
		}
	}
	s.Start()
	if s.IMAPS() != before {
		t.Errorf("the port changed from %s to %s", before, s.IMAPS())
	}
	c := dialTLS(t, s)
	c.say(`a LOGIN alice "s:e cret"`)
	c.expect("a OK ")
}

func TestFrozenServerIsSilent(t *testing.T) {
	s := Start(t, Options{})
	s.Freeze()
	c := dial(t, s.IMAP()) // the kernel accepts
	silence := time.Now().Add(300 * time.Millisecond)
	if err := c.conn.SetReadDeadline(silence); err != nil {
		t.Fatal(err)
	}
	if line, err := c.lines.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the frozen server said %q, %v", line, err)
	}
	s.Thaw()
	c.patient()
	c.expect("* OK ")
}

func TestFrozenServerCanBeStopped(t *testing.T) {
	s := Start(t, Options{})
	s.Freeze()
	s.Stop()
}

func TestCertificates(t *testing.T) {
	s := Start(t, Options{Names: []string{"mx1.example.org"}})
	tests := []struct {
		name string
		leaf ca.Leaf
		want string // in the client's error; "" means trusted
	}{
		{"valid", ca.Leaf{}, ""},
		{"expired", ca.Expired(ca.Leaf{}), "certificate has expired"},
		{"not yet valid", ca.NotYetValid(ca.Leaf{}), "is before"},
		{"self-signed", ca.Leaf{SelfSigned: true}, "unknown authority"},
		{"RSA through an intermediate", ca.Leaf{Key: ca.RSA2048, Intermediate: ca.Sent}, ""},
		{"intermediate withheld", ca.Leaf{Intermediate: ca.Withheld}, "unknown authority"},
		{"wrong name", ca.Leaf{Names: []string{"elsewhere.example"}}, "not mx1.example.org"},
		{"renewed", ca.Leaf{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.UseCertificate(test.leaf)
			conn, err := tls.Dial("tcp", s.IMAPS(), &tls.Config{RootCAs: s.CA().Pool(), ServerName: "mx1.example.org"})
			if err == nil {
				defer conn.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRenewedWithTheSameKeyKeepsThePin(t *testing.T) {
	s := Start(t, Options{})
	old := s.Certificate()
	s.UseCertificate(ca.Leaf{PrivateKey: old.PrivateKey})
	shown := dialTLS(t, s).conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if string(shown.RawSubjectPublicKeyInfo) != string(old.Leaf.RawSubjectPublicKeyInfo) {
		t.Error("the key has changed")
	}
	if shown.Equal(old.Leaf) {
		t.Error("the certificate has not changed")
	}
}

func TestCertificateOfAStoppedServerIsShownAfterStart(t *testing.T) {
	s := Start(t, Options{Certificate: ca.Expired(ca.Leaf{})})
	s.Stop()
	s.UseCertificate(ca.Leaf{})
	s.Start()
	dialTLS(t, s).expect("* OK ")
}

func TestCAFileHoldsTheAuthority(t *testing.T) {
	s := Start(t, Options{Authority: ca.New()})
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", s.IMAPS(), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestWithoutAuthProcessThereIsNoGreeting(t *testing.T) {
	s := Start(t, Options{Users: alice})
	s.StopAuth()
	c := dial(t, s.IMAP())
	if line, err := c.lines.ReadString('\n'); err == nil && strings.Contains(line, "CAPABILITY") {
		t.Errorf("greeted with %q", line)
	}
	s.StartAuth()
	login := dialTLS(t, s)
	login.say(`a LOGIN alice "s:e cret"`)
	login.expect("a OK ")
}

func TestWithoutDirectoryLoginsAreUnavailable(t *testing.T) {
	s := Start(t, Options{Users: alice})
	s.StopDirectory()
	c := dialTLS(t, s)
	c.say(`a LOGIN alice "s:e cret"`)
	c.expect("a NO [UNAVAILABLE]")
	s.StartDirectory()
	c.say(`b LOGIN alice "s:e cret"`)
	c.expect("b OK ")
}

func TestServersSideBySide(t *testing.T) {
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			s := Start(t, Options{Greeting: fmt.Sprintf("server %d", i)})
			c := dialTLS(t, s)
			c.expect("* OK ")
			c.expectInLine(fmt.Sprintf("server %d", i))
		})
	}
}

// TestAsOrdinaryUser runs a test of this package again as nobody: CI is root, people are not.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: every other test has shown it already")
		return
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "dovecot-test-") // where the user nobody may go, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary := filepath.Join(dir, "dovecot.test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(binary, self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run=^(TestLogin|TestStopRefusesAndStartAnswersAgain|TestFrozenServerIsSilent)$", "-test.v")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 3 {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

// client speaks just enough IMAP, line by line.
type client struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Reader
	last  string
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: t, conn: conn, lines: bufio.NewReader(conn)}
	c.patient()
	return c
}

func dialTLS(t *testing.T, s *Server, certificates ...tls.Certificate) *client {
	t.Helper()
	c := dial(t, s.IMAPS())
	c.secure(&tls.Config{RootCAs: s.CA().Pool(), ServerName: "localhost", Certificates: certificates})
	return c
}

func (c *client) secure(config *tls.Config) {
	c.t.Helper()
	conn := tls.Client(c.conn, config)
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.lines = conn, bufio.NewReader(conn)
}

func (c *client) startTLS(authority *ca.Authority) {
	c.t.Helper()
	c.say("a STARTTLS")
	c.expect("a OK ")
	c.secure(&tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
}

// patient gives the server a minute for everything that follows.
func (c *client) patient() {
	c.t.Helper()
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads until a line starts with prefix; a tagged line that does not is a failure.
func (c *client) expect(prefix string) {
	c.t.Helper()
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			c.t.Fatalf("waiting for %q: %v", prefix, err)
		}
		if c.last = line; strings.HasPrefix(line, prefix) {
			return
		}
		if line[0] != '*' {
			c.t.Fatalf("got %q, want %q", line, prefix)
		}
	}
}

func (c *client) expectInLine(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if !strings.Contains(c.last, text) {
			c.t.Errorf("%q is not in %q", text, c.last)
		}
	}
}
