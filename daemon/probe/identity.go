package probe

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// An identity is what a server's certificate is held against: the name that it must
// be for, what the check says of trust, and the time. It knows nothing of the
// conversation, and what it finds is a failure of the TLS handshake.
type identity struct {
	host  string // the name in SNI, or an address
	tls   config.TLS
	trust *trust
	now   time.Time
}

// identity returns what the server of a conversation has to prove.
func (c *conversation) identity() identity {
	return identity{c.serverName(), c.check.TLS, &c.prober.trust, c.prober.now()}
}

func (id identity) fail(cause config.Cause, hint string) *failure {
	return serviceFailure(config.PhaseTLS, cause, hint)
}

// chainFailure names what is wrong with a certificate. Go has one reason
// for expired and not yet valid, and one for a private authority and a missing
// intermediate; operators need them apart. Only the server's certificate and its
// issuers are judged, not what the server sends besides.
func (id identity) chainFailure(sent []*x509.Certificate, err error) *failure {
	leaf := sent[0]
	switch {
	case errors.Is(err, errPin):
		return id.fail(config.CausePinMismatch, fmt.Sprintf("The server's key is none of those in pin_sha256; it is %s now.", publicKeyPin(leaf)))
	case outOfDate(leaf, id.now):
		return id.dateFailure("The certificate", leaf)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return id.nameMismatch(leaf)
	}
	path := issuersOf(sent, id.now)
	// Asked before the authorities: Go reports a broken hash as an unknown authority.
	if weak := weaklySigned(path, err); weak != nil {
		return id.fail(config.CauseWeakSignature, fmt.Sprintf("The certificate of %s is signed with %s, which can be forged and is accepted by no client.", quoted(subjectOf(weak)), weak.SignatureAlgorithm))
	}
	if old := id.onlyOutOfDate(sent); old != nil {
		return id.dateFailure("The intermediate certificate "+quoted(subjectOf(old))+" that the server sends", old)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && !slices.ContainsFunc(sent[1:], invalid.Cert.Equal) {
		return id.invalidCertificate(invalid)
	}
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		return id.fail(config.CauseCertUntrusted, "The certificate may not be used for this: it has an unknown critical extension (RFC 5280 section 4.2).")
	}
	if id.trust.trustsNobody(id.tls) {
		return localFailure(config.PhaseTLS, "This machine trusts no certificate authority at all, so no server can be verified: install ca-certificates, or name a ca_file.")
	}
	return id.untrusted(path, err)
}

// dateFailure returns the failure of a certificate, called what, whose time is over or has not
// come.
func (id identity) dateFailure(what string, cert *x509.Certificate) *failure {
	if id.now.After(cert.NotAfter) {
		return id.fail(config.CauseCertExpired, fmt.Sprintf("%s expired on %s, %s ago.", what, day(cert.NotAfter), days(id.now.Sub(cert.NotAfter))))
	}
	return id.fail(config.CauseCertNotYetValid, fmt.Sprintf("%s is valid from %s on; if many servers say so at once, look at the clock of this machine.", what, moment(cert.NotBefore)))
}

// invalidCertificate returns the failure of the server's certificate, or the authority itself,
// when it breaks a rule.
func (id identity) invalidCertificate(invalid x509.CertificateInvalidError) *failure {
	if invalid.Reason == x509.Expired && invalid.Cert != nil {
		return id.dateFailure("The certificate "+quoted(subjectOf(invalid.Cert))+", which the server's depends on,", invalid.Cert)
	}
	return id.fail(config.CauseCertUntrusted, "The certificate may not be used for this: "+clean(invalid.Error())+".")
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
func (id identity) onlyOutOfDate(sent []*x509.Certificate) *x509.Certificate {
	ageless := x509.NewCertPool()
	for _, cert := range sent[1:] {
		lasting := *cert
		// Go verifies the signature over the encoded form, which these fields are no part of.
		lasting.NotBefore, lasting.NotAfter = id.now.Add(-time.Hour), id.now.Add(time.Hour)
		ageless.AddCert(&lasting)
	}
	roots, err := id.trust.rootsFor(id.tls)
	if err != nil {
		return nil
	}
	chains, err := sent[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: ageless, CurrentTime: id.now})
	if err != nil {
		return nil
	}
	for _, cert := range sent[1:] {
		// Equal compares the encoded form, which the copies in the chain share.
		if outOfDate(cert, id.now) && slices.ContainsFunc(chains[0], cert.Equal) {
			return cert
		}
	}
	return nil
}
