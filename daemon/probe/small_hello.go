package probe

import (
	"context"
	"crypto/tls"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// classicCurves are the groups of a small ClientHello. With the post-quantum ones
// (X25519MLKEM768: 1,184 bytes for its key alone) a ClientHello takes more than one
// segment, on which old servers and boxes in between fail.
var classicCurves = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

const (
	smallHelloFor = 24 * time.Hour  // how long an address is asked with a small ClientHello before a large one is tried again
	diagnosisFor  = 5 * time.Minute // how long a diagnosis of a failing handshake is not repeated
)

// A hello is what is known of an address whose handshakes fail in some way.
type hello struct {
	ip     netip.Addr
	small  bool // it answers a small ClientHello only
	failed bool // it does not answer a small one either
	asked  bool // choice is its answer to everything
	choice serverChoice
	at     time.Time
}

// helloStyle returns what is known of the handshakes with an address; nothing, where that was
// learned more than 5 minutes ago, or 24 hours for a small ClientHello that works.
func (p *past) helloStyle(ip netip.Addr, now time.Time) hello {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hellos {
		keep := diagnosisFor
		if h.small {
			keep = smallHelloFor
		}
		if h.ip == ip && now.Sub(h.at) < keep {
			return h
		}
	}
	return hello{ip: ip}
}

// rememberHello remembers what is known of an address, or forgets it.
func (p *past) rememberHello(h hello) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hellos = slices.DeleteFunc(p.hellos, func(old hello) bool { return old.ip == h.ip })
	if (h.small || h.failed || h.asked) && len(p.hellos) < maxAddresses {
		p.hellos = append(p.hellos, h)
	}
}

// shakeHands makes the handshake, and tries it once more on another connection where
// the size of the ClientHello explains that it failed. Nothing secret was sent
// before, and the other connection is verified like any.
func (c *conversation) shakeHands() (*tls.Conn, error) {
	known, began := c.past.helloStyle(c.goal.ip, c.started), time.Now()
	if c.small = known.small; c.small {
		conn, err := c.encrypt()
		if err != nil && c.unanswered() {
			c.past.rememberHello(hello{ip: c.goal.ip}) // the next probe begins anew
		}
		return conn, err
	}
	rival := c.startRival(known)
	conn, err := c.encrypt()
	again := rival.endRival()
	if err == nil {
		c.past.rememberHello(hello{ip: c.goal.ip})
		return conn, nil
	}
	// A small one that failed a moment ago is not tried again; see diagnosisFor.
	if again == nil && c.explainedBySize(err) && !known.failed {
		again = c.trySmall(c.ctx)
	}
	if again == nil && !c.explainedBySize(err) && slices.Contains(nothingInCommon, alertReason(err)) {
		again = c.afterRefusal()
	}
	if again.helloAnswered() {
		c.moveTo(again, began)
		return again.tlsConn, again.err
	}
	if again != nil {
		again.abandonConnection()
		known.failed, known.at = true, c.started
		c.past.rememberHello(known)
	}
	if c.tried = known.failed; c.tried && c.unanswered() && isHangUp(ioCause(err)) {
		c.lookAtChoice()
	}
	return nil, err
}

// encrypt does one handshake on the present connection.
func (c *conversation) encrypt() (*tls.Conn, error) {
	options, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	if c.small {
		options.CurvePreferences = classicCurves
	}
	conn := tls.Client(c.fence, options)
	return conn, conn.Handshake() // without a context: the fence has the deadline
}

// unanswered reports whether the server has not said a byte since TLS began.
func (c *conversation) unanswered() bool { return c.fence.bytesReceived() == c.fence.clear }

// sizeAlerts are how servers reject a ClientHello that they cannot read.
var sizeAlerts = []string{"error decoding message", "illegal parameter", "internal error", "unexpected message", "record overflow", "missing extension"}

// explainedBySize reports whether a handshake failed as it does at a server that
// cannot take a ClientHello of more than one segment.
func (c *conversation) explainedBySize(err error) bool {
	if text := alertReason(err); text != "" {
		return slices.Contains(sizeAlerts, text) && !c.helloAnswered()
	}
	return c.unanswered() && (isHangUp(ioCause(err)) || isTimeout(err)) && localFault(err) == ""
}

// helloAnswered reports whether the server began with a ServerHello.
func (c *conversation) helloAnswered() bool {
	return len(c.fence.head) > 0 && c.fence.head[0] == recordHandshake
}

// A second is another connection that tries the handshake with a small ClientHello.
type second struct {
	*conversation
	tlsConn *tls.Conn
	began   time.Time
	err     error
}

// helloAnswered reports whether the server said anything to the small ClientHello.
func (s *second) helloAnswered() bool { return s != nil && s.fence != nil && !s.unanswered() }

func (c *conversation) trySmall(ctx context.Context) *second {
	again, err := c.secondConnection(ctx)
	s := &second{conversation: again, err: err}
	if err != nil {
		s.fence = nil // it was hung up
		return s
	}
	s.began, s.small = time.Now(), true
	s.tlsConn, s.err = s.encrypt()
	return s
}

