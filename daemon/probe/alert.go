package probe

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// alertText is what the peer gave as the reason in a TLS alert, RFC 8446
// section 6, in the words of crypto/tls, which has no type for it.
func alertText(err error) string {
	_, text, _ := strings.Cut(err.Error(), "remote error: tls: ")
	return text
}

// alertFailure is what a TLS alert of the server means.
func (c *conversation) alertFailure(text string) *failure {
	switch {
	case text == "protocol version not supported":
		return c.tooOld()
	case text == "unrecognized name":
		return c.unknownName()
	case c.certAsked && slices.Contains(certificateAlerts, text):
		return c.clientCertificate(text)
	case text == "handshake failure" || text == "insufficient security level":
		if c.speaksOldTLS() {
			return c.tooOld()
		}
		return c.fail(incident.CauseTLSFailure, "The server and this machine have no cipher in common.")
	}
	return c.fail(incident.CauseTLSFailure, "The server ended the TLS handshake: "+clean(text)+".")
}

// certificateAlerts are how servers reject a client's certificate, or that there
// is none; what they mean when the server asked for one.
var certificateAlerts = []string{
	"certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
	"unknown certificate", "unknown certificate authority", "access denied", "handshake failure",
}

func (c *conversation) tooOld() *failure {
	least := tls.VersionName(max(c.check.TLS.MinVersion, tls.VersionTLS12))
	return c.fail(incident.CauseProtocolTooOld, "The server does not speak "+least+" or newer; what is older is not safe.")
}

func (c *conversation) clientCertificate(text string) *failure {
	hint := "The server demands a client certificate: cert_file and key_file in the tls block."
	if !c.check.TLS.Cert.IsZero() {
		hint = "The server does not accept the client certificate: " + clean(text) + "."
	}
	return c.fail(incident.CauseClientCertRequired, hint)
}

// hungUp looks again at a server that broke a handshake off without a word:
// servers do so when they were shown no client certificate, and very old ones
// when they are offered only new versions.
func (c *conversation) hungUp(f *failure) *failure {
	if !isHangUp(f.cause) {
		return f
	}
	if c.certAsked && c.check.TLS.Cert.IsZero() {
		return c.clientCertificate("")
	}
	if c.outcome.address.TLS == nil && c.fence.received() == c.fence.clear && c.speaksOldTLS() {
		return c.tooOld()
	}
	return f
}

// speaksOldTLS tries one handshake of TLS 1.0 or 1.1 on a connection of its own,
// and says nothing on it. It is a diagnosis: nothing is verified, and nothing is
// made of the session.
func (c *conversation) speaksOldTLS() bool {
	again, err := c.secondConnection()
	if err != nil {
		return false
	}
	defer again.hangUp()
	old := tls.Client(again.fence, &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // see above
		MinVersion:         tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		CipherSuites: allCiphers(), ServerName: c.serverName(),
	})
	return old.Handshake() == nil
}

func allCiphers() (ids []uint16) {
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, suite := range list {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

// secondConnection brings another connection to where TLS would begin, for a
// diagnosis.
func (c *conversation) secondConnection() (*conversation, error) {
	again := &conversation{round: c.round, ctx: c.ctx, goal: goal{ip: c.goal.ip}}
	err := again.connect()
	if err == nil && c.check.Security == config.StartTLS {
		err = again.clearText()
	}
	if err != nil {
		again.hangUp()
	}
	return again, err
}

// clearText is everything before TLS on a STARTTLS port.
func (c *conversation) clearText() error {
	if err := c.step(incident.PhaseGreeting, c.greet); err != nil {
		return err
	}
	if err := c.step(incident.PhaseCapability, c.learn); err != nil {
		return err
	}
	return c.step(incident.PhaseStartTLS, c.startTLS)
}

func (c *conversation) hangUp() {
	if c.fence != nil {
		_ = c.fence.Close()
		c.unwatch()
		c.responses.release()
	}
}

// answerToHello is how the answer to a ClientHello begins on a port on which
// nobody greets; "" when there is none.
func (c *conversation) answerToHello(ctx context.Context) string {
	again := &conversation{round: c.round, ctx: ctx, goal: goal{ip: c.goal.ip}}
	if err := again.connect(); err != nil {
		return ""
	}
	defer again.hangUp()
	hello := tls.Client(again.fence, &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // a diagnosis: nothing is said in the session
		MinVersion:         tls.VersionTLS10, ServerName: c.serverName(),
	})
	_ = hello.Handshake()
	return string(again.fence.head)
}
