package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

const (
	retryAfter = time.Second // when what is missing could not be read
	readFor    = time.Minute // then it begins again after what it has read
)

// wakeKeeper has what is missing read. It never waits.
func (c *Copy) wakeKeeper() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// keep reads what is missing, and begins the copy anew when somebody has taken its files away, until
// the copy is closed.
func (c *Copy) keep() {
	var retry <-chan time.Time
	for {
		select {
		case <-c.alive.Done():
			return
		case <-c.kick:
		case <-retry:
		case <-c.j.Wanted():
			if !c.renew() {
				retry = time.After(retryAfter)
				continue
			}
		}
		ctx, cancel := context.WithTimeout(c.alive, readFor)
		err := c.CatchUp(ctx)
		cancel()
		if retry = nil; err != nil {
			c.Log.Debug("what is missing of the shared journal cannot be read yet", zap.Error(err))
			retry = time.After(retryAfter)
		}
	}
}

// renew begins the copy anew on a disk that has lost it. It returns false when that has to be tried
// again.
func (c *Copy) renew() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replaying+c.viewing > 0 {
		return false // the journal asks again in two seconds
	}
	c.Log.Warn("the files of this node's copy of the shared journal were lost; it is read again",
		zap.String("reason", c.j.Status().LastLoss))
	if err := c.j.Compact(func(func(journal.Record) bool) {}); err != nil && !errors.Is(err, journal.ErrNotDurable) {
		c.Log.Error("the copy of the shared journal cannot be started again", zap.Error(err))
		return false
	}
	c.chain = chain{}
	c.cut, c.first = nil, ""
	c.damage = fmt.Errorf("its files were lost")
	c.showState()
	return true
}

// trim removes from the disk what the last whole state has replaced. c.mu is held.
func (c *Copy) trim() {
	base := c.chain.base
	// What is there of a round that was cut is completed first: the rest goes under its head.
	if base == nil || c.cut != nil || !c.chain.isWhole || base.sum == c.first || c.replaying+c.viewing > 0 ||
		!c.j.Status().Durable || time.Now().Before(c.trimNext) {
		return
	}
	c.trimNext = time.Now().Add(time.Minute) // a disk that cannot is not asked all the time
	read, kept := false, uint64(0)
	err := c.j.Compact(func(yield func(journal.Record) bool) {
		read = true
		c.yieldFrom(base, yield, &kept)
	})
	switch held := c.chain.place - base.start + 1; {
	// The journal may just have found that its files are lost, and taken this for all that was in them.
	case read && kept != held:
		c.damage = fmt.Errorf("%d of %d messages could not be read from the disk", held-kept, held)
		c.chain.isWhole = false
		c.wakeKeeper()
	case err != nil:
		c.Log.Warn("the copy of the shared journal could not be compacted; retrying later", zap.Error(err))
	default:
		c.first = base.sum
	}
}

// yieldFrom gives what is on disk from a whole state on, heads included, and counts the rounds.
func (c *Copy) yieldFrom(base *wholeState, yield func(journal.Record) bool, count *uint64) {
	all := func(*heldRound) bool { return true }
	walkFrom(base, rounds(c.j.Records()), all, func(h heldRound, err error) bool {
		if err != nil || !yield(h.record()) {
			return false
		}
		*count++
		return !slices.ContainsFunc(h.records, func(r journal.Record) bool { return !yield(r) })
	})
}
