package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"go.uber.org/zap"
)

// Servers may let somebody else into the journal: those of an earlier imapvigil put answers of theirs there, for
// whoever asks so. What is certainly not of a node ends no term: else a node that somebody else controls would
// keep all from deciding.

// mostForeign is how many such messages are looked at.
const mostForeign = 1000

// errOfANode says that a node may have written a message.
var errOfANode = errors.New("a node has written it")

// isForeign reports whether a message is certainly none of a node, of any version: it is no object of JSON, or has
// none of what stands in each message.
func isForeign(data []byte) bool {
	var e envelope
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || !json.Valid(data) {
		return true
	}
	if json.Unmarshal(data, &e) != nil {
		return false
	}
	return e.V == 0 && e.Term == 0 && e.Era == "" && e.Prev == "" && e.Whole == nil && e.Packed == nil
}

// goAbove has a term go on whose append was refused, if each message that came in between was looked at, and none is
// of a node: then the message is written anew, and appended after those. Should a node begin meanwhile, that is
// refused, too. The first message of a term is where its number says, so it is not written anew. The turn
// is held.
func (c *Copy) goAbove(ctx context.Context, t *term) bool {
	if t.count == 1 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	_, last, err := c.stream.Ends(ctx)
	if err != nil || last <= t.after || last-t.after > mostForeign {
		return false
	}
	place, sum := t.after, ""
	err = c.stream.Read(ctx, t.after+1, last, func(seq uint64, data []byte) error {
		if seq != place+1 || !isForeign(data) {
			return errOfANode
		}
		place, sum = seq, sumOf(data)
		return nil
	})
	if err != nil || place != last {
		return false
	}
	c.Log.Error("somebody who is no node has put messages into the shared journal; they are left out",
		zap.Uint64("messages", last-t.after), zap.Uint64("last", last))
	u := t.unanswered
	t.after, t.sum = place, sum
	t.makeMessage(u.head, u.body, u.since)
	return true
}

// eraOf returns the era of the last message that a node has written, of those from first to last. end is the
// last one.
func (c *Copy) eraOf(ctx context.Context, first, last uint64, end []byte) (era string, known bool, err error) {
	data := end
	for range mostForeign {
		if m, err := parseMessage(data); err == nil && (m.V == speaks || m.Era != "") {
			return m.Era, true, nil
		}
		if last--; !isForeign(data) || last < first {
			break
		}
		if data, err = c.get(ctx, last); err != nil {
			return "", false, err
		}
	}
	return "", false, nil
}
