// Package bus is how the nodes of a cluster talk: what one says to those who listen now, what it
// asks another, and the one stream that all keep.
//
// It owns the connection and its failures, and knows neither incidents nor files. Whoever uses
// it may rely on this: nothing waits in a queue while the connection is cut, so that nothing old
// arrives late; a message is whole or is not there; an append is kept by most servers when it is
// acknowledged, and refused when somebody else appended meanwhile.
//
// Connect gives a Bus over NATS. A node is a plain client of one of the servers, and goes to
// another one when that falls silent, which takes it a second and a half to notice. Of a
// cluster C these are the subjects, and Permissions says who may do what with them:
//
//	iv.C.hb.NODE    what a node says of itself, twice a second
//	iv.C.res.NODE   what a node sees
//	iv.C.ask.NODE   questions to a node
//	iv.C.beat       what whoever decides says, twice a second
//	iv.C.wake       whoever decides wants a check probed now
//	iv.C.seat       questions to whoever decides
//	iv.C.journal    what is appended to the stream iv_C_journal
//	iv.C.log        the same again, with its sequence, from the servers to all
//	_INBOX.iv.C.NODE.RANDOM   one answer to a node
//
// A node that has missed something of iv.C.log reads it from the stream. There are no consumers
// of JetStream, and no buckets, since making them needs a leader.
//
// Whoever asks says where the answer goes, and the servers do not look whether he may publish there. So a
// node that must not write the journal may publish nothing that a server answers: a server would put its
// answer into the journal for him. Nodes answer into inboxes only, and see file proof.go.
package bus

import (
	"context"
	"errors"
	"time"
)

// A Topic is what a message is about. With the name of the cluster before it, it is a subject of
// NATS.
type Topic string

// The topics; those with a node are made by the functions in topic.go.
const (
	Beat    Topic = "beat"    // the decider to all, twice a second
	Wake    Topic = "wake"    // the decider to all: probe this check now
	Seat    Topic = "seat"    // anybody asks the decider
	Log     Topic = "log"     // the stream to all: what was appended, with its sequence
	Journal Topic = "journal" // the decider to the stream

	Heartbeats Topic = "hb.*"  // of all nodes
	Sights     Topic = "res.*" // of all nodes
)

// The errors that callers tell apart.
var (
	ErrCut      = errors.New("the bus cannot be reached")
	ErrNobody   = errors.New("nobody answers to that on the bus")
	ErrReplaced = errors.New("another node decides now")
	ErrNoStream = errors.New("there is no journal on the bus: make it once, on one node, with imapvigil nodes begin")
	ErrGone     = errors.New("the stream no longer holds that")

	ErrForbidden = errors.New("the bus does not permit that to this node")
	ErrTooLarge  = errors.New("the message is larger than the bus takes")
	ErrClosed    = errors.New("the connection to the bus was closed")
)

// A Message is what was said about a topic.
type Message struct {
	Topic Topic // never a pattern
	Data  []byte
	// Seq is the place in the stream of what was appended; of topic Log only.
	Seq uint64
}

// A Question comes from a node, which waits for the answer.
type Question struct {
	// From is the node that asks. It has proved that it hears what is said to that node, which the servers let
	// nobody else. It is empty where an earlier imapvigil asks, which proves nothing.
	From string
	Data []byte
}

// A Bus is one node's connection. Its methods may be called from any goroutine.
type Bus interface {
	// Publish says something to whoever listens now, this node included. It never waits, and does not keep
	// data. While the connection is cut it returns ErrCut, and the message is dropped.
	Publish(to Topic, data []byte) error
	// Listen has hear called with each message, one after the other, until stop is called; a call under
	// way may end after stop did. hear must return soon, and may keep the data. Listening goes on after a
	// cut; what was said meanwhile is lost.
	Listen(to Topic, hear func(Message)) (stop func(), err error)
	// Ask asks whoever answers to a topic and waits for the answer, of any length up to MaxAnswer. The
	// errors are ErrCut, ErrNobody, and that of ctx. Where several answer, the first answer counts.
	Ask(ctx context.Context, to Topic, question []byte) (answer []byte, err error)
	// Answer has answer called, each time in a goroutine of its own, with what is asked under a topic,
	// until stop is called, which ends the context of those under way and waits for them. The context
	// ends, too, when whoever asked waits no more. Of the questions of one node a few are answered at
	// once, and others wait for them.
	Answer(to Topic, answer func(context.Context, Question) []byte) (stop func(), err error)
	// Stream returns the one stream of the cluster.
	Stream() Stream
	// Status says how the connection is.
	Status() Status
	// Certificates lists those without which this node does not reach the bus, as it saw them last, the one that
	// ends first before the others.
	Certificates() []Certificate
	// Close ends the connection, and with it all that listens and answers, and waits for these.
	Close()
}

// MaxMessage is the most bytes that Publish and Append take; MaxAnswer is the most of an answer,
// which goes over in parts.
const (
	MaxMessage = 512 << 10
	MaxAnswer  = 64 << 20
)

// A Status says how a connection is.
type Status struct {
	Connected bool
	Since     time.Time
	Server    string        // that it is connected to, or was last
	Detail    string        // why it is not connected, in words of ours
	RoundTrip time.Duration // to the server; 0: not known
}

// A Stream is the journal that all nodes share. Who may append decides.
type Stream interface {
	// Append appends, if after is the sequence of the last message in the stream, and returns the
	// new one's when most servers have it on their disks. id is that of the message: the same
	// again is not appended twice, and returns the same sequence. The errors are ErrReplaced, when
	// after is not the last, ErrNoStream, ErrForbidden, ErrTooLarge, ErrCut, and that of ctx. After the last
	// two it may have been appended, and has to be tried again with the same id, for two minutes at most.
	Append(ctx context.Context, after uint64, id string, data []byte) (seq uint64, err error)
	// Ends returns the sequences of the first and of the last message; of an empty stream first is
	// last+1.
	Ends(ctx context.Context) (first, last uint64, err error)
	// Get returns the message with a sequence, or ErrGone.
	Get(ctx context.Context, seq uint64) ([]byte, error)
	// Read calls each with the messages from first to last, both included, in order and without
	// gaps, faster than as many calls of Get. It ends early with ErrGone, when the next one is not in the
	// stream, or with the error of each.
	Read(ctx context.Context, first, last uint64, each func(seq uint64, data []byte) error) error
	// Purge removes what is before a sequence.
	Purge(ctx context.Context, before uint64) error
	// LeadElsewhere has another server lead the stream, one that has all of it, if it is led by one of some
	// servers, given by their names; it tries once, and reports whether it did. Appends may have to wait
	// a moment. The errors are ErrForbidden, where the servers were set up for an older imapvigil, those
	// of Ends, and words of the servers.
	LeadElsewhere(ctx context.Context, than []string) (moved bool, err error)
	// Missing returns the names of the servers that are to keep the stream, and do not: the others do not hear
	// them, or they lack a part of it. The errors are ErrForbidden and those of Ends.
	Missing(ctx context.Context) (servers []string, err error)
	// Create makes the stream, with as many replicas as there are servers, 3 at most. Its first message
	// will have the sequence first, which is 1 or higher. It is an error if there is a stream already.
	Create(ctx context.Context, first uint64) error
}
