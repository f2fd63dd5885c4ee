package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// confirmAfter is how long after it has seen that the stream lost something a node looks again: a
// server that has just come to lead may not know its end yet.
const confirmAfter = 500 * time.Millisecond

// errUnfinished says that somebody is making the stream, or has not made it to the end.
var errUnfinished = errors.New("the journal on the bus is not made to the end: run imapvigil nodes begin again")

// A lostError says how the stream contradicts the copy.
type lostError struct{ reason string }

func (e *lostError) Error() string {
	return "the shared journal on the bus has lost or changed what this node holds of it: " + e.reason
}

func lostErrorf(format string, args ...any) error { return &lostError{fmt.Sprintf(format, args...)} }

// CatchUp reads what this node lacks, up to the end that the stream has when it is called, and
// compares what it holds with the stream: see [Copy.Lost], which is an error here, too. What is
// heard meanwhile is copied as well.
func (c *Copy) CatchUp(ctx context.Context) error {
	select {
	case c.reading <- struct{}{}:
		defer func() { <-c.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	last, err := c.compareAndRead(ctx)
	if lost := (*lostError)(nil); errors.As(err, &lost) && c.Lost() == nil {
		if err := sleep(ctx, confirmAfter); err != nil {
			return err
		}
		last, err = c.compareAndRead(ctx)
	}
	return c.noteReading(last, err)
}

// compareAndRead reads up to the last message of the stream.
func (c *Copy) compareAndRead(ctx context.Context) (last uint64, err error) {
	for {
		first, last, err := c.stream.Ends(ctx)
		if err != nil {
			return 0, err
		}
		if err := c.compare(ctx, first, last); err != nil {
			return 0, err
		}
		if err = c.read(ctx, last); !errors.Is(err, bus.ErrGone) {
			return last, err
		}
		// Others compact the stream meanwhile. If it is not that, a message is missing.
		missing := c.heldPlace() + 1
		if first, _, err = c.stream.Ends(ctx); err == nil && first <= missing {
			err = lostErrorf("message %d is missing", missing)
		}
		if err != nil {
			return 0, err
		}
	}
}

// noteReading notes what came of reading up to last.
func (c *Copy) noteReading(last uint64, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lost *lostError
	switch {
	case errors.As(err, &lost), errors.Is(err, bus.ErrNoStream) && c.chain.isWhole:
		if c.lost == nil {
			c.Log.Error("the shared journal contradicts this node's copy", zap.Error(err))
		}
		c.lost = err
	case err == nil:
		c.lost = nil
		c.expected.Store(max(last, c.chain.place))
	}
	c.showState()
	return err
}

// heldPlace returns the last sequence that the copy has, whole or not.
func (c *Copy) heldPlace() uint64 { return c.state.Load().chain.place }

// compare compares the ends of the stream with what is held. When what is held cannot be gone on
// with it has the copy begin anew; an error is that the stream contradicts it.
func (c *Copy) compare(ctx context.Context, first, last uint64) error {
	held := c.state.Load()
	if first > last {
		if held.chain.isWhole {
			return lostErrorf("it is empty")
		}
		return errUnfinished
	}
	end, err := c.get(ctx, last)
	if err != nil {
		return err
	}
	era, known, err := c.eraOf(ctx, first, last, end)
	if err != nil {
		return err
	}
	if !known {
		era = held.chain.era
	}
	switch {
	case era == "" && held.chain.isWhole:
		return lostErrorf("it is being made again")
	case era == "":
		return errUnfinished
	case held.damage != nil, held.chain.place == 0, held.chain.place+1 < first:
		return c.beginAnew(first)
	case era != held.chain.era:
		return c.adopt(ctx, first, last)
	case last < held.chain.place:
		return lostErrorf("it ends with message %d, and this node holds message %d", last, held.chain.place)
	case last == held.chain.place && sumOf(end) != held.chain.sum:
		return lostErrorf("message %d is another", last)
	}
	return nil
}

// adopt goes on with a stream that was begun anew on purpose: after what is held, if that is in it,
// else from its first message.
func (c *Copy) adopt(ctx context.Context, first, last uint64) error {
	held := c.state.Load().chain
	if held.place < last {
		data, err := c.get(ctx, held.place)
		switch {
		case err == nil && sumOf(data) == held.sum:
			return nil
		case err != nil && !errors.Is(err, bus.ErrGone):
			return err
		}
	}
	return c.beginAnew(first)
}

// beginAnew has the copy begin anew, with the first message that the stream has. What the copy
// holds counts until a whole state is read.
func (c *Copy) beginAnew(first uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chain.restart(first - 1)
	c.cut, c.damage = nil, nil
	c.showState()
	return nil
}

// batchBytes is how much of what is read is written to the disk at once, with one fsync.
const batchBytes = 1 << 20

// read reads messages up to one.
func (c *Copy) read(ctx context.Context, last uint64) error {
	var batch []incoming
	bytes := 0
	take := func() error {
		taken := batch
		batch, bytes = nil, 0
		return c.takeRead(taken)
	}
	err := c.stream.Read(ctx, c.heldPlace()+1, last, func(seq uint64, data []byte) error {
		batch = append(batch, incoming{seq, data})
		if bytes += len(data); bytes < batchBytes {
			return nil
		}
		return take()
	})
	// What was read before an error counts.
	if taken := take(); taken != nil {
		err = taken
	}
	return err
}

// takeRead copies what was read, unless it was heard meanwhile.
func (c *Copy) takeRead(batch []incoming) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(batch) > 0 && batch[0].seq <= c.chain.place {
		batch = batch[1:]
	}
	if len(batch) == 0 {
		return nil
	}
	if m, err := parseMessage(batch[0].data); c.chain.sum == "" && (err != nil || m.Whole == nil || m.Whole.N != 1) {
		return lostErrorf("it does not begin with a whole state")
	}
	if err := c.takeAll(batch); err != nil {
		return lostErrorf("message %d does not follow message %d", c.chain.place+1, c.chain.place)
	}
	return nil
}

// get reads a message. An answer may be lost, so it asks again.
func (c *Copy) get(ctx context.Context, seq uint64) (data []byte, err error) {
	const tries, each = 3, 3 * time.Second
	for range tries {
		try, cancel := context.WithTimeout(ctx, each)
		data, err = c.stream.Get(try, seq)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading message %d: %w", seq, err)
	}
	return data, nil
}

// sleep waits. The error is that of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
