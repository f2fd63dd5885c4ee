package process

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// A Security is how a port of a server is encrypted.
type Security int

// The securities.
const (
	StartTLS Security = iota
	ImplicitTLS
)

// Greet opens a connection to a server, reads its greeting and returns the certificate that it
// shows. It trusts every certificate: it asks which one is in use, not whether it is good.
func Greet(ctx context.Context, address string, security Security) (*x509.Certificate, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// Reading knows no context: closing the connection is what ends it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if security == ImplicitTLS {
		err = expect(secure, "* OK ")
	} else {
		err = upgrade(conn, secure)
	}
	if err != nil {
		return nil, fmt.Errorf("greeting of %s: %w", address, err)
	}
	return secure.ConnectionState().PeerCertificates[0], nil
}

// upgrade begins TLS by STARTTLS (RFC 9051 section 6.2.1).
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

// Refuses returns nil when nothing listens at an address, else an error.
func Refuses(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s still accepts", address), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	}
	return err
}
