package probe

import (
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Line is one line of a conversation as --transcript shows it: what was
// secret is starred out, what a server said is sanitised.
type Line struct {
	Check   config.CheckID
	Address netip.AddrPort
	At      time.Duration // since the probe began
	From    string        // "C" or "S", as in the examples of the RFCs; "-" for a remark
	Text    opaque.Words
}

// A side of the conversation.
type side string

const (
	client side = "C"
	server side = "S"
	remark side = "-"
)

// writeTranscript hands a line to the transcript, if there is one.
func (c *conversation) writeTranscript(from side, line string) {
	show := c.prober.transcript
	if c.trial != nil && c.trial.OnLine != nil {
		show = c.trial.OnLine
	}
	if show == nil {
		return
	}
	show(Line{
		Check: c.id, Address: c.target(), At: time.Since(c.started),
		From: string(from), Text: opaque.Sanitise(line),
	})
}
