package debian

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

//go:embed cyrus.sh.tmpl courier.sh.tmpl
var scripts embed.FS

var templates = template.Must(template.ParseFS(scripts, "*.tmpl"))

// Options say what server to start, on 127.0.0.1.
type Options struct {
	// User has an empty INBOX and nothing else.
	User, Password string
	// MaxPerAddress limits the connections from one address (Courier), MaxPerUser the
	// sessions of the user (Cyrus); 0: the server's own limit.
	MaxPerAddress, MaxPerUser int
}

// A Server is one IMAP server, running or stopped. Its mail survives a stop.
type Server struct {
	t           testing.TB
	options     Options
	image       Image
	script      string
	dir         string
	imap, imaps int
	authority   *ca.Authority
	running     *process.Process // nil while stopped
}

// StartCyrus starts Cyrus IMAP of Debian 13 (3.10).
func StartCyrus(t testing.TB, o Options) *Server {
	t.Helper()
	// cyrus-common wants a mail-transport-agent, a name that debootstrap does not resolve.
	image := Install(t, "trixie", "cyrus-imapd", "libsasl2-modules", "libsasl2-modules-db", "msmtp-mta", "sasl2-bin")
	return start(t, o, image, "cyrus.sh.tmpl")
}

// StartCourier starts Courier IMAP of Debian 13.
func StartCourier(t testing.TB, o Options) *Server {
	t.Helper()
	if o.MaxPerAddress == 0 {
		o.MaxPerAddress = 20
	}
	image := Install(t, "trixie", "courier-authlib-userdb", "courier-imap", "msmtp-mta")
	return start(t, o, image, "courier.sh.tmpl")
}

// Dovecot returns the image that has Dovecot 2.4, of Debian 13.
func Dovecot(t testing.TB) Image {
	t.Helper()
	return Install(t, "trixie", "dovecot-imapd")
}

func start(t testing.TB, o Options, image Image, script string) *Server {
	t.Helper()
	s := &Server{t: t, options: o, image: image, script: script, authority: ca.New()}
	process.Must(s.t, s.prepare())
	// Cleanups run last first: the kill below, then this, then the removal of the directory with
	// the log.
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", script, lastLines(s.Log(), 40))
		}
	})
	t.Cleanup(func() {
		if s.running != nil {
			process.Must(s.t, s.running.Kill())
		}
	})
	s.Start()
	return s
}

// prepare does everything that comes before the process. The directory is in /tmp
// itself, since the server's own users must be able to get there.
func (s *Server) prepare() (err error) {
	addresses := []string{"127.0.0.1"}
	if s.imap, err = process.ClaimPort(s.t, addresses); err != nil {
		return err
	}
	if s.imaps, err = process.ClaimPort(s.t, addresses); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("/tmp", "imapd-"); err != nil {
		return err
	}
	s.t.Cleanup(func() { process.Must(s.t, os.RemoveAll(s.dir)) })
	var text bytes.Buffer
	values := struct {
		Options
		Dir         string
		IMAP, IMAPS int
	}{s.options, s.dir, s.imap, s.imaps}
	if err := templates.ExecuteTemplate(&text, s.script, values); err != nil {
		return err
	}
	// MkdirTemp lets only its owner in.
	return errors.Join(os.Chmod(s.dir, 0o755), os.WriteFile(s.scriptFile(), text.Bytes(), 0o644), s.issue(ca.Leaf{}))
}

func (s *Server) scriptFile() string { return filepath.Join(s.dir, "start.sh") }

func (s *Server) issue(leaf ca.Leaf) error {
	if len(leaf.Names) == 0 {
		leaf.Names, leaf.IPs = []string{"localhost"}, []net.IP{net.ParseIP("127.0.0.1")}
	}
	cert, key := filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
	if err := ca.WriteFiles(s.authority.Issue(leaf), cert, key); err != nil {
		return err
	}
	certText, err := os.ReadFile(cert)
	if err != nil {
		return err
	}
	keyText, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	both := filepath.Join(s.dir, "both.pem") // Courier wants them in one file
	return errors.Join(os.WriteFile(both, slices.Concat(keyText, certText), 0o644), os.Chmod(key, 0o644))
}

// UseCertificate issues a certificate and restarts the server with it. A leaf without
// names gets those of the server.
func (s *Server) UseCertificate(leaf ca.Leaf) {
	s.t.Helper()
	s.Stop()
	process.Must(s.t, s.issue(leaf))
	s.Start()
}

// Start starts a stopped server, and returns when both ports greet.
func (s *Server) Start() {
	s.t.Helper()
	if s.running != nil {
		return
	}
	running, err := process.Launch(s.logFile(), s.image.Command([]string{s.dir}, "/bin/sh", s.scriptFile())...)
	process.Must(s.t, err)
	s.running = running
	s.await("both ports to greet", func(ctx context.Context) error {
		_, plain := process.Greet(ctx, s.IMAP(), process.StartTLS)
		_, implicit := process.Greet(ctx, s.IMAPS(), process.ImplicitTLS)
		return errors.Join(plain, implicit)
	})
}

// Stop ends the server, and returns when connections are refused.
func (s *Server) Stop() {
	s.t.Helper()
	if s.running == nil {
		return
	}
	process.Must(s.t, s.running.End())
	s.running = nil
	s.await("connections to be refused", func(ctx context.Context) error {
		return errors.Join(process.Refuses(ctx, s.IMAP()), process.Refuses(ctx, s.IMAPS()))
	})
}

// Freeze stops all processes of the server in their tracks (SIGSTOP). The kernel goes on
// accepting connections for them, but nobody ever answers.
func (s *Server) Freeze() {
	s.t.Helper()
	process.Must(s.t, s.running.Signal(syscall.SIGSTOP))
}

// Thaw undoes Freeze.
func (s *Server) Thaw() {
	s.t.Helper()
	process.Must(s.t, s.running.Signal(syscall.SIGCONT))
}

// await tries every 100 ms, no more often: Courier counts the connections from one address.
func (s *Server) await(what string, condition func(context.Context) error) {
	s.t.Helper()
	process.Await(s.t, s.running, what, 100*time.Millisecond, condition)
}

// MailDirectory returns where the user's mail is (Courier), or all mail (Cyrus).
func (s *Server) MailDirectory() string { return filepath.Join(s.dir, "mail") }

// IMAP returns host:port of the port that offers STARTTLS.
func (s *Server) IMAP() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.imap)) }

// IMAPS returns host:port of the port with implicit TLS.
func (s *Server) IMAPS() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.imaps)) }

// CA returns the authority that issues the server's certificates.
func (s *Server) CA() *ca.Authority { return s.authority }

// Log returns what the server wrote.
func (s *Server) Log() string { return process.ReadLog(s.logFile()) }

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }
