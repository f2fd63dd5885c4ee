package probe

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/certfile"
)

// issuersOf follows the issuers of the server's certificate among those that the
// server sent: the path begins with its own and ends with the one whose issuer is
// not there. Of several issuers, the one in date comes first, then the one that
// is well signed, then the one that lasts longest.
func issuersOf(sent []*x509.Certificate, now time.Time) []*x509.Certificate {
	// Without room behind it: append must not write into the certificates of the caller.
	path := sent[:1:1]
	for last := sent[0]; !selfSigned(last); {
		issuers := slices.DeleteFunc(slices.Clone(sent), func(cert *x509.Certificate) bool {
			// Two authorities that signed each other would make a path without end.
			return !signs(cert, last) || slices.Contains(path, cert)
		})
		if len(issuers) == 0 {
			break
		}
		last = slices.MaxFunc(issuers, func(a, b *x509.Certificate) int {
			return cmp.Or(compareFlags(!outOfDate(a, now), !outOfDate(b, now)), compareFlags(!weakHash(a), !weakHash(b)), a.NotAfter.Compare(b.NotAfter))
		})
		path = append(path, last)
	}
	return path
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// signs reports whether a certificate has the name of the other's issuer, and the
// key, as far as Go knows its kind and its hash. It does not ask whether it may.
func signs(issuer, cert *x509.Certificate) bool {
	return bytes.Equal(issuer.RawSubject, cert.RawIssuer) && keySigned(issuer, cert)
}

// keySigned reports whether a certificate is signed with the key of another.
func keySigned(issuer, cert *x509.Certificate) bool {
	err := issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	if _, insecure := errors.AsType[x509.InsecureAlgorithmError](err); insecure || errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		// Go does not check such signatures; then the key identifiers have to do.
		return len(cert.AuthorityKeyId) == 0 || len(issuer.SubjectKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, issuer.SubjectKeyId)
	}
	return err == nil
}

func selfSigned(cert *x509.Certificate) bool { return signs(cert, cert) }

// untrusted returns the failure of a server whose issuers lead to no authority that is trusted
// here. Whether an issuer that was not sent is an intermediate or a private
// authority, nobody can see; then both are offered. Nothing is ever fetched.
func (id identity) untrusted(path []*x509.Certificate, err error) *failure {
	if hint := id.nearMiss(path); hint != "" {
		return id.fail(config.CauseCertUntrusted, hint)
	}
	leaf, last := path[0], path[len(path)-1]
	issuer := quoted(clean(last.Issuer.String()))
	if issuer == `""` {
		issuer = "an authority without a name"
	}
	for _, cert := range path[1:] {
		if why := mayNotIssue(cert); why != "" {
			return id.fail(config.CauseCertUntrusted, fmt.Sprintf("The server sends %s as the issuer of its certificate, which is no authority: %s.", quoted(subjectOf(cert)), why))
		}
	}
	switch {
	case selfSigned(leaf):
		return id.fail(config.CauseCertUntrusted, "The certificate is self-signed; if that is intended, "+id.waysToTrust(leaf))
	case len(path) == 1 && len(leaf.IssuingCertificateURL) > 0: // RFC 5280 section 4.2.2.1, as public authorities write it
		return id.fail(config.CauseChainIncomplete, fmt.Sprintf("The server does not send the certificate of %s, which issued its own, and this machine does not trust it. If that is an intermediate, the server must send it, or programs that do not already have it cannot verify the server; if it is a private authority, %s", issuer, id.waysToTrust(leaf)))
	case len(path) == 1:
		return id.fail(config.CauseCertUntrusted, fmt.Sprintf("The certificate was issued by %s, which this machine does not trust%s; if that is intended, %s If it is an intermediate, the server must send it.", issuer, sameNameHere(err), id.waysToTrust(leaf)))
	}
	hint := fmt.Sprintf("The server sends its certificate and %s, and this machine does not trust %s, which issued the last of them%s; if that is intended, %s", intermediates(len(path)-1), issuer, sameNameHere(err), id.waysToTrust(leaf))
	if selfSigned(last) {
		hint = fmt.Sprintf("The server sends the whole chain up to %s, which this machine does not trust%s; if that is intended, %s", issuer, sameNameHere(err), id.waysToTrust(leaf))
	} else if len(last.IssuingCertificateURL) > 0 {
		hint += " If it is one more intermediate, the server must send it, too."
	}
	return id.fail(config.CauseCertUntrusted, hint)
}

func intermediates(n int) string {
	if n == 1 {
		return "one intermediate"
	}
	return fmt.Sprintf("%d intermediates", n)
}

