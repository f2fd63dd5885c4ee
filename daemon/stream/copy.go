package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// Options are what a Copy works with.
type Options struct {
	Node     string        // the name of this node
	Version  string        // of this imapvigil
	Log      *zap.Logger   // nil: none
	FS       journal.FS    // of the copy; nil: the real one
	Patience time.Duration // how long an append may stay unanswered; 0: 12 s

	// OnRecords hears of the records that were copied after those that Replay gave, in order and each
	// once. It hears none of what this node appends while it decides: who decided them has them. It
	// must not call the Copy. nil: nobody does.
	OnRecords func([]journal.Record)
	// OnAnew hears that what Replay and OnRecords gave is not what the stream says: Replay has to be
	// called again, and OnRecords hears nothing until then. It must return at once and must not
	// call the Copy. nil: nobody does.
	OnAnew func()
}

// patience is how long an append may stay unanswered: three servers elect in 4 to 9 seconds, and
// nobody else can append meanwhile either.
const patience = 12 * time.Second

// A Copy is this node's copy of the stream, and, while this node decides, the journal of what is
// decided. Its methods may be called from any goroutine.
type Copy struct {
	Options
	stream bus.Stream
	j      *journal.Journal

	// turn is held by whoever appends: there is one message under way at most.
	turn chan struct{}
	term atomic.Pointer[term] // nil: this node does not decide

	reading chan struct{} // held by whoever reads what is missing
	kick    chan struct{} // something is missing
	alive   context.Context
	die     context.CancelFunc
	keeper  sync.WaitGroup

	mu        sync.Mutex // held while something is copied
	chain     chain
	cut       *heldRound
	damage    error
	lost      error
	replaying int
	viewing   int         // the disk is read, and nothing is removed from it
	tail      []heldRound // copied while somebody replays
	given     uint64      // the last sequence of which the records were given out
	givenEra  string
	gives     bool   // OnRecords hears what comes
	first     string // the sum of the first message on disk
	trimNext  time.Time

	expected atomic.Uint64 // the last sequence that anybody has told of
	state    atomic.Pointer[state]
}

// A state is what others ask of a copy. It is replaced whenever something has changed.
type state struct {
	chain  chain
	damage error
	lost   error
}

// Open opens the copy in dir, which it makes if need be, for this process alone. It asks nothing of
// the stream.
func Open(dir string, s bus.Stream, o Options) (*Copy, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	o.Patience = cmp.Or(o.Patience, patience)
	j, err := journal.Open(dir, journal.Options{FS: o.FS})
	if err != nil {
		return nil, fmt.Errorf("opening the copy of the shared journal: %w", err)
	}
	f, err := scan(j.Records())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the copy of the shared journal: %w", err), j.Close())
	}
	c := &Copy{
		Options: o, stream: s, j: j, chain: f.chain, cut: f.cut, damage: f.damage, first: f.first,
		turn: make(chan struct{}, 1), reading: make(chan struct{}, 1), kick: make(chan struct{}, 1),
	}
	if c.damage != nil {
		c.Log.Warn("this node's copy of the shared journal is damaged; it will be read again", zap.Error(c.damage))
	}
	if j.Status().Damaged {
		// What is still read from a damaged file is written to a sound one: people are told to take
		// damaged files away.
		c.first = ""
		c.trim()
	}
	c.alive, c.die = context.WithCancel(context.Background())
	c.showState()
	c.keeper.Go(c.keep)
	return c, nil
}

// Close ends the term, if there is one, and closes the copy.
func (c *Copy) Close() error {
	c.die()
	c.End()
	c.keeper.Wait()
	return c.j.Close()
}

// showState lets others see what has changed. c.mu is held.
func (c *Copy) showState() {
	c.state.Store(&state{chain: c.chain, damage: c.damage, lost: c.lost})
}

// Place returns the sequence of the last message that this node holds, all before it included; 0
// while it does not hold all.
func (c *Copy) Place() uint64 {
	if s := c.state.Load(); s.chain.isWhole {
		return s.chain.place
	}
	return 0
}

// Lost says that the stream has lost or changed messages that this node holds: nobody decides until
// a node has appended its whole state anew. nil: as far as this node knows it has not.
func (c *Copy) Lost() error { return c.state.Load().lost }

// Behind says why this node's copy is worse than others: it is not on the disk, damaged, or lacks
// messages. Such a node is the last to decide. nil: nothing is wrong with it.
func (c *Copy) Behind() error {
	s, disk := c.state.Load(), c.j.Status()
	switch expected := c.expected.Load(); {
	case s.damage != nil:
		return fmt.Errorf("it is damaged: %w", s.damage)
	case !s.chain.isWhole:
		return errors.New("it does not hold the whole journal yet")
	case !disk.Durable:
		return fmt.Errorf("it is not on the disk: %s", disk.Detail)
	case expected > s.chain.place:
		return fmt.Errorf("it holds messages up to %d of %d", s.chain.place, expected)
	}
	return nil
}

// Speaks says that a newer imapvigil writes what this one cannot read: this node must not decide.
// nil: it may.
func (c *Copy) Speaks() error {
	if s := c.state.Load(); s.chain.newer > 0 {
		return fmt.Errorf("%w: message %d", ErrNewer, s.chain.newer)
	}
	return nil
}

// ErrNewer says that a newer imapvigil has written to the shared journal.
var ErrNewer = errors.New("a newer imapvigil decides; this one is too old to")

// Status returns the health of the copy on this node's disk.
func (c *Copy) Status() journal.Status {
	s := c.j.Status()
	if damage := c.state.Load().damage; damage != nil {
		s.Damaged, s.Detail = true, cmp.Or(s.Detail, damage.Error())
	}
	return s
}

// Size returns the number of bytes after the last whole state.
func (c *Copy) Size() int64 { return c.state.Load().chain.size }

// Wanted never receives anything: the copy gets what it lacks from the stream.
func (c *Copy) Wanted() <-chan struct{} { return nil }

// Verify looks whether the files are lost.
func (c *Copy) Verify() { c.j.Verify() }
