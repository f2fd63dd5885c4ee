package probe

import (
	"fmt"
	"net"
	"strings"
	"sync"
)

// A gate is the connection that go-imap gets. What a server says goes through
// our own reader first, and go-imap sees only what drives its commands: a
// greeting of ours, continuations, and tagged answers without the text, which
// it would parse strictly and then forget. Untagged data, which a probe has no
// use for, ends here, so that a response unknown to go-imap (which would end
// the session) cannot raise a false alarm.
type gate struct {
	net.Conn

	responses *responses
	said      func(from side, line string)
	pending   []byte // for go-imap; touched by its reading goroutine alone

	mu       sync.Mutex
	answer   response   // the last tagged one
	bye      *response  // the server's own end of the session
	alerts   []response // [ALERT] texts, RFC 9051 section 7.1
	stray    *response  // what is no response at all, or answers nothing
	err      error      // why reading ended
	last     string
	caps     capabilities // for go-imap's eyes, so that it does not ask by itself
	secret   string       // what is sent now is secret; the words shown instead
	showOnce bool
}

func newGate(conn net.Conn, r *responses, caps capabilities, said func(side, string)) *gate {
	g := &gate{Conn: conn, responses: r, caps: caps, said: said}
	g.pending = []byte("* OK " + g.capabilityCode() + " go on\r\n")
	return g
}

// capabilityCode tells go-imap of capabilities; with an empty list it would ask
// again in the background.
func (g *gate) capabilityCode() string {
	return strings.TrimRight("[CAPABILITY "+strings.Join(g.caps, " "), " ") + "]"
}

// Read gives go-imap the next response that is meant for it.
func (g *gate) Read(p []byte) (int, error) {
	for len(g.pending) == 0 {
		r, err := g.responses.next()
		if err != nil {
			g.mu.Lock()
			g.err = err
			g.mu.Unlock()
			return 0, err
		}
		g.said(server, r.raw)
		g.pending = []byte(g.pass(r))
	}
	n := copy(p, g.pending)
	g.pending = g.pending[n:]
	return n, nil
}

// pass keeps what matters of a response and gives what go-imap is to see.
func (g *gate) pass(r response) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = r.raw
	switch r.tag {
	case "*":
		g.keep(r)
		return ""
	case "+":
		return "+ " + r.text + "\r\n"
	case "":
		g.stray = &r
		return "* BAD\r\n!\r\n" // go-imap gives up on it
	}
	g.answer = r
	switch {
	case r.status == "OK":
		return fmt.Sprintf("%s OK %s done\r\n", r.tag, g.capabilityCode())
	case r.status == "NO", r.status == "BAD":
		return fmt.Sprintf("%s %s refused\r\n", r.tag, r.status)
	}
	g.stray = &r
	return "!\r\n"
}

func (g *gate) keep(r response) {
	const enough = 8
	switch {
	case r.status == "BYE" && g.bye == nil:
		g.bye = &r
	case r.code == "ALERT" && len(g.alerts) < enough:
		g.alerts = append(g.alerts, r)
	}
}

// Write sends what go-imap writes. An empty answer to a continuation is an
// empty line (RFC 9051 section 6.2.2), where go-imap sends the "=" of an
// initial response, which Dovecot and Cyrus refuse in SCRAM.
func (g *gate) Write(p []byte) (int, error) {
	wire := p
	if string(p) == "=\r\n" {
		wire = p[1:]
	}
	g.said(client, g.shown(wire))
	if _, err := g.Conn.Write(wire); err != nil {
		return 0, err
	}
	return len(p), nil
}

// shown is what a transcript may show of what is sent.
func (g *gate) shown(wire []byte) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	line := strings.TrimRight(string(wire), "\r\n")
	if g.secret == "" {
		return line
	}
	if g.showOnce {
		return "***"
	}
	g.showOnce = true
	tag, _, _ := strings.Cut(line, " ")
	return tag + " " + g.secret + " ***"
}
