package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// The headers of what is appended, and of what comes out of the stream.
const (
	idHeader       = "Nats-Msg-Id"
	afterHeader    = "Nats-Expected-Last-Sequence"
	streamHeader   = "Nats-Expected-Stream"
	sequenceHeader = "Nats-Sequence"
)

// The codes of the servers' errors that mean something to us.
const (
	codeNoPeers        = 10005 // too few servers, or not all have found each other
	codeNotAvailable   = 10008 // nobody leads
	codeNoMessage      = 10037
	codeNameInUse      = 10058
	codeNoStream       = 10059
	codeWrongLast      = 10071
	codeNotClustered   = 10074 // more than one replica, and a single server
	codeUnderWay       = 10158 // the same id is being appended
	codeWrongLastInRun = 10164 // as 10071, while others are being appended
)

const (
	// attemptTime is how long one attempt may take. A question to a server that has just died
	// has no other end while the connection to another server goes on.
	attemptTime = 2 * time.Second
	// betweenAttempts is how long to wait while the servers agree on who leads, which takes them 4 to 9
	// seconds.
	betweenAttempts = 100 * time.Millisecond
)

// errAgain means that nobody answered, or that who answered could not help now.
var errAgain = errors.New("the servers of the bus do not answer for the journal")

// errNoPeers means that the servers are too few, or have not found each other yet.
var errNoPeers = fmt.Errorf("%w: fewer than three have found each other and have room for it", errAgain)

// errUnheard means that no server knows a stream, and that this node may not ask whoever leads the
// servers. Since reading goes on while nobody leads, there is none, or it is new.
var errUnheard = fmt.Errorf("%w: none that this node reaches knows of it", errAgain)

// A journal is the stream as a client sees it.
type journal struct{ client *client }

// Stream implements Bus.
func (c *client) Stream() Stream { return journal{c} }

// A serverError is an error in an answer of the servers.
type serverError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

// A reply is any answer of the servers to a request for their interface.
type reply struct {
	Error *serverError `json:"error"`
	// Of an append.
	Seq uint64 `json:"seq"`
	// Of a question for the stream.
	State struct {
		Messages uint64 `json:"messages"`
		First    uint64 `json:"first_seq"`
		Last     uint64 `json:"last_seq"`
	} `json:"state"`
	Cluster leadership `json:"cluster"`
	// Of a question for a message.
	Message struct {
		Data []byte `json:"data"`
	} `json:"message"`
}

// failure says what an answer means.
func (r reply) failure() error {
	if r.Error == nil {
		return nil
	}
	switch r.Error.Code {
	case codeWrongLast, codeWrongLastInRun:
		return ErrReplaced
	case codeNoStream:
		return ErrNoStream
	case codeNoMessage:
		return ErrGone
	case codeNotAvailable, codeUnderWay:
		return errAgain
	case codeNoPeers:
		return errNoPeers
	}
	return fmt.Errorf("the servers of the bus say %q (error %d)", shorten(r.Error.Description), r.Error.Code)
}

