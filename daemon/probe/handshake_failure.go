package probe

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// tlsFailure names the reason why a handshake failed.
func (c *conversation) tlsFailure(err error) *failure {
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		chain := unverified.UnverifiedCertificates
		c.describeCertificate(chain[0])
		return c.identity().chainFailure(chain, unverified.Err)
	}
	if broken, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if hasTLSRecord(string(c.fence.head)) {
			return c.fail(config.CauseTLSFailure, "The server sends something that looks like TLS but is not: "+clean(broken.Msg)+".")
		}
		return c.notTLS()
	}
	// crypto/tls has no types for these errors; its words are all there is.
	switch text := err.Error(); {
	case alertReason(err) != "":
		return c.alertFailure(alertReason(err))
	case strings.Contains(text, "unsupported protocol version"):
		return c.protocolTooOld()
	case strings.Contains(text, "unsupported type of public key"), strings.Contains(text, "unsupported elliptic curve"):
		return c.unknownKey(text)
	case strings.Contains(text, "failed to parse certificate"):
		return c.fail(config.CauseHandshakeFailed, "The server sends a malformed certificate: "+clean(strings.TrimPrefix(afterTLS(text), "failed to parse certificate from server: "))+".")
	case strings.Contains(text, "RSA key larger than"):
		return c.fail(config.CauseHandshakeFailed, "The server sends a certificate whose key is too large for this program, which is to keep the verification short: "+clean(afterTLS(text))+".")
	case strings.Contains(text, "server selected unsupported"), strings.Contains(text, "server chose"), strings.Contains(text, "invalid signature algorithm"):
		return c.fail(config.CauseHandshakeFailed, "The server chooses something that was not offered: "+clean(afterTLS(text))+".")
	case strings.Contains(text, "-bit keys are insecure"):
		return c.fail(config.CauseWeakKey, "The server's RSA key is too short to protect anything.")
	}
	return c.handshakeCutOff(c.connectionError(err))
}

// afterTLS returns the text of an error of crypto/tls without the name of the package.
func afterTLS(text string) string { return strings.TrimPrefix(text, "tls: ") }

// unknownKey returns the failure of a certificate that is shown and whose key crypto/tls does not
// know.
func (c *conversation) unknownKey(text string) *failure {
	c.lookAtChoice()
	hint := c.choice.insistsOn()
	if hint == "" {
		hint = "The key of the server's certificate is of a kind that this program does not know (" + clean(afterTLS(text)) + "). RSA, ECDSA with P-256 or P-384, and Ed25519 are known everywhere."
	}
	return c.fail(config.CauseHandshakeFailed, hint)
}

// notTLS returns the failure of clear text where TLS should be.
func (c *conversation) notTLS() *failure {
	said := string(c.fence.head)
	if c.check.Security == config.StartTLS {
		return c.plaintextAfterOK(said) // it came too late to be seen together with the OK
	}
	hint := "This port does not speak TLS."
	if what := protocolOf(said); what == "IMAP" {
		hint = "This port speaks IMAP without TLS. Perhaps it needs security = \"starttls\"."
	} else if what != "" {
		hint = "This port does not speak TLS; what answers looks like " + what + "."
	}
	return c.fail(config.CauseNotTLS, hint).withEvidence(said)
}
