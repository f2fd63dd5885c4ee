package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
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
			return c.fail(incident.CauseTLSFailure, "What the server sends looks like TLS and is not: "+clean(broken.Msg)+".")
		}
		return c.notTLS()
	}
	switch text := err.Error(); {
	case alertText(err) != "":
		return c.alertFailure(alertText(err))
	case strings.Contains(text, "unsupported protocol version"):
		return c.tooOld()
	case strings.Contains(text, "-bit keys are insecure"):
		return c.fail(incident.CauseWeakKey, "The server's RSA key is so short that it protects nothing.")
	}
	return c.hungUp(c.broken(err))
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
	return c.fail(incident.CauseNotTLS, hint).quoting(said)
}

// certificateFailure names what is wrong with a certificate. Go has one reason
// for expired and not yet valid, and one for a private authority and a missing
// intermediate; operators need them apart.
func (c *conversation) certificateFailure(chain []*x509.Certificate, err error) *failure {
	leaf, now := chain[0], c.prober.now()
	switch {
	case errors.Is(err, errPin):
		return c.fail(incident.CausePinMismatch, fmt.Sprintf("The server's key is none of those in pin_sha256; it is %s now.", spki(leaf)))
	case outOfDate(leaf, now):
		return c.dateFailure("The certificate", leaf)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return c.fail(incident.CauseNameMismatch, fmt.Sprintf("The certificate is for %s, not for %s.", listed(namesOf(leaf), len(leaf.DNSNames)+len(leaf.IPAddresses)), c.serverName()))
	}
	if weak := weaklySigned(chain); weak != nil {
		return c.fail(incident.CauseWeakSignature, fmt.Sprintf("The certificate of %s is signed with %s, which can be forged and is accepted nowhere.", quoted(subjectOf(weak)), weak.SignatureAlgorithm))
	}
	if old := outOfDateAmong(chain[1:], now); old != nil {
		return c.dateFailure("The intermediate certificate "+quoted(subjectOf(old))+" that the server sends", old)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return c.invalidCertificate(invalid)
	}
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		return c.fail(incident.CauseCertUntrusted, "The certificate may not be used for this: it has a critical extension that nobody here knows (RFC 5280 section 4.2).")
	}
	if c.prober.trust.nobody(c.check.TLS) {
		return local(c.phase, "This machine trusts no certificate authority at all, so no server can be verified: install ca-certificates, or name a ca_file.")
	}
	if missing := missingIssuer(chain); missing != nil && len(missing.IssuingCertificateURL) > 0 {
		return c.fail(incident.CauseChainIncomplete, fmt.Sprintf("The server does not send the intermediate certificate %s; programs that do not have it by chance cannot verify the server.", quoted(clean(missing.Issuer.String()))))
	}
	return c.untrusted(leaf)
}

// dateFailure is about a certificate, called what, whose time is over or has not
// come.
func (c *conversation) dateFailure(what string, cert *x509.Certificate) *failure {
	now := c.prober.now()
	if now.After(cert.NotAfter) {
		return c.fail(incident.CauseCertExpired, fmt.Sprintf("%s expired on %s, %s ago.", what, day(cert.NotAfter), days(now.Sub(cert.NotAfter))))
	}
	return c.fail(incident.CauseCertNotYetValid, fmt.Sprintf("%s is valid from %s on; if many servers say so at once, look at the clock of this machine.", what, moment(cert.NotBefore)))
}

// invalidCertificate is about a certificate of the chain that breaks a rule: the
// server's, an intermediate, or the authority itself.
func (c *conversation) invalidCertificate(invalid x509.CertificateInvalidError) *failure {
	if invalid.Reason == x509.Expired && invalid.Cert != nil {
		return c.dateFailure("The certificate "+quoted(subjectOf(invalid.Cert))+", which the server's depends on,", invalid.Cert)
	}
	return c.fail(incident.CauseCertUntrusted, "The certificate may not be used for this: "+clean(invalid.Error())+".")
}

func (c *conversation) untrusted(leaf *x509.Certificate) *failure {
	info := c.outcome.address.TLS
	by := "was issued by " + quoted(info.Issuer) + ", which nothing here trusts"
	if selfSigned(leaf) {
		by = "is self-signed"
	}
	name, or := "name its authority with ca_file", "its key with"
	if !c.check.TLS.CA.IsZero() {
		name, or = "put its authority into ca_file", "replace ca_file by" // both written, both must hold
	}
	return c.fail(incident.CauseCertUntrusted, fmt.Sprintf("The certificate %s; if that is meant to be so, %s or %s pin_sha256 = %q (SHA-256 of the certificate: %s).",
		by, name, or, info.SPKI, info.SHA256))
}

func selfSigned(cert *x509.Certificate) bool {
	return string(cert.RawIssuer) == string(cert.RawSubject)
}

// weaklySigned finds a certificate signed with a broken hash. A root's own
// signature means nothing.
func weaklySigned(chain []*x509.Certificate) *x509.Certificate {
	for _, cert := range chain {
		switch cert.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
			if !selfSigned(cert) {
				return cert
			}
		default:
		}
	}
	return nil
}

func outOfDate(cert *x509.Certificate, now time.Time) bool {
	return now.After(cert.NotAfter) || now.Before(cert.NotBefore)
}

func outOfDateAmong(chain []*x509.Certificate, now time.Time) *x509.Certificate {
	for _, cert := range chain {
		if outOfDate(cert, now) && !selfSigned(cert) {
			return cert
		}
	}
	return nil
}

// missingIssuer follows the issuers among the certificates that a server sent
// and gives the one whose issuer it did not send. Whether that issuer is an
// intermediate of a public authority or a private root, nobody can see; that the
// certificate says where to fetch it (RFC 5280 section 4.2.2.1), as those of
// public authorities do, speaks for the former.
func missingIssuer(chain []*x509.Certificate) *x509.Certificate {
	cert := chain[0]
	for range chain {
		if selfSigned(cert) {
			return nil
		}
		issuer := issuerOf(cert, chain)
		if issuer == nil {
			return cert
		}
		cert = issuer
	}
	return nil
}

func issuerOf(cert *x509.Certificate, chain []*x509.Certificate) *x509.Certificate {
	for _, other := range chain {
		if string(other.RawSubject) == string(cert.RawIssuer) && other != cert {
			return other
		}
	}
	return nil
}
