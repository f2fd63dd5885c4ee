package probe

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// alertReason returns what the peer gave as the reason in a TLS alert, RFC 8446
// section 6, in the words of crypto/tls, which has no type for it.
func alertReason(err error) string {
	_, text, _ := strings.Cut(err.Error(), "remote error: tls: ")
	return text
}

// alertFailure returns the failure that a TLS alert of the server means.
func (c *conversation) alertFailure(text string) *failure {
	switch {
	case text == alertTooOld:
		return c.protocolTooOld()
	// The server has no certificate for the name that was sent, RFC 6066 section 3.
	case text == "unrecognized name":
		return c.unknownName()
	case c.certAsked && slices.Contains(certificateAlerts, text):
		return c.clientCertificate(text)
	case slices.Contains(nothingInCommon, text):
		return c.nothingInCommon(text)
	}
	return c.fail(config.CauseTLSFailure, "The server ended the TLS handshake: "+clean(text)+"."+c.triedSmall()+c.withoutName())
}

const alertTooOld = "protocol version not supported"

// nothingInCommon are the alerts of servers that find nothing in a ClientHello that
// they can use, RFC 8446 section 6.2.
var nothingInCommon = []string{"handshake failure", "insufficient security level"}

// nothingInCommon returns the failure of a server that finds nothing it can use in a ClientHello,
// and says what it insists on, as far as that is known.
func (c *conversation) nothingInCommon(text string) *failure {
	choice := c.choice
	switch {
	case c.isTooOld():
		return c.protocolTooOld()
	case choice.insistsOn() != "":
		return c.fail(config.CauseHandshakeFailed, choice.insistsOn())
	case choice.version == tls.VersionTLS13:
		return c.fail(config.CauseHandshakeFailed, "The server speaks only TLS 1.3 and accepts none of the signatures that this program can verify: the key of its certificate is of a kind that is not known here (Ed448, a Brainpool curve, ML-DSA, ...)."+c.withoutName())
	}
	return c.fail(config.CauseHandshakeFailed, "The server and this machine have no cipher suite, group or kind of key in common: the server ends the handshake with the alert "+quoted(clean(text))+"."+c.triedSmall()+c.withoutName())
}

// withoutName returns the remark that no server name was sent, which some servers insist on; ""
// where one was.
func (c *conversation) withoutName() string {
	if c.sentName() {
		return ""
	}
	return " No name (SNI) was sent, because hostname is an address. If the server needs a name, set tls.server_name."
}

// leastVersion returns the oldest version of TLS that the check takes.
func (c *conversation) leastVersion() uint16 {
	return max(c.check.TLS.MinVersion, tls.VersionTLS12)
}

// isTooOld reports whether the server, offered everything, chose an older version
// than the check takes.
func (c *conversation) isTooOld() bool {
	return c.choice.version != 0 && c.choice.version < c.leastVersion()
}

func (c *conversation) protocolTooOld() *failure {
	least := tls.VersionName(c.leastVersion())
	return c.fail(config.CauseProtocolTooOld, "The server does not speak "+least+" or newer; older versions are not safe.")
}

// handshakeCutOff diagnoses a handshake that the server broke off without a word: servers do so
// when they were shown no client certificate, and very old ones when they are offered only new
// versions.
func (c *conversation) handshakeCutOff(f *failure) *failure {
	if isHangUp(f.cause) && c.certAsked && c.check.TLS.Cert.IsZero() {
		return c.clientCertificate("")
	}
	if isHangUp(f.cause) && c.outcome.address.TLS == nil && c.unanswered() {
		switch {
		case c.isTooOld():
			return c.protocolTooOld()
		case c.choice.insistsOn() != "":
			return c.fail(config.CauseHandshakeFailed, c.choice.insistsOn())
		}
	}
	if c.unanswered() {
		f.hint += c.triedSmall()
	}
	return f
}

// secondConnection opens another connection, for a diagnosis, and brings it to where TLS would
// begin.
func (c *conversation) secondConnection(ctx context.Context) (*conversation, error) {
	again := c.diagnosticConversation(ctx)
	err := again.connect()
	if err == nil && c.check.Security == config.StartTLS {
		err = again.converseInClear()
	}
	if err != nil {
		again.abandonConnection()
	}
	return again, err
}

// diagnosticConversation returns another conversation with the same address, for a diagnosis.
func (c *conversation) diagnosticConversation(ctx context.Context) *conversation {
	// The goal asks for no login: a diagnosis never sends a password.
	return &conversation{round: c.round, ctx: ctx, goal: goal{ip: c.goal.ip}, diagnosis: true}
}

// converseInClear goes through everything before TLS on a STARTTLS port.
func (c *conversation) converseInClear() error {
	if err := c.timePhase(config.PhaseGreeting, c.readGreeting); err != nil {
		return err
	}
	if err := c.timePhase(config.PhaseCapability, c.fetchCapabilities); err != nil {
		return err
	}
	return c.timePhase(config.PhaseStartTLS, c.sendStartTLS)
}

func (c *conversation) abandonConnection() {
	if c.fence != nil {
		_ = c.fence.Close()
		c.unwatch()
		c.responses.release()
	}
}

// answerToHello returns how the answer to a ClientHello begins on a port on which
// nobody greets; "" when there is none.
func (c *conversation) answerToHello(ctx context.Context) string {
	again := c.diagnosticConversation(ctx)
	if err := again.connect(); err != nil {
		return ""
	}
	defer again.abandonConnection()
	hello := tls.Client(again.fence, &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // a diagnosis: nothing is said in the session
		MinVersion:         tls.VersionTLS10, ServerName: c.serverName(),
	})
	// Only the first bytes of the answer count, not whether the handshake succeeds.
	_ = hello.Handshake()
	return string(again.fence.head)
}