// sameNameHere returns a remark that the machine trusts an authority of the issuer's name whose key
// did not sign; "" where it does not. Go tells it only in words, and not which authority it is.
func sameNameHere(err error) string {
	if text := err.Error(); strings.Contains(text, "candidate authority certificate") && strings.Contains(text, "verification") {
		return " (an authority of the same name that is trusted has another key)"
	}
	return ""
}

// waysToTrust returns how to trust a server that is meant to be as it is, in the imperative.
func (id identity) waysToTrust(leaf *x509.Certificate) string {
	name, or := "name its authority with ca_file", "its key with"
	if !id.tls.CA.IsZero() {
		name, or = "put its authority into ca_file", "replace ca_file by" // both written, both must hold
	}
	return fmt.Sprintf("%s or %s pin_sha256 = %q (SHA-256 of the certificate: %s).", name, or, publicKeyPin(leaf), sha256Of(leaf))
}

func sha256Of(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// nearMiss returns a sentence about a certificate in ca_file that is almost an issuer of the path:
// the right name with another key, the right key with another name, or both without the right to
// issue; "" when there is no such certificate.
func (id identity) nearMiss(path []*x509.Certificate) string {
	authorities := certfile.Certificates(id.tls.CA.Text())
	for i, cert := range path {
		for _, authority := range authorities {
			miss := otherName(authority, cert)
			if bytes.Equal(authority.RawSubject, cert.RawIssuer) {
				miss = id.sameName(authority, path[i:], i == 0)
			}
			if miss != "" {
				return miss
			}
		}
	}
	return ""
}

// sameName returns why an authority in ca_file that has the name of an issuer is not the one that
// signed the first certificate of a path.
func (id identity) sameName(authority *x509.Certificate, path []*x509.Certificate, leaf bool) string {
	name := quoted(subjectOf(authority))
	switch cert := path[0]; {
	case !keySigned(authority, cert):
		return fmt.Sprintf("The authority %s in ca_file has the same name as the issuer of the server's certificate and another key (%s); perhaps it was replaced. If that is intended, %s", name, bothPrints(authority, path), id.waysToTrust(cert))
	case leaf && selfSigned(cert):
		return fmt.Sprintf("The certificate is self-signed and not the one in ca_file, which has the same name and key; put the new one (SHA-256 %s) into ca_file in place of the old (%s).", sha256Of(cert), sha256Of(authority))
	case mayNotIssue(authority) != "":
		return fmt.Sprintf("The certificate %s in ca_file is not an authority, so nothing that it issued is trusted: %s.", name, mayNotIssue(authority))
	}
	return ""
}

// otherName returns a sentence about an authority in ca_file that signed a certificate which names
// its issuer differently; "" where it did not. Key identifiers are compared first, since signatures
// take longer.
func otherName(authority, cert *x509.Certificate) string {
	switch name := quoted(subjectOf(authority)); {
	case selfSigned(cert) || !bytes.Equal(authority.SubjectKeyId, cert.AuthorityKeyId) || !keySigned(authority, cert):
		return ""
	case authority.Subject.String() == cert.Issuer.String():
		return fmt.Sprintf("The authority %s in ca_file issued the server's certificate, and the two spell its name in different encodings, which does not count as the same name here. Get a new certificate for the server.", name)
	default:
		return fmt.Sprintf("The authority %s in ca_file has the key that signed the server's certificate, which names another issuer: %s.", name, quoted(clean(cert.Issuer.String())))
	}
}

// bothPrints returns the fingerprints of an authority in ca_file and of the one that
// signed the first certificate of a path, as far as the server shows it.
func bothPrints(authority *x509.Certificate, path []*x509.Certificate) string {
	text := "SHA-256 of the one in ca_file: " + sha256Of(authority)
	switch key := path[0].AuthorityKeyId; {
	case selfSigned(path[0]):
		return text + ", of the server's: " + sha256Of(path[0])
	case len(path) > 1:
		return text + ", of the server's: " + sha256Of(path[1])
	case len(key) > 0 && len(authority.SubjectKeyId) > 0:
		return fmt.Sprintf("%s; its key identifier: %x, that of the server's issuer: %x", text, authority.SubjectKeyId, key)
	}
	return text + "; the server does not send the other"
}

// mayNotIssue returns why a certificate is no authority, RFC 5280 sections 4.2.1.9 and 4.2.1.3; ""
// when it is one.
func mayNotIssue(cert *x509.Certificate) string {
	switch {
	// Older certificates have no extensions that could forbid it.
	case cert.Version < 3:
		return ""
	case !cert.BasicConstraintsValid:
		return "it has no basic constraints (CA:TRUE)"
	case !cert.IsCA:
		return "its basic constraints say CA:FALSE"
	case cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return "its key usage does not allow to sign certificates"
	}
	return ""
}
