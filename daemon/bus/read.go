package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// batchMessages and batchBytes are how much is read at once.
	batchMessages = 256
	batchBytes    = 8 << 20
	// lookAgain is how often a node that may not ask who leads looks for what a server does not know,
	// before it takes it for gone: it may be new.
	lookAgain = 10
)

// A directQuestion is what any server that has the stream answers.
type directQuestion struct {
	Seq   uint64 `json:"seq,omitempty"`
	Next  string `json:"next_by_subj,omitempty"`
	Batch int    `json:"batch,omitempty"`
	Bytes int    `json:"max_bytes,omitempty"`
}

// An entry is a message of the stream.
type entry struct {
	seq  uint64
	id   string
	data []byte
}

// direct asks any server for one message.
func (j journal) direct(ctx context.Context, subject string, question any) (e entry, err error) {
	entries, err := j.directAll(ctx, subject, question, func(*nats.Msg) bool { return true })
	if err != nil {
		return entry{}, err
	}
	return entries[0], nil
}

// directAll collects messages until last says that one is the last. It returns at least one, or
// an error. Of what arrives slowly it returns a beginning.
func (j journal) directAll(
	ctx context.Context, subject string, question any, last func(*nats.Msg) bool,
) ([]entry, error) {
	l, err := j.client.current()
	if err != nil {
		return nil, err
	}
	var data []byte
	if question != nil {
		if data, err = json.Marshal(question); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := collector{idle: time.AfterFunc(attemptTime, cancel), last: last}
	defer c.idle.Stop()
	err = l.request(ctx, &nats.Msg{Subject: subject, Data: data}, c.collect)
	entries, status := c.end()
	switch {
	case errors.Is(err, errNoResponders):
		return nil, j.meaningOfNoAnswer(ctx)
	case len(entries) > 0:
		return entries, nil
	case errors.Is(err, context.Canceled):
		return nil, errAgain
	case err != nil:
		return nil, err
	case status == "404", status == "204":
		return nil, ErrGone
	}
	return nil, fmt.Errorf("the servers of the bus do not understand a question for the journal: status %q",
		shorten(status))
}

// A collector keeps what arrives, until nothing more has arrived for a while.
type collector struct {
	idle *time.Timer
	last func(*nats.Msg) bool

	mu      sync.Mutex
	entries []entry
	status  string // of a message that is none of the stream, and ends what arrives
}

func (c *collector) collect(m *nats.Msg) (complete bool) {
	c.idle.Reset(attemptTime)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status = m.Header.Get("Status"); c.status != "" {
		return true
	}
	if seq, err := strconv.ParseUint(m.Header.Get(sequenceHeader), 10, 64); err == nil {
		c.entries = append(c.entries, entry{seq, m.Header.Get(idHeader), m.Data})
	}
	return c.last(m)
}

// end returns what was collected. What arrives later is not looked at.
func (c *collector) end() ([]entry, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[:len(c.entries):len(c.entries)], c.status
}

// Get implements Stream. What one server does not have may be too new for it: whoever leads
// knows.
func (j journal) Get(ctx context.Context, seq uint64) (data []byte, err error) {
	if seq == 0 {
		return nil, ErrGone
	}
	missed := 0
	err = patiently(ctx, func(ctx context.Context) error {
		e, err := j.direct(ctx, j.client.subjects.api(directGet), directQuestion{Seq: seq})
		if err == nil {
			data = e.data
		}
		if !errors.Is(err, ErrGone) {
			return err
		}
		data, err = j.getFromLeader(ctx, seq)
		if missed++; errors.Is(err, ErrForbidden) && missed < lookAgain {
			return errAgain
		}
		if errors.Is(err, ErrForbidden) {
			return ErrGone
		}
		return err
	})
	return data, err
}

func (j journal) getFromLeader(ctx context.Context, seq uint64) ([]byte, error) {
	r, err := j.askLeader(ctx, streamGet, directQuestion{Seq: seq})
	return r.Message.Data, err
}

// Read implements Stream.
func (j journal) Read(ctx context.Context, first, last uint64, each func(seq uint64, data []byte) error) error {
	for next := first; next <= last; {
		entries, err := j.batch(ctx, next, last)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.seq != next {
				break // it is missing here; the next batch begins with it
			}
			if err := each(e.seq, e.data); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

// batch returns messages of which the first is that with the sequence next.
func (j journal) batch(ctx context.Context, next, last uint64) (entries []entry, err error) {
	question := directQuestion{Seq: next, Batch: int(min(last-next+1, batchMessages)), Bytes: batchBytes}
	entries, err = j.directAll(ctx, j.client.subjects.api(directGet), question, func(*nats.Msg) bool { return false })
	if err == nil && entries[0].seq == next {
		return entries, nil
	}
	if err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, errAgain) {
		return nil, err
	}
	data, err := j.Get(ctx, next)
	return []entry{{seq: next, data: data}}, err
}
