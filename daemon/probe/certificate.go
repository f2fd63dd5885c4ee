package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// tlsFailure names the reason why a handshake failed.
func (c *conversation) tlsFailure(err error) *failure {
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		chain := unverified.UnverifiedCertificates
		c.describe(chain[0])
		return c.certificateFailure(chain, unverified.Err)
	}
	if broken, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if hasTLSRecord(string(c.fence.head)) {
			return c.fail(config.CauseTLSFailure, "What the server sends looks like TLS and is not: "+clean(broken.Msg)+".")
		}
		return c.notTLS()
	}
	switch text := err.Error(); {
	case alertText(err) != "":
		return c.alertFailure(alertText(err))
	case strings.Contains(text, "unsupported protocol version"):
		return c.tooOld()
	case strings.Contains(text, "unsupported type of public key"), strings.Contains(text, "unsupported elliptic curve"):
		return c.unknownKey(text)
	case strings.Contains(text, "failed to parse certificate"):
		return c.fail(config.CauseHandshakeFailed, "A certificate that the server sends breaks the rules and cannot be read: "+clean(strings.TrimPrefix(afterTLS(text), "failed to parse certificate from server: "))+".")
	case strings.Contains(text, "RSA key larger than"):
		return c.fail(config.CauseHandshakeFailed, "The server sends a certificate whose key is too large for this program, which is to keep the verification short: "+clean(afterTLS(text))+".")
	case strings.Contains(text, "server selected unsupported"), strings.Contains(text, "server chose"), strings.Contains(text, "invalid signature algorithm"):
		return c.fail(config.CauseHandshakeFailed, "The server chooses what was not offered to it: "+clean(afterTLS(text))+".")
	case strings.Contains(text, "-bit keys are insecure"):
		return c.fail(config.CauseWeakKey, "The server's RSA key is so short that it protects nothing.")
	}
	return c.hungUp(c.broken(err))
}

// afterTLS is an error of crypto/tls without the name of the package.
func afterTLS(text string) string { return strings.TrimPrefix(text, "tls: ") }

// unknownKey is about a certificate that is shown and whose key crypto/tls does not
// know.
func (c *conversation) unknownKey(text string) *failure {
	c.lookAtChoice()
	hint := c.choice.insistsOn()
	if hint == "" {
		hint = "The key of the server's certificate is of a kind that this program does not know (" + clean(afterTLS(text)) + "). RSA, ECDSA with P-256 or P-384, and Ed25519 are known everywhere."
	}
	return c.fail(config.CauseHandshakeFailed, hint)
}

// notTLS is about clear text where TLS should be.
func (c *conversation) notTLS() *failure {
	said := string(c.fence.head)
	if c.check.Security == config.StartTLS {
		return c.plaintextAfterOK(said) // it came too late to be seen together with the OK
	}
	hint := "This port does not speak TLS."
	if what := protocolOf(said); what == "IMAP" {
		hint = "This port speaks IMAP without TLS; perhaps security = \"starttls\" is meant."
	} else if what != "" {
		hint = "This port does not speak TLS; what answers looks like " + what + "."
	}
	return c.fail(config.CauseNotTLS, hint).quoting(said)
}

// certificateFailure names what is wrong with a certificate. Go has one reason
// for expired and not yet valid, and one for a private authority and a missing
// intermediate; operators need them apart. Only the server's certificate and its
// issuers are judged, not what the server sends besides.
func (c *conversation) certificateFailure(sent []*x509.Certificate, err error) *failure {
	leaf, now := sent[0], c.prober.now()
	switch {
	case errors.Is(err, errPin):
		return c.fail(config.CausePinMismatch, fmt.Sprintf("The server's key is none of those in pin_sha256; it is %s now.", spki(leaf)))
	case outOfDate(leaf, now):
		return c.dateFailure("The certificate", leaf)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return c.nameMismatch(leaf)
	}
	path := issuersOf(sent, now)
	if weak := weaklySigned(path, err); weak != nil {
		return c.fail(config.CauseWeakSignature, fmt.Sprintf("The certificate of %s is signed with %s, which can be forged and is accepted nowhere.", quoted(subjectOf(weak)), weak.SignatureAlgorithm))
	}
	if old := c.onlyOutOfDate(sent); old != nil {
		return c.dateFailure("The intermediate certificate "+quoted(subjectOf(old))+" that the server sends", old)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && !slices.ContainsFunc(sent[1:], invalid.Cert.Equal) {
		return c.invalidCertificate(invalid)
	}
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		return c.fail(config.CauseCertUntrusted, "The certificate may not be used for this: it has a critical extension that nobody here knows (RFC 5280 section 4.2).")
	}
	if c.prober.trust.nobody(c.check.TLS) {
		return local(c.phase, "This machine trusts no certificate authority at all, so no server can be verified: install ca-certificates, or name a ca_file.")
	}
	return c.untrusted(path, err)
}

// dateFailure is about a certificate, called what, whose time is over or has not
// come.
func (c *conversation) dateFailure(what string, cert *x509.Certificate) *failure {
	now := c.prober.now()
	if now.After(cert.NotAfter) {
		return c.fail(config.CauseCertExpired, fmt.Sprintf("%s expired on %s, %s ago.", what, day(cert.NotAfter), days(now.Sub(cert.NotAfter))))
	}
	return c.fail(config.CauseCertNotYetValid, fmt.Sprintf("%s is valid from %s on; if many servers say so at once, look at the clock of this machine.", what, moment(cert.NotBefore)))
}

// invalidCertificate is about the server's certificate, or the authority itself,
// when it breaks a rule.
func (c *conversation) invalidCertificate(invalid x509.CertificateInvalidError) *failure {
	if invalid.Reason == x509.Expired && invalid.Cert != nil {
		return c.dateFailure("The certificate "+quoted(subjectOf(invalid.Cert))+", which the server's depends on,", invalid.Cert)
	}
	return c.fail(config.CauseCertUntrusted, "The certificate may not be used for this: "+clean(invalid.Error())+".")
}

// weaklySigned returns the certificate signed with a broken hash for which the
// verification failed with err. A root's own signature means nothing, nor does
// that of an intermediate whose issuer is not known anyway.
func weaklySigned(path []*x509.Certificate, err error) *x509.Certificate {
	for i, cert := range path {
		// Go has no type for why it passes over a candidate issuer.
		if weakHash(cert) && !selfSigned(cert) && (i == 0 || strings.Contains(err.Error(), "insecure algorithm")) {
			return cert
		}
	}
	return nil
}

// weakHash reports whether a certificate is signed with a hash that is broken.
func weakHash(cert *x509.Certificate) bool {
	switch cert.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	default:
		return false
	}
}

func outOfDate(cert *x509.Certificate, now time.Time) bool {
	return now.After(cert.NotAfter) || now.Before(cert.NotBefore)
}

// onlyOutOfDate returns the intermediate that is expired or not yet valid, if the
// server would be trusted but for its date.
func (c *conversation) onlyOutOfDate(sent []*x509.Certificate) *x509.Certificate {
	now, ageless := c.prober.now(), x509.NewCertPool()
	for _, cert := range sent[1:] {
		lasting := *cert
		lasting.NotBefore, lasting.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
		ageless.AddCert(&lasting)
	}
	roots, err := c.prober.trust.rootsFor(c.check.TLS)
	if err != nil {
		return nil
	}
	chains, err := sent[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: ageless, CurrentTime: now})
	if err != nil {
		return nil
	}
	for _, cert := range sent[1:] {
		if outOfDate(cert, now) && slices.ContainsFunc(chains[0], cert.Equal) {
			return cert
		}
	}
	return nil
}
