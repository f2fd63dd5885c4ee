package dovecot

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// patience bounds every wait. It is long, since a loaded machine is no reason to fail.
const patience = time.Minute

// await tries until the server is as wanted. The test fails at once when the server ends
// meanwhile, which is what a mistake in its configuration leads to.
func (s *Server) await(what string, condition func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var ended <-chan struct{}
	if s.process != nil {
		ended = s.process.Exited()
	}
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		select {
		case <-ended:
			s.t.Fatalf("waiting for %s: dovecot ended: %v", what, s.process.Err())
		case <-ctx.Done():
			s.t.Fatalf("waited %v for %s: %v", patience, what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) bothGreet(ctx context.Context) error {
	_, plain := s.greeting(ctx, startTLS)
	_, implicit := s.greeting(ctx, implicitTLS)
	return errors.Join(plain, implicit)
}

type security int

const (
	startTLS security = iota
	implicitTLS
)

// greeting opens a connection, reads the greeting and returns the certificate shown. It
// trusts every certificate: it asks which one is in use, not whether it is good.
func (s *Server) greeting(ctx context.Context, security security) (*x509.Certificate, error) {
	address := s.IMAP()
	if security == implicitTLS {
		address = s.IMAPS()
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if security == implicitTLS {
		err = expect(secure, "* OK ")
	} else {
		err = upgrade(conn, secure)
	}
	if err != nil {
		return nil, fmt.Errorf("greeting of %s: %w", address, err)
	}
	return secure.ConnectionState().PeerCertificates[0], nil
}

// upgrade is STARTTLS (RFC 9051 section 6.2.1).
func upgrade(conn net.Conn, secure *tls.Conn) error {
	if err := expect(conn, "* OK "); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("a STARTTLS\r\n")); err != nil {
		return err
	}
	if err := expect(conn, "a OK "); err != nil {
		return err
	}
	return secure.Handshake()
}

// expect reads one line. Dovecot says OK before its authentication process answers; that
// is no greeting yet.
func expect(conn net.Conn, prefix string) error {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, prefix) || strings.Contains(line, "Waiting for authentication") {
		return fmt.Errorf("got %q", line)
	}
	return nil
}
