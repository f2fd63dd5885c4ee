package probe

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// What one conversation may cost.
const (
	maxConversation = 256 << 10 // bytes read from the network
	maxLine         = 8 << 10   // bytes of one line; RFC 2683 section 3.2.1.5 asks servers to keep to 8,000
	headSize        = 512       // first bytes kept, to name what answers on a port
)

var (
	errTooMuchData = errors.New("the server sent more than a conversation needs")
	errLineTooLong = errors.New("the server sent a line without an end")
)

// A fence is the bare connection with limits that nothing above it can lift: an
// absolute deadline and a budget of bytes. Neither crypto/tls nor go-imap has
// either (go-imap overwrites the deadlines of its connection as it reads).
type fence struct {
	net.Conn

	deadline time.Time
	got      atomic.Int64
	head     []byte // the first bytes as they came, encrypted or not
	headDone bool
	clear    int64 // bytes that came before STARTTLS took effect
}

func newFence(conn net.Conn, deadline time.Time) *fence {
	// go-imap has no time limit for a command: a server that was silent after LOGIN kept it for
	// more than 70 s (v2.0.0-beta.8).
	_ = conn.SetDeadline(deadline)
	return &fence{Conn: conn, deadline: deadline}
}

func (f *fence) Read(p []byte) (int, error) {
	// Without the budget a literal of 100 MB cost 317 MB of heap in go-imap (v2.0.0-beta.8).
	left := maxConversation - f.got.Load()
	if left <= 0 {
		return 0, errTooMuchData
	}
	n, err := f.Conn.Read(p[:min(int64(len(p)), left)])
	f.got.Add(int64(n))
	if !f.headDone {
		f.keepHead(p[:n])
	}
	return n, err
}

func (f *fence) keepHead(p []byte) {
	f.head = append(f.head, p[:min(len(p), headSize-len(f.head))]...)
	f.headDone = len(f.head) >= headSize
}

// shortenDeadline moves the deadline forward to at most d from now; it never moves it
// back.
func (f *fence) shortenDeadline(d time.Duration) {
	if t := time.Now().Add(d); t.Before(f.deadline) {
		f.deadline = t
		_ = f.Conn.SetDeadline(t)
	}
}

// markUpgrade notes that TLS begins here.
func (f *fence) markUpgrade() {
	// The head begins again: it has to show what comes in place of TLS.
	f.clear, f.head, f.headDone = f.bytesReceived(), nil, false
}

// bytesReceived returns how many bytes came from the network.
func (f *fence) bytesReceived() int64 { return f.got.Load() }

// SetDeadline does nothing: the deadline of a conversation is absolute.
func (f *fence) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, as SetDeadline.
func (f *fence) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, as SetDeadline.
func (f *fence) SetWriteDeadline(time.Time) error { return nil }
