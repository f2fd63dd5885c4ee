package bus

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/nats-io/nats.go"
)

// describe says in words of ours why a server cannot be used. It quotes nobody.
func describe(host string, err error) string {
	var (
		unknownAuthority x509.UnknownAuthorityError
		wrongName        x509.HostnameError
		invalid          x509.CertificateInvalidError
		remote           *net.OpError
		unresolved       *net.DNSError
	)
	switch {
	case errors.Is(err, errPaused):
		return "this node did not run for a while, and connects to " + host + " again"
	case errors.Is(err, errCutOffServer):
		return "nobody answers for the journal at " + host
	case err == nil, errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return host + " closed the connection"
	case errors.As(err, &unknownAuthority):
		return "the certificate of " + host + " is not signed by an authority that this node trusts"
	case errors.As(err, &wrongName):
		return "the certificate of " + host + " is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of " + host + " has expired, or is not valid yet"
	case errors.As(err, &invalid):
		return "the certificate of " + host + " is not valid"
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of TLS
		return host + " refuses the TLS connection: it may want a certificate of this node"
	case errors.Is(err, nats.ErrSecureConnWanted):
		return host + " offers no TLS"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		return host + " does not accept the key of this node"
	case errors.Is(err, nats.ErrNkeysNotSupported):
		return host + " knows no keys of nodes"
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refuses connections"
	case errors.As(err, &unresolved):
		return "the address of " + host + " cannot be found"
	case errors.Is(err, nats.ErrStaleConnection), errors.Is(err, nats.ErrTimeout),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return host + " does not answer"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no network leads to " + host
	}
	return host + " cannot be used"
}
