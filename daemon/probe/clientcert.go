package probe

import (
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// certificateAlerts are how servers reject a client's certificate, or that there
// is none; what they mean when the server asked for one.
var certificateAlerts = []string{
	"certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
	"unknown certificate", "unknown certificate authority", "access denied", "handshake failure",
}

// clientCertificate returns the failure of a server that wants another client certificate than it
// was shown, or one at all. text is how it says so.
func (c *conversation) clientCertificate(text string) *failure {
	hint := "The server demands a client certificate: set cert_file and key_file in the tls block."
	if !c.check.TLS.Cert.IsZero() {
		hint = "The server does not accept the client certificate: " + strings.TrimSuffix(clean(text), ".") + "."
	}
	f := c.fail(config.CauseClientCertRequired, hint)
	f.phase = config.PhaseTLS
	return f
}

// certificateWords are how servers speak of client certificates in IMAP.
var certificateWords = []string{"certificate", "client cert", "ssl cert", "tls cert", "x.509", "x509"}

func speaksOfCertificate(words string) bool {
	words = strings.ToLower(words)
	return slices.ContainsFunc(certificateWords, func(phrase string) bool { return strings.Contains(words, phrase) })
}

// certificateBehind finds the client certificate that a server asked for in the
// handshake behind a later failure: in TLS 1.3 the handshake is over for the client
// before the server has seen its certificate (RFC 8446 section 4.4.2), and some
// servers complain only in IMAP, or hang up. A hang-up is not blamed on it where
// this server has got on without one before.
func (c *conversation) certificateBehind(f *failure) *failure {
	if !c.certAsked || !c.secured || f.health == incident.Unknown || f.cause == config.CauseClientCertRequired {
		return f
	}
	ended := f.cause == config.CauseBye || isHangUp(f.cause) // a NO may be about a certificate behind the server
	if words := f.evidence.String(); ended && speaksOfCertificate(words) {
		return c.clientCertificate(words).withEvidence(words)
	}
	early := []config.Phase{config.PhaseGreeting, config.PhaseCapability, config.PhaseLogin}
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	if !isHangUp(f.cause) || !slices.Contains(early, f.phase) || !c.check.TLS.Cert.IsZero() || c.past.certless || c.last.isComplaint() {
		return f
	}
	blamed := c.clientCertificate("")
	blamed.hint = "The server asked for a client certificate, got none, and closed the connection" + " " + f.phase.When() + ". It seems to demand one: set cert_file and key_file in the tls block."
	blamed.evidence = f.evidence
	return blamed
}

// refusedWithoutCertificate finds the client certificate behind a refused login,
// where the server says so. It stays a matter of the account, and its next login
// waits as after any rejection.
func (c *conversation) refusedWithoutCertificate(f *failure) *failure {
	if words := f.evidence.String(); c.certAsked && f.condition == config.ConditionAccount && speaksOfCertificate(words) {
		f.phase, f.cause, f.hint = config.PhaseTLS, config.CauseClientCertRequired, c.clientCertificate(words).hint
	}
	return f
}

// rememberCertless notes that a server which asks for a client certificate gets on
// without, as far as this check goes.
func (c *conversation) rememberCertless() {
	// Some servers complain only at the login, so a login that is due has to have worked.
	whole := c.outcome.login == verdict.LoginGood || c.check.Login == (config.Login{})
	if !c.certAsked || c.outcome.failure != nil || !whole {
		return
	}
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	c.past.certless = true
}
