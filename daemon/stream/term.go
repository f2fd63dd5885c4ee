package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

const (
	// answerIn is how long an append waits for its answer before it is tried again.
	answerIn   = 2 * time.Second
	tryAgainIn = 100 * time.Millisecond

	// sureFor is how long an acknowledged append says that this node decides: nobody takes over
	// within 5 seconds of the last that was heard of it.
	sureFor = 4 * time.Second
)

// A term is the time in which this node decides. What it expects of the stream is its own: it
// follows from what was acknowledged to this term, never from what was heard of the stream. A node
// that was cut off for a while hears what its successor has appended; were it to learn from that
// where the stream ends, it would go on above its successor's records.
type term struct {
	number uint64 // the sequence of the message that began it
	name   string // of this term alone, also where two nodes begin after the same message
	era    string

	// Whoever holds the turn uses these.
	after      uint64   // the sequence of its last acknowledged message, or of the one before the first
	sum        string   // of that message
	count      int      // of messages
	unanswered *sending // nil: all were answered
	sure       time.Time
	whole      *wholeSending

	// begun says that the stream has its first message. Until then messages with the number of this term are those
	// of another node, which has begun after the same message.
	begun atomic.Bool
	ended atomic.Pointer[endedError]
	ctx   context.Context // done when it has ended
	stop  context.CancelFunc
}

var errNoAnswer = errors.New("the bus does not answer")

// A sending is a message that was sent and is not answered.
type sending struct {
	id    string
	data  []byte
	head  envelope
	body  body
	since time.Time // when it was sent first
	cause error     // what came of it the last time
}

// An endedError says why a node does not decide any more. It is journal.ErrReplaced to whoever
// asks: also where no more is known than that another node may decide by now.
type endedError struct{ cause error }

func (e *endedError) Error() string { return e.cause.Error() }
func (e *endedError) Unwrap() error { return e.cause }

// Is makes it journal.ErrReplaced.
func (e *endedError) Is(target error) bool { return target == journal.ErrReplaced }

// newTerm returns a term that begins after what is held.
func newTerm(alive context.Context, node string, held *chain) *term {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	t := &term{
		number: held.place + 1, era: held.era, after: held.place, sum: held.sum,
		name: fmt.Sprintf("%s-%s-%d", node, hex.EncodeToString(b[:]), held.place+1),
	}
	t.ctx, t.stop = context.WithCancel(alive)
	return t
}

// end ends the term, unless it has ended.
func (t *term) end(cause error) {
	t.ended.CompareAndSwap(nil, &endedError{cause})
	t.stop()
}

// err returns why the term has ended; nil: it has not.
func (t *term) err() error {
	if e := t.ended.Load(); e != nil {
		return e
	}
	return nil
}

// Begin appends that this node decides from now on, if the stream ends where its copy does. From
// then on the Copy is the journal of what this node decides. The error is journal.ErrReplaced when
// somebody was faster, and what Lost, Speaks or ctx say. An append that was not answered may
// have been made all the same: then nobody decides until a node begins again.
func (c *Copy) Begin(ctx context.Context) (number uint64, err error) {
	if err := c.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer c.giveTurn()
	s := c.state.Load()
	switch {
	case s.lost != nil:
		return 0, s.lost
	case c.Speaks() != nil:
		return 0, c.Speaks()
	case !s.chain.isWhole:
		return 0, c.Behind()
	}
	if old := c.term.Load(); old != nil {
		old.end(errors.New("this node has begun to decide once more"))
	}
	t := newTerm(c.alive, c.Node, &s.chain)
	if err := c.beginTerm(ctx, t,
		[]journal.Record{note{Node: c.Node, Term: t.number, Version: c.Version}.record(kindBegan)}); err != nil {
		return 0, fmt.Errorf("beginning to decide: %w", err)
	}
	return t.number, nil
}

// beginTerm appends the first message of a term.
func (c *Copy) beginTerm(ctx context.Context, t *term, records []journal.Record) error {
	c.term.Store(t)
	bodies, err := split(records, time.Now())
	for i := 0; i < len(bodies) && err == nil; i++ {
		err = c.send(ctx, t, envelope{}, bodies[i])
	}
	if err != nil {
		t.end(err)
		c.term.Store(nil)
		return err
	}
	c.stopGiving()
	return nil
}

// stopGiving has OnRecords hear nothing more until the next Replay: what this node decides it knows.
func (c *Copy) stopGiving() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gives = false
}

// Ended says why the term of this node is over although nobody has called End, as when another node's message came
// after it; nil: it is not, or this node does not decide.
func (c *Copy) Ended() error {
	if t := c.term.Load(); t != nil {
		return t.err()
	}
	return nil
}

// End ends the term: nothing more is appended. It waits for what is under way, which it cuts short.
func (c *Copy) End() {
	t := c.term.Load()
	if t == nil {
		return
	}
	t.end(errors.New("this node does not decide any more"))
	c.turn <- struct{}{}
	defer c.giveTurn()
	c.term.CompareAndSwap(t, nil)
}