// afterRefusal handles a server that finds nothing in the ClientHello. What it
// insists on is found out; is it nothing that was not offered, a small one is tried.
func (c *conversation) afterRefusal() *second {
	c.lookAtChoice()
	if c.isTooOld() || c.choice.version == 0 || c.choice.version == tls.VersionTLS13 || c.choice.insistsOn() != "" {
		return nil
	}
	return c.trySmall(c.ctx)
}

// moveTo goes on with another connection in place of the present one. The time that
// was lost with that does not count against any threshold.
func (c *conversation) moveTo(s *second, began time.Time) {
	c.abandonConnection()
	// From now on c watches its context, and ends that when it is closed.
	s.unwatch()
	s.fence.got.Add(c.fence.bytesReceived()) // the budget is one
	s.fence.clear += c.fence.bytesReceived()
	c.fence, c.conn, c.responses, c.certAsked = s.fence, s.fence, s.responses, s.certAsked
	c.caps, c.tags, c.last = s.caps, s.tags, s.last
	conn := c.fence.Conn
	c.unwatch = context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	lost := s.began.Sub(began)
	c.waited += lost
	c.outcome.address.Timings[config.PhaseTLS] -= lost
	c.writeTranscript(remark, "went on with a small ClientHello on another connection")
	if s.err != nil {
		return
	}
	c.past.rememberHello(hello{ip: c.goal.ip, small: true, at: c.started})
	c.outcome.notes = append(c.outcome.notes, incident.Note{
		Cause: config.CauseLargeClientHello, Address: c.goal.ip.String(),
		Text: "The server does not accept a ClientHello of more than one packet, as clients send for post-quantum key exchange (X25519MLKEM768), but accepts a small one: it, or a device in between, seems too old.",
	})
}

// A rival is the second try beside a handshake that is not answered.
type rival struct {
	first  *conversation
	timer  *time.Timer
	cancel context.CancelFunc
	done   chan *second
}

// startRival has a small ClientHello tried when half of the time is over and the
// server has said nothing. The first try goes on: a server that is only slow may
// answer it yet.
func (c *conversation) startRival(known hello) *rival {
	if known.failed {
		return nil
	}
	ctx, cancel := context.WithCancel(c.ctx)
	r := &rival{first: c, cancel: cancel, done: make(chan *second, 1)}
	r.timer = time.AfterFunc(time.Until(c.deadline)/2, func() { r.runRival(ctx) })
	return r
}

// runRival makes the second try, in a goroutine of its own: a panic there would end the process.
func (r *rival) runRival(ctx context.Context) {
	var s *second
	defer func() {
		_ = recover()
		r.done <- s
	}()
	if !r.first.unanswered() {
		return
	}
	if s = r.first.trySmall(ctx); s.helloAnswered() && r.first.unanswered() {
		_ = r.first.fence.Close() // ends the first try
	}
}

// endRival ends the rival when the first try has ended, and waits for its connection. It returns
// the second try if there was one and the first was not answered, else nil.
func (r *rival) endRival() *second {
	if r == nil {
		return nil
	}
	defer r.cancel()
	if r.timer.Stop() {
		return nil
	}
	if !r.first.unanswered() {
		r.cancel()
	}
	s := <-r.done
	switch {
	case s == nil:
		return nil
	case !r.first.unanswered():
		s.abandonConnection()
		return nil
	case s.fence != nil:
		s.unwatch() // cancelling would hang up
	}
	return s
}

// triedSmall returns a remark that a small ClientHello was tried in vain; "" where none was.
func (c *conversation) triedSmall() string {
	if !c.tried {
		return ""
	}
	return " A small ClientHello is not answered either."
}

// lookAtChoice finds out what the server chooses when everything is offered to it, at most every 5
// minutes.
func (c *conversation) lookAtChoice() {
	known := c.past.helloStyle(c.goal.ip, c.started)
	if !known.asked {
		known.choice, known.asked, known.at = c.askForChoice(), true, c.started
		c.past.rememberHello(known)
	}
	c.choice = known.choice
}

func (c *conversation) askForChoice() serverChoice {
	if c.check.TLS.MinVersion == tls.VersionTLS13 {
		if choice := c.choiceAmong(true); choice.version != 0 {
			return choice
		}
		return c.choiceAmong(false) // some refuse TLS 1.3 with the alert for no suite in common
	}
	choice := c.choiceAmong(false)
	if choice.alert == alertVersion {
		return c.choiceAmong(true)
	}
	return choice
}

// choiceAmong offers everything on a connection of its own, which ends when the
// server has answered.
func (c *conversation) choiceAmong(version13 bool) (choice serverChoice) {
	again, err := c.secondConnection(c.ctx)
	if err != nil {
		return choice
	}
	defer again.abandonConnection()
	name := ""
	if c.sentName() {
		name = c.serverName()
	}
	if _, err := again.fence.Write(everything(name, version13)); err != nil {
		return choice
	}
	choice, _ = readChoice(again.fence) // what came before an error counts
	return choice
}
