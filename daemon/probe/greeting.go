package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// readGreeting reads the greeting, RFC 9051 section 7.1.
func (c *conversation) readGreeting() error {
	suspicion := c.suspectOther()
	r, err := c.readResponse()
	other := suspicion.awaitAnswer(err)
	if err != nil {
		if other == "" && c.hungUpUnheard(err) {
			other = c.helloAfterHangUp()
		}
		return c.noGreeting(asFailure(c.phase, err), other)
	}
	if isTLS(other) && isTLS(string(r.sent)) && !c.greetedBefore() {
		return c.tlsOnPlainPort()
	}
	switch {
	case r.tag != "*":
		return c.fail(config.CauseNotIMAP, c.looksLikeHint(string(r.sent))).withEvidence(r.raw)
	case r.status == "BYE":
		return c.bye(r)
	case r.status == "PREAUTH":
		return c.preauthFailure(r)
	case r.isComplaint():
		return c.greetingComplaint(r)
	case r.status != "OK":
		return c.fail(config.CauseProtocolError, "The server does not begin with a greeting.").withEvidence(r.raw)
	// Compared as it was sent: the expected text may hold what is masked elsewhere.
	case !strings.Contains(string(r.sent), c.check.ExpectGreeting):
		return c.fail(config.CauseGreetingMismatch, fmt.Sprintf("The greeting does not contain %q: another server answers here, or its greeting was changed.", c.check.ExpectGreeting)).
			withEvidence(r.raw)
	}
	c.rememberGreeting()
	return nil
}

// greetedBefore reports whether this check's port has greeted in clear text
// before. A port that answers a ClientHello then is no TLS port for that: stunnel
// with protocol = imap takes both, and says nothing while the server behind it is
// away.
func (c *conversation) greetedBefore() bool {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	return c.past.greeted
}

func (c *conversation) rememberGreeting() {
	if !c.secured {
		c.past.mu.Lock()
		c.past.greeted = true
		c.past.mu.Unlock()
	}
}

// noGreeting returns the failure f, or a better one where it recognises another protocol: one whose
// first line never ends, or one in which the server speaks second, by its answer to a ClientHello.
// other is that answer.
func (c *conversation) noGreeting(f *failure, other string) *failure {
	switch {
	case isTLS(other) && !c.greetedBefore():
		return c.tlsOnPlainPort()
	// A fault of this machine says nothing about the port.
	case f.health != incident.Down:
		return f
	}
	if what := protocolOf(c.responses.beginningOfLine()); what != "" && what != "IMAP" {
		return c.fail(config.CauseNotIMAP, c.looksLikeHint(c.responses.partial)).withEvidence(c.responses.partial)
	}
	if isTLS(other) {
		f.hint += " The port answers TLS, but it has greeted without TLS before: check the server behind it."
		return f
	}
	line, _, whole := strings.Cut(other, "\n")
	if what := protocolOf(line); whole && what != "IMAP" {
		return c.fail(config.CauseNotIMAP, c.looksLikeHint(line)+" It sends nothing until the client speaks.").withEvidence(line)
	}
	return f
}

// tlsOnPlainPort returns the failure of a port that says nothing in clear text, or hangs up, and
// answers a ClientHello.
func (c *conversation) tlsOnPlainPort() *failure {
	return c.fail(config.CauseTLSOnPlainPort, "This port speaks TLS from the start. Set security = \"tls\", unless the server's configuration changed by mistake. "+
		"A proxy that accepts both (stunnel with protocol = imap) looks the same while the server behind it is down.")
}

func (c *conversation) preauthFailure(r response) *failure {
	hint := "The server greets with PREAUTH: it treats everybody as logged in, without a password."
	if c.check.Security == config.StartTLS {
		hint = "The server greets with PREAUTH before TLS, so clients cannot use STARTTLS: " +
			"somebody on the network may be attacking the connection."
	}
	return c.fail(config.CausePreauth, hint).withEvidence(r.raw)
}

// greetingComplaint returns the failure of a NO or BAD in place of a greeting. Servers that send
// one hang up then; that is waited for, but not for more than 2 seconds.
func (c *conversation) greetingComplaint(r response) *failure {
	const patience = 2 * time.Second
	c.fence.shortenDeadline(patience)
	if _, err := c.readResponse(); err != nil {
		if f := asFailure(c.phase, err); f.cause != config.CauseTimeout {
			return f
		}
	}
	said := c.statement(earlyEnd, r)
	if m := meaningOf(said); m.cause != "" {
		return c.means(m, said).withEvidence(r.raw)
	}
	return c.fail(config.CauseProtocolError, "The server does not begin with a greeting.").withEvidence(r.raw)
}

