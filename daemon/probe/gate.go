package probe

import (
	"encoding/base64"
	"io"
	"net"
	"strings"
	"sync"
)

// nonsense makes go-imap give up.
const nonsense = "!\r\n"

// A gate is the connection that go-imap gets. What a server says goes through
// our own reader first, and go-imap sees only what drives its commands: a
// greeting of ours, continuations, and tagged answers without the text, which
// it would parse strictly and then forget. Untagged data, which a probe has no
// use for, ends here, so that a response unknown to go-imap (which would end
// the session) cannot raise a false alarm.
type gate struct {
	net.Conn

	talk    *conversation // for its reader, its redactor and its transcript
	pending []byte        // for go-imap; touched by its reading goroutine alone
	code    string        // tells go-imap the capabilities; without it, it would ask by itself, at the greeting and after a login

	mu     sync.Mutex
	answer response   // the last tagged one
	bye    *response  // the server's own end of the session
	alerts []response // [ALERT] texts, RFC 9051 section 7.1
	stray  *response  // what is no response at all
	err    error      // why reading ended
	last   response   // what the server said last
	reason response   // the last untagged NO or BAD before the answer
	grudge response   // the same since the answer
	hidden string     // the command whose arguments, and what follows it, are secret
	user   string
	named  bool // the transcript has shown the command
	sasl   saslState
	final  bool // the next answer is the last that anybody waits for
}

func newGate(c *conversation) *gate {
	caps := strings.ToUpper(strings.Join(c.caps, " ")) // go-imap minds the letter case
	code := strings.TrimRight("[CAPABILITY "+caps, " ") + "]"
	return &gate{Conn: c.conn, talk: c, code: code, pending: []byte("* OK " + code + " go on\r\n")}
}

// A saslState is how far an AUTHENTICATE has come.
type saslState struct {
	mechanism string // "" outside of AUTHENTICATE
	unsent    bool   // the first continuation asks for the initial response, which the command did not hold
}

// hide begins the secret part of a session, show ends it.
func (g *gate) hide(w way, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hidden, g.user, g.named, g.sasl = w.command, user, false, saslState{}
	if w.command != loginCommand {
		g.sasl = saslState{w.mechanism, w.mechanism != mechLogin && !g.talk.caps.has("SASL-IR")}
	}
}

func (g *gate) show() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hidden, g.sasl = "", saslState{}
}

// challenge is what go-imap sees of a continuation. Servers put words, prompts
// and base64 there, which go-imap takes for a challenge; but only SCRAM has
// challenges that matter (RFC 4616 section 2 has none, and the prompts of LOGIN
// differ from server to server). "=" is an empty challenge, "" the request for
// the initial response.
func (g *gate) challenge(wire string) string {
	switch {
	case g.sasl.mechanism == "":
		return wire
	case g.sasl.unsent:
		g.sasl.unsent = false
		return ""
	case g.sasl.mechanism == mechSCRAM && wire != "":
		return wire
	}
	return "="
}

// Read gives go-imap the next response that is meant for it. What came together
// with it is looked at first: a server that says OK and BYE in one breath must
// not be well or down by who runs first here.
func (g *gate) Read(p []byte) (int, error) {
	if len(g.pending) == 0 {
		if err := g.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.pending)
	g.pending = g.pending[n:]
	return n, nil
}

// fill reads until there is something for go-imap, and then as long as that takes
// no waiting.
func (g *gate) fill() error {
	for len(g.pending) == 0 || g.talk.responses.more() {
		r, err := g.next()
		if err != nil && len(g.pending) > 0 {
			return nil // what there is comes first; the error stays
		}
		if err != nil {
			return err
		}
		g.talk.said(server, g.heard(r))
		g.pending = append(g.pending, g.pass(r)...)
	}
	return nil
}

// expectLast: with the answer to what is sent next the session ends, and go-imap's
// reader with it. Waiting for the server to hang up would only cost.
func (g *gate) expectLast() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.final = true
}

// next reads until it cannot: the first error stands, and what came before it.
func (g *gate) next() (r response, err error) {
	g.mu.Lock()
	err = g.err
	g.mu.Unlock()
	if err != nil {
		return r, err
	}
	if r, err = g.talk.responses.next(); err != nil {
		g.mu.Lock()
		g.err = err
		g.mu.Unlock()
	}
	return r, err
}

// pass keeps what matters of a response and gives what go-imap is to see.
func (g *gate) pass(r response) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = r
	switch r.tag {
	case "*":
		g.keep(r)
		return ""
	case "+":
		return "+ " + g.challenge(r.wire) + "\r\n"
	case "":
		g.stray = &r
		return nonsense
	}
	g.answer = r
	g.reason, g.grudge = g.grudge, response{}
	if g.final {
		g.err = io.EOF
	}
	switch {
	case r.status == "OK" && g.hidden != "":
		return r.tag + " OK " + g.code + " done\r\n"
	case r.status == "OK", r.status == "NO", r.status == "BAD":
		return r.tag + " " + r.status + " done\r\n"
	}
	g.stray = &r
	return nonsense
}

func (g *gate) keep(r response) {
	const enough = 8
	switch {
	case r.status == "BYE" && g.bye == nil:
		g.bye = &r
	case r.code == "ALERT" && len(g.alerts) < enough:
		g.alerts = append(g.alerts, r)
	}
	if r.isComplaint() {
		g.grudge = r
	}
}

// heard is what a transcript may show of what a server says: during a login its
// challenges are part of the secret exchange.
func (g *gate) heard(r response) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hidden != "" && r.tag == "+" && r.text != "" {
		return "+ " + stars
	}
	return r.raw
}

// cancelling is an answer to a challenge that stands for the cancellation of the
// whole exchange, RFC 9051 section 6.2.2, which go-imap cannot send.
var cancelling = []byte("\x00cancel\x00")

var cancellingWire = base64.StdEncoding.EncodeToString(cancelling) + "\r\n"

// Write sends what go-imap writes. An empty answer to a continuation is an
// empty line (RFC 9051 section 6.2.2), where go-imap sends the "=" of an
// initial response, which Dovecot and Cyrus refuse in SCRAM.
func (g *gate) Write(p []byte) (int, error) {
	wire := p
	switch string(p) {
	case "=\r\n":
		wire = p[1:]
	case cancellingWire:
		wire = []byte("*\r\n")
	}
	g.talk.said(client, g.shown(strings.TrimRight(string(wire), "\r\n")))
	if _, err := g.Conn.Write(wire); err != nil {
		return 0, err
	}
	return len(p), nil
}

// shown is what a transcript may show of what is sent.
func (g *gate) shown(line string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hidden == "" {
		return line
	}
	shown, arguments := "", line
	if !g.named {
		g.named = true
		before, after, _ := strings.Cut(line, g.hidden)
		shown, arguments = before+g.hidden+" ", after
	}
	g.talk.redact.addSent(arguments, g.user)
	return shown + stars
}
