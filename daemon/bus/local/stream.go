package local

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// remembersIDs is how long the stream knows an id again.
const remembersIDs = 2 * time.Minute

// A stream is what the servers keep. It belongs to the network's lock.
type stream struct {
	exists   bool
	first    uint64 // sequence of messages[0], or of the next one
	messages [][]byte
	ids      map[string]kept
	cut      bool
	loseAcks bool
	leader   string        // a name; of a server, in real life
	missing  []string      // names of servers that do not keep it
	changed  chan struct{} // closed when cut changes, then made anew
}

// A kept id is that of a message which is in the stream.
type kept struct {
	seq uint64
	at  time.Time
}

// last returns the sequence of the last message.
func (s *stream) last() uint64 { return s.first + uint64(len(s.messages)) - 1 }

// CutStream makes the stream silent for all nodes, as a cluster of servers is that has lost most
// of them: appending and reading wait until it is healed. Everything else goes on.
func (n *Network) CutStream(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream.cut = cut
	close(n.stream.changed)
	n.stream.changed = make(chan struct{})
}

// LoseAcknowledgements has appends kept, and nobody told. Their calls wait until ctx ends.
func (n *Network) LoseAcknowledgements(lose bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream.loseAcks = lose
}

// Lead has the stream led by somebody with a name. At first nobody has one.
func (n *Network) Lead(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream.leader = name
}

// Miss says which servers do not keep the stream.
func (n *Network) Miss(servers ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream.missing = servers
}

// Leader returns who leads the stream: "elsewhere" after a node has asked for another.
func (n *Network) Leader() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stream.leader
}

// LoseStream removes the stream, as if the disks of all servers were gone.
func (n *Network) LoseStream() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream = stream{cut: n.stream.cut, loseAcks: n.stream.loseAcks, changed: n.stream.changed}
}

// LoseEnd removes the last messages of the stream, which were acknowledged, as servers do that lose
// their disks one by one.
func (n *Network) LoseEnd(messages int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &n.stream
	s.messages = s.messages[:max(0, len(s.messages)-messages)]
	clear(s.ids)
}

// A streamOf is the stream as one node sees it.
type streamOf struct{ c *connection }

// Append implements bus.Stream.
func (s streamOf) Append(ctx context.Context, after uint64, id string, data []byte) (uint64, error) {
	if len(data) > bus.MaxMessage {
		return 0, bus.ErrTooLarge
	}
	var seq uint64
	err := s.reach(ctx, func(n *Network) (err error) {
		if seq, err = n.append(after, id, data); err == nil && n.stream.loseAcks {
			return errUnanswered
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// errUnanswered has a call wait until its context ends.
var errUnanswered = errors.New("no answer")

// append looks for the id before it looks at the sequence, as the servers do.
func (n *Network) append(after uint64, id string, data []byte) (uint64, error) {
	s := &n.stream
	if known, found := s.ids[id]; found && time.Since(known.at) < remembersIDs {
		return known.seq, nil
	}
	if after != s.last() {
		return 0, bus.ErrReplaced
	}
	s.messages = append(s.messages, slices.Clone(data))
	s.ids[id] = kept{s.last(), time.Now()}
	n.say("", bus.Message{Topic: bus.Log, Data: data, Seq: s.last()})
	return s.last(), nil
}

// Ends implements bus.Stream.
func (s streamOf) Ends(ctx context.Context) (first, last uint64, err error) {
	err = s.reach(ctx, func(n *Network) error {
		first, last = n.stream.first, n.stream.last()
		return nil
	})
	return first, last, err
}

// Get implements bus.Stream.
func (s streamOf) Get(ctx context.Context, seq uint64) (data []byte, err error) {
	err = s.reach(ctx, func(n *Network) error {
		if seq < n.stream.first || seq > n.stream.last() {
			return bus.ErrGone
		}
		data = slices.Clone(n.stream.messages[seq-n.stream.first])
		return nil
	})
	return data, err
}

// Read implements bus.Stream.
func (s streamOf) Read(ctx context.Context, first, last uint64, each func(seq uint64, data []byte) error) error {
	for seq := first; seq <= last; seq++ {
		data, err := s.Get(ctx, seq)
		if err != nil {
			return err
		}
		if err := each(seq, data); err != nil {
			return err
		}
	}
	return nil
}

// Purge implements bus.Stream.
func (s streamOf) Purge(ctx context.Context, before uint64) error {
	return s.reach(ctx, func(n *Network) error {
		if before > n.stream.first {
			gone := min(before-n.stream.first, uint64(len(n.stream.messages)))
			n.stream.messages = slices.Clone(n.stream.messages[gone:])
			n.stream.first += gone
		}
		return nil
	})
}

// LeadElsewhere implements bus.Stream.
func (s streamOf) LeadElsewhere(ctx context.Context, than []string) (moved bool, err error) {
	err = s.reach(ctx, func(n *Network) error {
		if moved = slices.Contains(than, n.stream.leader); moved {
			n.stream.leader = "elsewhere"
		}
		return nil
	})
	return moved, err
}

// Missing implements bus.Stream.
func (s streamOf) Missing(ctx context.Context) (servers []string, err error) {
	err = s.reach(ctx, func(n *Network) error {
		servers = slices.Clone(n.stream.missing)
		return nil
	})
	return servers, err
}

// Create implements bus.Stream.
func (s streamOf) Create(ctx context.Context, first uint64) error {
	exists := errors.New("the journal on the bus exists already")
	err := s.reach(ctx, func(*Network) error { return exists })
	if !errors.Is(err, bus.ErrNoStream) {
		return err
	}
	n := s.c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stream.exists {
		return exists
	}
	n.stream.exists, n.stream.first, n.stream.ids = true, first, map[string]kept{}
	return nil
}

// reach calls do, with the network locked, as soon as the node can reach the stream.
func (s streamOf) reach(ctx context.Context, do func(*Network) error) error {
	n := s.c.network
	n.mu.Lock()
	latency := n.latency
	n.mu.Unlock()
	if !pause(ctx, 2*latency) {
		return ctx.Err()
	}
	for {
		interrupted, changed, err := s.attempt(do)
		if changed == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-interrupted:
			return bus.ErrCut
		case <-changed:
		}
	}
}

// attempt calls do. Where there is nobody to answer it returns what to wait for instead.
func (s streamOf) attempt(do func(*Network) error) (interrupted, changed <-chan struct{}, err error) {
	n := s.c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if interrupted, err = s.c.usable(); err != nil {
		return nil, nil, err
	}
	if n.stream.cut {
		return interrupted, n.stream.changed, nil
	}
	if !n.stream.exists {
		return nil, nil, bus.ErrNoStream
	}
	if err = do(n); errors.Is(err, errUnanswered) {
		return interrupted, make(chan struct{}), nil
	}
	return nil, nil, err
}