// Append appends records to the stream and returns when most of its servers have them, and this
// node's copy, too. A message that is not answered is sent again, with the same id, for as
// long as Options.Patience: so long may Append take. After an error that is journal.ErrReplaced the
// term has ended, and what of the records is in the stream is known to whoever decides next. It is
// always the first of them, up to some record.
//
// A record that fits no message is refused alone, with a *journal.RefusedError, and those beside it
// are taken.
func (c *Copy) Append(records ...journal.Record) error {
	bodies, refused := split(records, time.Now())
	if refused != nil {
		refused = fmt.Errorf("appending to the shared journal: %w", refused)
	}
	t, err := c.deciding(context.Background())
	if err != nil {
		return errors.Join(refused, err)
	}
	defer c.giveTurn()
	for _, b := range bodies {
		if err := c.send(context.Background(), t, envelope{}, b); err != nil {
			return errors.Join(refused, err)
		}
	}
	return refused
}

// Sure returns nil if this node decides: a message that is acknowledged was sent less than 4
// seconds ago, or it now appends one which says so, and another one where the answer came too late. It is
// asked before anything leaves this machine. The errors are those of Append and of ctx.
func (c *Copy) Sure(ctx context.Context) error {
	t, err := c.deciding(ctx)
	if err != nil {
		return err
	}
	defer c.giveTurn()
	// The servers acknowledge a message again that they have already, also when another node has appended
	// since: so an answer to one that had to be sent again says nothing. The second one counts in any case,
	// or a slow stream would keep every message back.
	const tries = 2
	for range tries {
		if t.isSure(time.Now()) {
			return nil
		}
		bodies, err := split([]journal.Record{note{Node: c.Node, Term: t.number}.record(kindStill)}, time.Now())
		if err == nil {
			err = c.send(ctx, t, envelope{}, bodies[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Settled reports whether this node decides, and nothing that it appends waits for an answer just now. It
// appends nothing, and never waits.
func (c *Copy) Settled() bool {
	t := c.term.Load()
	if t == nil || t.err() != nil {
		return false
	}
	select {
	case c.turn <- struct{}{}:
		defer c.giveTurn()
		return t.unanswered == nil
	default:
		return false
	}
}

// isSure reports whether an acknowledged message was sent a moment ago. The machine may have been
// suspended since, which Go's monotonic clock does not see: the wall clock is asked, too.
func (t *term) isSure(now time.Time) bool {
	wall := now.Round(0).Sub(t.sure.Round(0))
	return t.unanswered == nil && now.Sub(t.sure) < sureFor && wall >= 0 && wall < sureFor
}

// deciding takes the turn for the term. The error says that this node does not decide.
func (c *Copy) deciding(ctx context.Context) (*term, error) {
	t := c.term.Load()
	if t == nil {
		return nil, journal.ErrReplaced
	}
	if err := t.err(); err != nil {
		return nil, err
	}
	if err := c.takeTurn(ctx); err != nil {
		return nil, err
	}
	if err := t.err(); err != nil {
		c.giveTurn()
		return nil, err
	}
	return t, nil
}

func (c *Copy) takeTurn(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Copy) giveTurn() { <-c.turn }

// send appends one message. The turn is held. If ctx ends first the message may be in the stream, and
// the next call finds out.
func (c *Copy) send(ctx context.Context, t *term, e envelope, b body) error {
	if err := c.settle(ctx, t); err != nil {
		return err
	}
	e.V, e.Term, e.Packed = speaks, t.number, b.packed
	if e.Era == "" {
		e.Era = t.era
	}
	t.makeMessage(e, b, time.Now())
	return c.settle(ctx, t)
}

// makeMessage makes a message that comes next, the one to be answered.
func (t *term) makeMessage(head envelope, b body, since time.Time) {
	head.Prev = t.sum
	t.count++
	t.unanswered = &sending{
		id: fmt.Sprintf("%s-%d", t.name, t.count), data: head.encode(b.records), head: head, body: b, since: since,
	}
}

// settle finds out what became of the message that is not answered.
func (c *Copy) settle(ctx context.Context, t *term) error {
	for t.unanswered != nil {
		u := t.unanswered
		left := c.Patience - time.Since(u.since)
		if left <= 0 {
			t.end(fmt.Errorf("nothing could be appended to the shared journal for %v, so another node may decide now: %w",
				c.Patience, u.cause))
		}
		if err := t.err(); err != nil {
			return err
		}
		seq, err := c.sendOnce(ctx, t, u, min(left, answerIn))
		switch {
		case err == nil && seq == t.after+1:
			c.acknowledge(t, u)
		case err == nil:
			t.end(fmt.Errorf("the stream has message %d where this node has appended message %d", seq, t.after+1))
		case errors.Is(err, bus.ErrReplaced):
			if !c.goAbove(ctx, t) {
				t.end(journal.ErrReplaced)
			}
		default:
			if u.cause = err; errors.Is(err, context.DeadlineExceeded) {
				u.cause = errNoAnswer
			}
			if err := sleep(ctx, tryAgainIn); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendOnce sends a message once.
func (c *Copy) sendOnce(ctx context.Context, t *term, u *sending, wait time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	return c.stream.Append(ctx, t.after, u.id, u.data)
}

// acknowledge notes that the stream holds a message, and copies it.
func (c *Copy) acknowledge(t *term, u *sending) {
	t.after, t.sum, t.unanswered = t.after+1, sumOf(u.data), nil
	// Not the time of the answer: it may come late, when another node has begun already.
	t.sure = u.since
	t.begun.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case t.after == c.chain.place+1 && c.canCopyNext():
		if c.takeAll([]incoming{{t.after, u.data}}) != nil {
			c.wakeKeeper()
		}
	case t.after > c.chain.place:
		c.wakeKeeper()
	}
}
