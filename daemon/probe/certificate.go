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
		c.outcome.address.TLS = describe(chain[0])
		return c.certificateFailure(chain, unverified.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return c.notTLS()
	}
	if text := alertText(err); text != "" {
		return c.alertFailure(text)
	}
	return c.broken(err)
}

// notTLS is about clear text where TLS should be.
func (c *conversation) notTLS() *failure {
	said := string(c.fence.head)
	if c.check.Security == config.StartTLS {
		return c.plaintextAfterOK("")
	}
	hint := "This port does not speak TLS."
	if what := protocolOf(said); what == "IMAP" {
		hint = "This port speaks IMAP without TLS; perhaps security = \"starttls\" is meant."
	} else if what != "" {
		hint = "This port does not speak TLS; what answers looks like " + what + "."
	}
	return c.fail(incident.CauseNotTLS, hint).quoting(said)
}

func (c *conversation) certificateFailure(chain []*x509.Certificate, err error) *failure {
	leaf, now := chain[0], c.prober.now()
	switch {
	case now.After(leaf.NotAfter):
		return c.fail(incident.CauseCertExpired, fmt.Sprintf("The certificate expired on %s, %s ago.", day(leaf.NotAfter), days(now.Sub(leaf.NotAfter))))
	case now.Before(leaf.NotBefore):
		return c.fail(incident.CauseCertNotYetValid, fmt.Sprintf("The certificate is valid from %s on; if many servers say so at once, look at the clock of this machine.", moment(leaf.NotBefore)))
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return c.fail(incident.CauseNameMismatch, fmt.Sprintf("The certificate is for %s, not for %s.", listed(namesOf(leaf)), c.serverName()))
	}
	return c.untrusted(leaf)
}

func (c *conversation) untrusted(leaf *x509.Certificate) *failure {
	info := c.outcome.address.TLS
	by := "was issued by " + quoted(info.Issuer) + ", which nothing here trusts"
	if string(leaf.RawIssuer) == string(leaf.RawSubject) {
		by = "is self-signed"
	}
	return c.fail(incident.CauseCertUntrusted, "The certificate "+by+"; if that is meant to be so, name its authority with ca_file or its key with pin_sha256 (SHA-256 of the certificate: "+info.SHA256+").")
}

// alertText is what the peer gave as the reason in a TLS alert, RFC 8446
// section 6, in the words of crypto/tls, which has no type for it.
func alertText(err error) string {
	_, text, ok := strings.Cut(err.Error(), "remote error: tls: ")
	if !ok {
		return ""
	}
	return text
}

func (c *conversation) alertFailure(text string) *failure {
	switch text {
	case "protocol version not supported":
		return c.fail(incident.CauseProtocolTooOld, "The server does not speak a version of TLS that is still safe.")
	case "certificate required", "bad certificate":
		return c.fail(incident.CauseClientCertRequired, "The server wants a client certificate: cert_file and key_file in the tls block.")
	}
	return c.fail(incident.CauseTLSFailure, "The server ended the TLS handshake: "+clean(text)+".")
}

func day(t time.Time) string    { return t.UTC().Format("2006-01-02") }
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// days says a duration of days, or of less, as people do.
func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); {
	case n == 1:
		return "a day"
	case n > 1:
		return fmt.Sprintf("%d days", n)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

func quoted(text string) string { return `"` + text + `"` }

// listed names a few of many.
func listed(names []string) string {
	const few = 5
	switch {
	case len(names) == 0:
		return "no name at all"
	case len(names) > few:
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
	}
	return strings.Join(names, ", ")
}
