// Package dovecot runs a real Dovecot for tests: the server of Debian's dovecot-imapd, with
// a configuration, ports, users, mail and log of its own in a temporary directory.
//
// It owns that process and everything below it. It never touches /etc/dovecot, a Dovecot
// that the system itself may be running, or any address that is not loopback.
//
// A caller may rely on this: when Start returns, both ports greet; when a method that
// changes the server returns, the change is in effect for every later connection; when
// the test ends, the processes are gone, and if it failed, the log has been printed. The
// ports stay reserved for the whole test, also while the server is stopped, so that
// nothing else answers on them, whatever packages are tested at the same time. Without
// Dovecot a test fails and says what to install; it is never skipped.
//
// The test binary may run as root or not. Dovecot 2.3 (Debian 12) and 2.4 (Debian 13) are
// supported. Methods fail the test by themselves and belong on the test's own goroutine.
package dovecot

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/debian"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// Options say what server to start. The zero value is one without users on 127.0.0.1.
type Options struct {
	// Addresses are the loopback addresses to listen on, with the same two ports on each;
	// 127.0.0.1 when empty.
	Addresses []string
	// Users maps names to passwords. A user has an empty INBOX and nothing else.
	Users map[string]string
	// HashedPasswords keeps passwords in a form that PLAIN and LOGIN can check and
	// SCRAM cannot ({SSHA256}).
	HashedPasswords bool
	// Mechanisms are SASL names as capabilities have them; PLAIN and LOGIN when empty.
	// XOAUTH2 and OAUTHBEARER need a passdb of their own in Extra.
	Mechanisms []string
	// ClientCertificates asks clients for a certificate of Authority. With EXTERNAL among
	// the mechanisms its common name logs in as the user of that name.
	ClientCertificates bool
	// MaxUserIPConnections limits the sessions of one user from one address; 0 leaves
	// Dovecot's 10.
	MaxUserIPConnections int
	// Greeting is the text after the capabilities; empty leaves Dovecot's own.
	Greeting string
	// Authority issues the certificates; nil makes a new one.
	Authority *ca.Authority
	// Names are DNS names that certificates carry besides localhost.
	Names []string
	// Certificate is shown first, a good one when zero; see Server.UseCertificate.
	Certificate ca.Leaf
	// Image runs the Dovecot that is installed there; empty: that of this machine.
	Image debian.Image
	// Extra is appended to the configuration, in the language of the installed Dovecot.
	Extra string
}

// Server is one Dovecot, running or stopped.
type Server struct {
	t           testing.TB
	options     Options
	version     string // "2.3" or "2.4"
	binary      string
	dir         string
	imap, imaps int
	certificate tls.Certificate
	process     *process.Process // nil while stopped
	authDown    bool
}

// Start starts a Dovecot and returns when it greets on both ports. The test fails when
// Dovecot is not installed or does not come up.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, options: withDefaults(o)}
	process.Must(s.t, s.prepare())
	// Cleanups run last first: discard, then this, then the removal of the directory with the log.
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the Dovecot at %s:\n%s", s.IMAPS(), s.Log())
		}
	})
	t.Cleanup(s.discard)
	s.Start()
	return s
}

func withDefaults(o Options) Options {
	if len(o.Addresses) == 0 {
		o.Addresses = []string{"127.0.0.1"}
	}
	if len(o.Mechanisms) == 0 {
		o.Mechanisms = []string{"PLAIN", "LOGIN"}
	}
	if o.Authority == nil {
		o.Authority = ca.New()
	}
	return o
}

// prepare does everything that comes before the process.
func (s *Server) prepare() (err error) {
	if s.binary, s.version, err = find(s.options.Image); err != nil {
		return err
	}
	if s.imap, err = process.ClaimPort(s.t, s.options.Addresses); err != nil {
		return err
	}
	if s.imaps, err = process.ClaimPort(s.t, s.options.Addresses); err != nil {
		return err
	}
	if err = s.makeDirectory(); err != nil {
		return fmt.Errorf("preparing the server's directory: %w", err)
	}
	return errors.Join(s.options.Authority.WriteFile(s.CAFile()), s.issue(s.options.Certificate), s.writeConfig())
}

// makeDirectory makes the server's directory in /tmp itself: the path of a unix socket may
// have 107 bytes (unix(7)), and Dovecot's own users must be able to get there. Neither
// $TMPDIR nor the test's TempDir promises that.
func (s *Server) makeDirectory() error {
	dir, err := os.MkdirTemp("/tmp", "dovecot-")
	if err != nil {
		return err
	}
	s.dir = dir
	s.t.Cleanup(func() { process.Must(s.t, os.RemoveAll(dir)) })
	err = errors.Join(
		// MkdirTemp lets only its owner in.
		os.Chmod(dir, 0o755),
		os.Mkdir(filepath.Join(dir, "run"), 0o755),
		os.Mkdir(filepath.Join(dir, "mail"), 0o755),
		os.Chmod(filepath.Join(dir, "mail"), 0o1777|os.ModeSticky),
		os.Mkdir(s.directory(), 0o755),
	)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.directory(), "passwd"), passwd(s.options), 0o644)
}

// IMAP returns host:port of the plaintext port, which offers STARTTLS. Without it no password is
// taken (LOGINDISABLED), except that Dovecot trusts clients that come from the address it listens
// on: use 127.0.0.2, to which Linux connects from 127.0.0.1, where that matters.
func (s *Server) IMAP() string { return s.address(s.imap) }

// IMAPS returns host:port of the port with implicit TLS.
func (s *Server) IMAPS() string { return s.address(s.imaps) }

// IMAPPort returns the port of IMAP; it is the same on all of Options.Addresses.
func (s *Server) IMAPPort() int { return s.imap }

// IMAPSPort returns the port of IMAPS; it is the same on all of Options.Addresses.
func (s *Server) IMAPSPort() int { return s.imaps }

func (s *Server) address(port int) string {
	return net.JoinHostPort(s.options.Addresses[0], strconv.Itoa(port))
}

// CA returns the authority that issues the server's certificates.
func (s *Server) CA() *ca.Authority { return s.options.Authority }

// CAFile returns the path of a PEM file with the authority's root certificate.
func (s *Server) CAFile() string { return filepath.Join(s.dir, "ca.pem") }

// Log returns what the server has logged since Start, what it wrote to standard error included.
func (s *Server) Log() string { return process.ReadLog(s.logFile()) }

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// Version returns the version of the Dovecot that runs, "2.3" or "2.4".
func (s *Server) Version() string { return s.version }