func shorten(text string) string {
	const most = 200
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// patiently calls attempt until it returns something else than errAgain, or ctx ends.
func patiently(ctx context.Context, attempt func(context.Context) error) error {
	for unheard := 0; ; {
		err := limited(ctx, attempt)
		if errors.Is(err, errUnheard) {
			if unheard++; unheard == lookAgain {
				return fmt.Errorf("%w, or none of the servers that keep it can be reached", ErrNoStream)
			}
		}
		if !errors.Is(err, errAgain) {
			return err
		}
		timer := time.NewTimer(betweenAttempts)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// limited calls attempt and takes attemptTime without an answer for errAgain.
func limited(ctx context.Context, attempt func(context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := attempt(short)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return errAgain
	}
	return err
}

// call asks whoever leads once and reads the answer.
func (j journal) call(ctx context.Context, m *nats.Msg) (r reply, err error) {
	l, err := j.client.current()
	if err != nil {
		return reply{}, err
	}
	began := time.Now()
	defer func() { l.noteAnswer(began, err) }()
	var answer []byte
	err = l.request(ctx, m, func(m *nats.Msg) bool {
		answer = m.Data
		return true
	})
	if err != nil {
		return reply{}, err
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return reply{}, errors.New("the answer of the servers of the bus cannot be read")
	}
	return r, r.failure()
}

// function asks for one of the servers' functions.
func (j journal) function(ctx context.Context, name string, question any) (reply, error) {
	var data []byte
	if question != nil {
		var err error
		if data, err = json.Marshal(question); err != nil {
			return reply{}, err
		}
	}
	r, err := j.call(ctx, &nats.Msg{Subject: j.client.subjects.api(name), Data: data})
	if errors.Is(err, errNoResponders) {
		return r, errors.New("the bus keeps no streams: its servers run without JetStream")
	}
	return r, err
}

// meaningOfNoAnswer returns what it means that nobody answers for the stream: there is none, or nobody leads.
func (j journal) meaningOfNoAnswer(ctx context.Context) error {
	switch _, err := j.info(ctx); {
	case err == nil:
		return errAgain
	case errors.Is(err, ErrForbidden):
		return errUnheard
	default:
		return err
	}
}

// Append implements Stream. While nobody leads, or nobody answers, it appends the same again: the
// servers know the id.
func (j journal) Append(ctx context.Context, after uint64, id string, data []byte) (seq uint64, err error) {
	if len(data) > MaxMessage {
		return 0, ErrTooLarge
	}
	header := nats.Header{}
	header.Set(idHeader, id)
	header.Set(afterHeader, strconv.FormatUint(after, 10))
	header.Set(streamHeader, j.client.subjects.stream())
	data = append([]byte(nil), data...)
	err = patiently(ctx, func(ctx context.Context) error {
		r, err := j.call(ctx, &nats.Msg{Subject: j.client.subjects.of(Journal), Header: header, Data: data})
		switch {
		case errors.Is(err, errNoResponders):
			return j.meaningOfNoAnswer(ctx)
		case errors.Is(err, ErrReplaced):
			seq = after + 1
			return j.isOurs(ctx, seq, id)
		}
		seq = r.Seq
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// isOurs returns nil if the message with a sequence has an id, else ErrReplaced. Servers that
// replicate look at the id before they look at the sequence; a single one (2.15.2) looks at the
// sequence first, and so refuses what it has already appended.
func (j journal) isOurs(ctx context.Context, seq uint64, id string) error {
	e, err := j.direct(ctx, j.client.subjects.api(directGet), directQuestion{Seq: seq})
	if errors.Is(err, ErrGone) || err == nil && e.id != id {
		return ErrReplaced
	}
	return err
}

// info asks for the state of the stream.
func (j journal) info(ctx context.Context) (reply, error) { return j.askLeader(ctx, streamInfo, nil) }

// askLeader asks whoever leads. A node that is forbidden to is not allowed anything like it, and the
// servers log each attempt; so it tries once a connection.
func (j journal) askLeader(ctx context.Context, function string, question any) (reply, error) {
	l, err := j.client.current()
	if err != nil {
		return reply{}, err
	}
	if l.onlyReads.Load() {
		return reply{}, ErrForbidden
	}
	r, err := j.function(ctx, function, question)
	if errors.Is(err, ErrForbidden) {
		l.onlyReads.Store(true)
	}
	return r, err
}

// Ends implements Stream. A node that may not ask who leads is answered by any server, which may
// know the end a moment later than others.
func (j journal) Ends(ctx context.Context) (first, last uint64, err error) {
	err = patiently(ctx, func(ctx context.Context) error {
		r, err := j.info(ctx)
		if errors.Is(err, ErrForbidden) {
			first, last, err = j.endsOfAnyServer(ctx)
			return err
		}
		first, last = r.State.First, r.State.Last
		if r.State.Messages == 0 {
			first = last + 1
		}
		return err
	})
	return first, last, err
}

func (j journal) endsOfAnyServer(ctx context.Context) (first, last uint64, err error) {
	end, err := j.direct(ctx, j.client.subjects.lastOf(), nil)
	if errors.Is(err, ErrGone) {
		return 1, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	begin, err := j.direct(ctx, j.client.subjects.api(directGet),
		directQuestion{Seq: 1, Next: j.client.subjects.of(Journal)})
	return begin.seq, end.seq, err
}

// Purge implements Stream. The servers would take a sequence beyond the last one for the next.
func (j journal) Purge(ctx context.Context, before uint64) error {
	_, last, err := j.Ends(ctx)
	if err != nil {
		return err
	}
	before = min(before, last+1)
	return patiently(ctx, func(ctx context.Context) error {
		_, err := j.function(ctx, streamPurge, struct {
			Seq uint64 `json:"seq"`
		}{before})
		return err
	})
}
