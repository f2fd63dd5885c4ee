package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// handshake encrypts the connection and verifies who is there. There is no
// session cache: a resumed session would not show the certificate.
func (c *conversation) handshake() error {
	conn := tls.Client(c.fence, c.tlsConfig())
	if err := conn.Handshake(); err != nil {
		return c.tlsFailure(err)
	}
	c.conn, c.secured = conn, true
	c.responses.buf.Reset(conn)
	state := conn.ConnectionState()
	c.outcome.address.TLS = describe(state.PeerCertificates[0])
	c.outcome.address.TLS.Version = tls.VersionName(state.Version)
	c.outcome.address.TLS.Cipher = tls.CipherSuiteName(state.CipherSuite)
	return nil
}

func (c *conversation) tlsConfig() *tls.Config {
	return &tls.Config{
		RootCAs:    c.prober.roots,
		ServerName: c.serverName(),
		MinVersion: max(c.check.TLS.MinVersion, tls.VersionTLS12),
		Time:       c.prober.now,
	}
}

// serverName is the name in SNI and the one that the certificate must have.
func (c *conversation) serverName() string {
	if c.check.TLS.ServerName != "" {
		return c.check.TLS.ServerName
	}
	return c.check.Hostname
}

const maxNames = 16 // of a certificate, kept in a result

// describe says what people want to know of a certificate. Its texts are the
// server's, so they are sanitised.
func describe(cert *x509.Certificate) *incident.TLSInfo {
	spki := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	sum := sha256.Sum256(cert.Raw)
	return &incident.TLSInfo{
		Subject:   clean(cert.Subject.String()),
		Issuer:    clean(cert.Issuer.String()),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(sum[:]),
		SPKI:      base64.StdEncoding.EncodeToString(spki[:]),
		Names:     namesOf(cert),
	}
}

func namesOf(cert *x509.Certificate) (names []string) {
	for _, name := range cert.DNSNames {
		names = append(names, clean(name))
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names[:min(len(names), maxNames)]
}

// clean makes a text of the server's fit for a sentence of ours.
func clean(text string) string { return opaque.Sanitise(text).String() }