// looksLikeHint returns the hint that names what answers instead of IMAP.
func (c *conversation) looksLikeHint(line string) string {
	if what := protocolOf(line); what != "" {
		return "Something answers on port " + port(c.target()) + " that looks like " + what + ", not IMAP."
	}
	return "Something answers on port " + port(c.target()) + " that does not speak IMAP."
}

// protocolOf guesses a protocol from the first bytes of a server.
func protocolOf(line string) string {
	upper := strings.ToUpper(strings.TrimLeft(line, "\r\n"))
	switch {
	case strings.HasPrefix(upper, "* "):
		return "IMAP"
	case strings.HasPrefix(upper, "HTTP/"), strings.HasPrefix(upper, "<!DOCTYPE"), strings.HasPrefix(upper, "<HTML"):
		return "HTTP (a web server)"
	case strings.HasPrefix(upper, "SSH-"):
		return "SSH"
	case strings.HasPrefix(upper, "+OK"), strings.HasPrefix(upper, "-ERR"):
		return "POP3"
	// Asked before SMTP: both greet with 220.
	case strings.HasPrefix(upper, "220") && strings.Contains(upper, "FTP"):
		return "FTP"
	// 421 and 554 turn the client away, RFC 5321 sections 3.8 and 3.1.
	case strings.HasPrefix(upper, "220"), strings.HasPrefix(upper, "421"), strings.HasPrefix(upper, "554"):
		return "SMTP"
	case strings.HasPrefix(upper, `"`) && strings.Contains(upper, "SIEVE"):
		return "ManageSieve"
	case isTLS(line):
		return "TLS"
	}
	return ""
}

// isTLS reports whether bytes begin like a TLS record: an alert or a handshake,
// RFC 8446 section 5.1.
func isTLS(head string) bool {
	return strings.HasPrefix(head, "\x15\x03") || strings.HasPrefix(head, "\x16\x03")
}

// hasTLSRecord reports whether bytes begin with the header of any TLS record, RFC
// 8446 section 5.1.
func hasTLSRecord(head string) bool {
	return len(head) > 1 && head[0] >= 0x14 && head[0] <= 0x17 && head[1] == 0x03
}

// A suspicion is that a server which says nothing on a plaintext port waits for
// the client to speak first: in TLS, or in HTTP, which answers a ClientHello with
// an error. It is looked into on a second connection once half of the time is
// over, or when the server hangs up before that without a word: some wait a few
// seconds for a ClientHello.
type suspicion struct {
	timer  *time.Timer
	cancel context.CancelFunc
	found  chan string
	head   func() string
}

func (c *conversation) suspectOther() *suspicion {
	// The handshake has shown already that this port speaks TLS.
	if c.check.Security == config.TLSFromStart {
		return nil
	}
	ctx, cancel := context.WithCancel(c.ctx)
	s := &suspicion{cancel: cancel, found: make(chan string, 1), head: func() string { return string(c.fence.head) }}
	s.timer = time.AfterFunc(time.Until(c.deadline)/2, func() { s.startAsking(ctx, c) })
	return s
}

// helloPatience is how long the answer to a ClientHello is waited for after a
// hang-up.
const helloPatience = 3 * time.Second

// helloAfterHangUp returns how the answer to a ClientHello begins on another
// connection; "" when there is none.
func (c *conversation) helloAfterHangUp() string {
	ctx, cancel := context.WithTimeout(c.ctx, helloPatience)
	defer cancel()
	return c.answerToHello(ctx)
}

// hungUpUnheard reports whether err is that the server ended the connection
// without a byte, and whether that is worth a diagnosis.
func (c *conversation) hungUpUnheard(err error) bool {
	f, failed := err.(*failure) //nolint:errorlint // a failure is never wrapped
	return failed && isHangUp(f.cause) && c.fence.bytesReceived() == 0 && !c.secured && !c.diagnosis
}

// startAsking looks into the suspicion, in a goroutine of its own: a panic there would
// end the process.
func (s *suspicion) startAsking(ctx context.Context, c *conversation) {
	said := ""
	defer func() {
		_ = recover()
		s.found <- said
	}()
	said = c.answerToHello(ctx)
}

// awaitAnswer ends the suspicion, and waits for its connection to end. It returns how the server's
// answer to a ClientHello begins, or what the server said by itself when that is TLS already; ""
// when nothing was asked.
func (s *suspicion) awaitAnswer(err error) (said string) {
	if s == nil {
		return ""
	}
	defer s.cancel()
	asked, head := !s.timer.Stop(), s.head()
	// The question has its answer already, so the other connection is broken off.
	if err == nil || isTLS(head) {
		s.cancel()
	}
	if asked {
		said = <-s.found
	}
	if isTLS(head) {
		return head
	}
	return said
}
