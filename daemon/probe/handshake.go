package probe

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// handshake encrypts the connection and verifies who is there.
func (c *conversation) handshake() error {
	options, err := c.tlsConfig()
	if err != nil {
		return local(c.phase, "TLS could not be set up: "+err.Error()+".")
	}
	conn := tls.Client(c.fence, options)
	if err := conn.Handshake(); err != nil {
		return c.tlsFailure(err)
	}
	c.conn, c.secured = conn, true
	c.responses.buf.Reset(conn)
	state := conn.ConnectionState()
	c.describe(state.PeerCertificates[0])
	c.outcome.address.TLS.Version = tls.VersionName(state.Version)
	c.outcome.address.TLS.Cipher = tls.CipherSuiteName(state.CipherSuite)
	c.outcome.verified = true
	c.said(remark, c.outcome.address.TLS.Version+", verified")
	c.judgeKey(state.PeerCertificates)
	c.judgeExpiry(state.PeerCertificates[0])
	return nil
}

const maxNames = 16 // of a certificate, kept in a result

// describe says what people want to know of the server's own certificate. Its
// texts are the server's, so they are sanitised.
func (c *conversation) describe(cert *x509.Certificate) {
	c.outcome.print = sha256.Sum256(cert.Raw)
	c.outcome.address.TLS = &incident.TLSInfo{
		Subject:   subjectOf(cert),
		Issuer:    clean(cert.Issuer.String()),
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		SHA256:    hex.EncodeToString(c.outcome.print[:]),
		SPKI:      spki(cert),
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

// clean makes a text of the server's fit for a sentence of ours.
func clean(text string) string { return opaque.Sanitise(text).String() }

// minRSA is the least that certificate authorities have been allowed to sign
// since 2014 (CA/Browser Forum baseline requirements, section 6.1.5), in bits.
// Go accepts 1024.
const minRSA = 2048

// judgeKey finds RSA keys that are too short, in the certificate and in the
// intermediates that the server sends with it.
func (c *conversation) judgeKey(chain []*x509.Certificate) {
	for _, cert := range chain {
		key, ok := cert.PublicKey.(*rsa.PublicKey)
		if !ok || key.N.BitLen() >= minRSA || cert != chain[0] && selfSigned(cert) {
			continue // a root's key is nobody's choice
		}
		c.found(incident.Finding{
			Condition: incident.Certificate, Health: incident.Degraded, Phase: incident.PhaseTLS, Cause: incident.CauseWeakKey,
			Hint: fmt.Sprintf("The RSA key of %s has %d bits; less than %d can be broken, and mail programs refuse it.", quoted(subjectOf(cert)), key.N.BitLen(), minRSA),
		})
		return
	}
}

// judgeExpiry finds a certificate that expires within the warning. That it has
// expired is found by its verification.
func (c *conversation) judgeExpiry(cert *x509.Certificate) {
	left := cert.NotAfter.Sub(c.prober.now())
	warning, critical := expiryLimits(c.check.TLS, cert.NotAfter.Sub(cert.NotBefore))
	if left > warning && left > critical {
		return
	}
	f := incident.Finding{
		Condition: incident.Certificate, Health: incident.Degraded, Phase: incident.PhaseTLS, Cause: incident.CauseCertExpiresSoon,
		Hint: fmt.Sprintf("The certificate expires in %s, on %s.", days(left), day(cert.NotAfter)),
	}
	if left <= critical {
		f.Grade = 1
	}
	c.found(f)
}

// expiryLimits are expiry_warning and expiry_critical. Their defaults follow
// the lifetime, because certificates of a week are renewed within the week.
func expiryLimits(options config.TLS, lifetime time.Duration) (warning, critical time.Duration) {
	const aDay = 24 * time.Hour
	warning, critical = options.ExpiryWarning, options.ExpiryCritical
	if warning == 0 {
		warning = min(14*aDay, lifetime/4)
	}
	if critical == 0 {
		critical = min(3*aDay, lifetime/10)
	}
	return warning, critical
}
