package probe

import (
	"bytes"
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
	login  bool          // the answer to a login is still to come; go-imap may have given up waiting for it
	final  bool          // the next answer is the last that anybody waits for
	closed bool          // nothing is read, sent or shown any more
	sent   bool          // the command of the secret part has gone out whole
	asked  chan struct{} // closed when go-imap has answered a continuation, or hung up; nil before the first one
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

// beginSecret begins the secret part of a session, endSecret ends it.
func (g *gate) beginSecret(w way, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hidden, g.user, g.named, g.sent, g.login, g.sasl = w.command, user, false, false, true, saslState{}
	if w.command != loginCommand {
		// Without SASL-IR (RFC 4959) the first continuation asks for the initial response. The
		// mechanism LOGIN has none.
		g.sasl = saslState{w.mechanism, w.mechanism != mechLogin && !g.talk.caps.has("SASL-IR")}
	}
}

func (g *gate) endSecret() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hidden, g.sasl = "", saslState{}
}

// challengeFor returns what go-imap sees of a continuation. Servers put words, prompts
// and base64 there, which go-imap takes for a challenge; but only SCRAM has
// challenges that matter (RFC 4616 section 2 has none, and the prompts of LOGIN
// differ from server to server). "=" is an empty challenge, "" the request for
// the initial response.
func (g *gate) challengeFor(wire string) string {
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

// Read returns the next response that is meant for go-imap. What came together with it is looked at
// first: a server that says OK and BYE in one breath must not be well or down by who runs first
// here.
func (g *gate) Read(p []byte) (int, error) {
	if len(g.pending) == 0 {
		g.awaitAnswer()
		if err := g.readMore(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.pending)
	g.pending = g.pending[n:]
	return n, nil
}

// awaitAnswer waits until go-imap has answered the continuation that it was given.
// go-imap asks for the next continuation before it writes an answer; if the
// command were over by then (a server that prompts and says OK in one breath, or
// hangs up), it would wait for that continuation for ever.
func (g *gate) awaitAnswer() {
	g.mu.Lock()
	asked := g.asked
	g.mu.Unlock()
	if asked != nil {
		<-asked
	}
}

// continuationAnswered ends what awaitAnswer waits for.
func (g *gate) continuationAnswered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked != nil {
		close(g.asked)
		g.asked = nil
	}
}

// Close hangs up. What the server has said beyond that is not read: an OK among it
// would make go-imap ask for the capabilities, in a goroutine that nobody waits for.
func (g *gate) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.continuationAnswered()
	return g.Conn.Close()
}

// readMore reads until there is something for go-imap, and then as long as that takes
// no waiting. Behind a continuation it stops, so that go-imap answers first.
func (g *gate) readMore() error {
	for len(g.pending) == 0 || !g.wantsAnswer() && g.talk.responses.hasAnother() {
		r, err := g.nextResponse()
		if err != nil && len(g.pending) > 0 {
			return nil // what there is comes first; the error stays
		}
		if err != nil {
			return err
		}
		g.talk.writeTranscript(server, g.transcriptOf(r))
		g.pending = append(g.pending, g.translate(r)...)
	}
	return nil
}

func (g *gate) wantsAnswer() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked != nil
}

// expectLast notes that with the answer to what is sent next the session ends, and go-imap's
// reader with it. Waiting for the server to hang up would only cost.
func (g *gate) expectLast() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.final = true
}

// nextResponse reads until it cannot: the first error stands, and what came before it.
func (g *gate) nextResponse() (r response, err error) {
	g.mu.Lock()
	closed, err := g.closed, g.err
	g.mu.Unlock()
	if err != nil {
		return r, err
	}
	if closed {
		return r, net.ErrClosed
	}
	if r, err = g.talk.responses.nextResponse(); err != nil {
		g.mu.Lock()
		g.err = err
		g.mu.Unlock()
	}
	return r, err
}

// translate keeps what matters of a response and returns what go-imap is to see of it.
func (g *gate) translate(r response) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = r
	switch r.tag {
	case "*":
		g.rememberResponse(r)
		return ""
	case "+":
		return g.passContinuation(r)
	case "":
		g.stray = &r
		return nonsense
	}
	g.answer = r
	g.reason, g.grudge = g.grudge, response{}
	if g.final {
		g.err = io.EOF
	}
	login := g.login
	g.login = false
	switch {
	case r.status == "OK" && login:
		// Without the capabilities go-imap would ask for them, in a goroutine that nobody waits
		// for.
		return r.tag + " OK " + g.code + " done\r\n"
	case r.status == "OK", r.status == "NO", r.status == "BAD":
		return r.tag + " " + r.status + " done\r\n"
	}
	g.stray = &r
	return nonsense
}

// passContinuation drops a prompt behind which the server has answered already,
// since it waits for nothing; only SCRAM's last challenge has to be seen.
func (g *gate) passContinuation(r response) string {
	if g.hidden != "" && !g.sent {
		g.stray = &r // nobody has asked for anything yet
		return nonsense
	}
	if g.sasl.mechanism != "" && g.sasl.mechanism != mechSCRAM && answersTag(g.talk.responses.leftOver()) {
		return ""
	}
	g.asked = make(chan struct{})
	return "+ " + g.challengeFor(r.wire) + "\r\n"
}

// answersTag reports whether the next whole response among left that is not
// untagged is a tagged one.
func answersTag(left []byte) bool {
	for line := range bytes.Lines(left) {
		if isBlank(line) || bytes.HasPrefix(line, []byte("* ")) {
			continue
		}
		return bytes.HasSuffix(line, []byte("\n")) && !bytes.HasPrefix(line, []byte("+"))
	}
	return false
}

func (g *gate) rememberResponse(r response) {
	const enough = 8
	switch {
	// go-imap says only "unexpected EOF" after a BYE and loses its text (v2.0.0-beta.8).
	case r.status == "BYE" && g.bye == nil:
		g.bye = &r
	case r.code == "ALERT" && len(g.alerts) < enough:
		g.alerts = append(g.alerts, r)
	}
	if r.isComplaint() {
		g.grudge = r
	}
}

// transcriptOf returns what a transcript may show of what a server says: during a login its
// challenges are part of the secret exchange.
func (g *gate) transcriptOf(r response) string {
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
	// Noted before it goes out: the answer may come at once, and passContinuation asks what was
	// sent.
	if err := g.noteSending(strings.TrimRight(string(wire), "\r\n"), bytes.HasSuffix(p, []byte("\n"))); err != nil {
		return 0, err
	}
	g.continuationAnswered()
	if _, err := g.Conn.Write(wire); err != nil {
		return 0, err
	}
	return len(p), nil
}

// noteSending notes a line that is about to be sent, and shows it to the transcript.
func (g *gate) noteSending(line string, whole bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	g.talk.writeTranscript(client, g.transcriptOfSent(line)) // under the lock: nothing is shown once Close has returned
	g.sent = whole
	return nil
}

// transcriptOfSent returns what a transcript may show of what is sent; g.mu is held.
func (g *gate) transcriptOfSent(line string) string {
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
