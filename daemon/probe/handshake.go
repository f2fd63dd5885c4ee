package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// handshake encrypts the connection and verifies who is there.
func (c *conversation) handshake() error {
	// Files of our own that cannot be used are this machine's fault, so they are looked at first.
	if _, err := c.tlsConfig(); err != nil {
		return localFailure(c.phase, "TLS could not be set up: "+err.Error()+".")
	}
	conn, err := c.shakeHands()
	if err != nil {
		return c.tlsFailure(err)
	}
	c.conn, c.secured = conn, true
	// Nothing that was read in clear text may count as said inside TLS (RFC 9051 section 6.2.1).
	c.responses.buf.Reset(conn)
	state := conn.ConnectionState()
	c.describeCertificate(state.PeerCertificates[0])
	c.outcome.address.TLS.Version = tls.VersionName(state.Version)
	c.outcome.address.TLS.Cipher = tls.CipherSuiteName(state.CipherSuite)
	c.outcome.verified = true
	c.writeTranscript(remark, c.outcome.address.TLS.Version+", verified")
	chains := verifiedChains(state)
	if f, weak := weakKey(chains); weak {
		c.addFinding(f)
	}
	if f, soon := c.identity().expiresSoon(chains); soon {
		c.addFinding(f)
	}
	return nil
}

const maxNames = 16 // of a certificate, kept in a result

// describeCertificate fills in what people want to know of the server's own certificate. Its texts
// are the server's, so they are sanitised.
func (c *conversation) describeCertificate(cert *x509.Certificate) {
	c.outcome.print = sha256.Sum256(cert.Raw)
	c.outcome.address.TLS = &incident.TLSInfo{
		Subject:   subjectOf(cert),
		Issuer:    clean(cert.Issuer.String()),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(c.outcome.print[:]),
		SPKI:      publicKeyPin(cert),
		Names:     namesOf(cert),
	}
}

// subjectOf names a certificate. Many have no subject any more, only names (RFC
// 5280 section 4.1.2.6); then it is the first of those.
func subjectOf(cert *x509.Certificate) string {
	if subject := clean(cert.Subject.String()); subject != "" {
		return subject
	}
	if names := namesOf(cert); len(names) > 0 {
		return names[0]
	}
	return "without a name"
}

func namesOf(cert *x509.Certificate) (names []string) {
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		names = append(names, clean(name))
	}
	for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames)] {
		names = append(names, ip.String())
	}
	return names[:min(len(names), maxNames)]
}

// clean returns a text of the server's, sanitised for a sentence of ours.
func clean(text string) string { return opaque.Sanitise(text).String() }
