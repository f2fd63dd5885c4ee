package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/certfile"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// trust keeps what certificates are verified with: reading a ca_file or a
// client certificate for every probe would cost more than the probe.
type trust struct {
	roots *x509.CertPool // nil: the system's

	mu    sync.Mutex
	pools map[config.Blob]*x509.CertPool
	pairs map[clientCertificate]*tls.Certificate
}

type clientCertificate struct {
	cert config.Blob
	key  opaque.Secret
}

// rootsFor returns the roots that a check's ca_file names, else the prober's.
func (t *trust) rootsFor(options config.TLS) (*x509.CertPool, error) {
	if options.CA.IsZero() {
		return t.roots, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if pool, ok := t.pools[options.CA]; ok {
		return pool, nil
	}
	pool, err := certfile.Pool(options.CA.Text())
	if err != nil {
		return nil, err
	}
	if t.pools == nil {
		t.pools = map[config.Blob]*x509.CertPool{}
	}
	t.pools[options.CA] = pool
	return pool, nil
}

// trustsNobody reports whether there are no roots at all to verify with, as on a
// machine without ca-certificates. Go takes that for a server that nobody knows.
func (t *trust) trustsNobody(options config.TLS) bool {
	roots, err := t.rootsFor(options)
	if roots == nil && err == nil {
		roots, err = x509.SystemCertPool()
	}
	return err != nil || roots.Equal(x509.NewCertPool())
}

// clientCertificate returns the check's client certificate, nil when it has none.
func (t *trust) clientCertificate(options config.TLS) (*tls.Certificate, error) {
	if options.Cert.IsZero() {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := clientCertificate{options.Cert, options.Key}
	if pair, ok := t.pairs[name]; ok {
		return pair, nil
	}
	pair, err := tls.X509KeyPair([]byte(options.Cert.Text()), []byte(options.Key.Reveal()))
	if err != nil {
		return nil, errors.New("cert_file and key_file do not fit together") // the error of the library might quote them
	}
	if t.pairs == nil {
		t.pairs = map[clientCertificate]*tls.Certificate{}
	}
	t.pairs[name] = &pair
	return &pair, nil
}

// errPin says that the key of a server is none of those that are pinned.
var errPin = errors.New("the key is not pinned")

// A pinning is pin_sha256 at work.
type pinning struct {
	keys  string // base64, divided by blanks
	name  string // that the certificate must have
	now   time.Time
	alone bool // no ca_file stands beside the pins
}

// verify checks a server against pin_sha256, as VerifyConnection of crypto/tls. Beside a ca_file,
// crypto/tls has verified the chain before, and the key comes on top. Without one the pinned key
// takes the place of the issuer and of nothing else: name, dates and usage are verified with the
// server's certificate as its own root.
func (p pinning) verify(state tls.ConnectionState) error {
	chain := state.PeerCertificates
	leaf, err := chain[0], error(nil)
	switch {
	case !slices.Contains(strings.Fields(p.keys), publicKeyPin(leaf)):
		err = errPin
	case p.alone:
		roots := x509.NewCertPool()
		roots.AddCert(leaf)
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: p.name, CurrentTime: p.now})
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// publicKeyPin returns the base64 SHA-256 of a certificate's subject public key info, which
// is what RFC 7469 pins.
func publicKeyPin(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// tlsConfig returns how a conversation encrypts. There is no session cache: a resumed
// session would not show the certificate. No ALPN is offered, as mail programs
// do not, and some servers refuse one that they do not know.
func (c *conversation) tlsConfig() (*tls.Config, error) {
	options := c.check.TLS
	roots, err := c.prober.trust.rootsFor(options)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w", err)
	}
	own, err := c.prober.trust.clientCertificate(options)
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	config := &tls.Config{
		RootCAs:    roots,
		ServerName: c.serverName(),
		MinVersion: max(options.MinVersion, tls.VersionTLS12),
		Time:       c.prober.now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c.certAsked = true
			if own == nil {
				return new(tls.Certificate), nil // none: the server decides what it makes of that
			}
			return own, nil
		},
	}
	if options.PinSHA256 != "" {
		p := pinning{options.PinSHA256, config.ServerName, c.prober.now(), options.CA.IsZero()}
		config.InsecureSkipVerify = p.alone // p.verify takes its place then
		config.VerifyConnection = p.verify
	}
	return config, nil
}

// serverName returns the name in SNI and the one that the certificate must have.
// The zone of an address (fe80::1%eth0) is this machine's own affair.
func (c *conversation) serverName() string {
	if c.check.TLS.ServerName != "" {
		return c.check.TLS.ServerName
	}
	if ip, ok := addressOf(c.check.Hostname); ok {
		return ip.String()
	}
	return strings.TrimSuffix(c.check.Hostname, ".") // RFC 6066 section 3: without the final dot
}
