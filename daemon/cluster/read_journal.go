package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A node that may not decide may ask the servers nothing, see package bus: it asks a node that may decide what
// is in the journal.

// An askedStream is the stream as a node sees it that reads it by asking others. It appends as any node does, and
// is refused.
type askedStream struct {
	bus.Stream
	node *Node
}

// A journalQuestion asks for the messages from First to Last, or, where First is 0, for the ends of the stream.
type journalQuestion struct {
	First uint64 `json:"first,omitempty"`
	Last  uint64 `json:"last,omitempty"`
}

// The answers begin with one of these.
const (
	toldEnds     = 'e' // the sequences of the first and the last message, as varints
	toldMessages = 'm' // messages in order from the first that was asked for, each with its length before it
	toldGone     = 'g' // the first that was asked for is not there
	toldNoStream = 'n' // there is no stream
	toldNothing  = 'x' // this node cannot read it now, or may not
)

const (
	// toldAtOnce is how many messages an answer has at most, and toldBytes after how many bytes it ends.
	toldAtOnce = 256
	toldBytes  = 4 << 20
	// tellTime is how long a node may take to answer before another one is asked, and toldTime after how long an
	// answer ends with what was read until then.
	tellTime = 5 * time.Second
	toldTime = 2 * time.Second
)

var (
	errNotTold = errors.New("no node that may decide says what is in the journal")
	errEnough  = errors.New("enough for one answer")
)

// Ends implements [bus.Stream].
func (s askedStream) Ends(ctx context.Context) (first, last uint64, err error) {
	answer, err := s.askNodes(ctx, journalQuestion{})
	switch {
	case errors.Is(err, errAskServers):
		return s.Stream.Ends(ctx)
	case err != nil:
		return 0, 0, err
	}
	return parseEnds(answer)
}

// Get implements [bus.Stream].
func (s askedStream) Get(ctx context.Context, seq uint64) (data []byte, err error) {
	err = s.Read(ctx, seq, seq, func(_ uint64, read []byte) error {
		data = read
		return nil
	})
	if errors.Is(err, errAskServers) {
		return s.Stream.Get(ctx, seq)
	}
	return data, err
}

// Read implements [bus.Stream].
func (s askedStream) Read(ctx context.Context, first, last uint64, each func(seq uint64, data []byte) error) error {
	for next := first; next <= last; {
		answer, err := s.askNodes(ctx, journalQuestion{First: next, Last: last})
		if errors.Is(err, errAskServers) {
			return s.Stream.Read(ctx, next, last, each)
		}
		if err != nil {
			return err
		}
		messages, err := parseMessages(answer)
		if err != nil {
			return err
		}
		for _, data := range messages[:min(uint64(len(messages)), last-next+1)] {
			if err := each(next, data); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

// errAskServers says that this node reads the stream itself: it may decide, or all others are of an
// earlier imapvigil, whose servers let it.
var errAskServers = errors.New("the servers are asked")

// askNodes asks one node after the other, until one knows.
func (s askedStream) askNodes(ctx context.Context, q journalQuestion) (answer []byte, err error) {
	n := s.node
	if n.mayDecideNow() {
		return nil, errAskServers
	}
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	question := append([]byte{askJournal}, text...)
	err, earlier := errNotTold, false
	for _, node := range n.tellers() {
		answer, asked := n.askWithin(ctx, tellTime, node, question)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case asked != nil:
			err = fmt.Errorf("%w: %w", errNotTold, asked)
		case len(answer) == 0: // an earlier imapvigil does not know the question
			earlier = true
		case answer[0] != toldNothing:
			return answer, nil
		}
	}
	if earlier {
		return nil, errAskServers
	}
	return nil, err
}

func (n *Node) askWithin(ctx context.Context, limit time.Duration, node config.NodeID, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return n.Bus.Ask(ctx, bus.Node(string(node)), question)
}

// tellers lists the nodes that can be asked, the one that decides last: it has most to do.
func (n *Node) tellers() (list []config.NodeID) {
	n.mu.Lock()
	decider := config.NodeID(n.decider(time.Now()))
	for _, node := range n.cfg.Cluster.SortedNodes() {
		if node.Decide && node.ID != n.Node && node.ID != decider && (decider == "" || isLive(n.members, node.ID)) {
			list = append(list, node.ID)
		}
	}
	n.mu.Unlock()
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if decider != "" {
		list = append(list, decider)
	}
	return list
}

// answerJournal says what is in the journal to a node of the cluster, to two at a time.
func (n *Node) answerJournal(ctx context.Context, from Asker, question []byte) []byte {
	q, err := parseJournalQuestion(question)
	if err != nil || from.Node == "" || !n.mayDecideNow() {
		return []byte{toldNothing}
	}
	select {
	case n.journaling <- struct{}{}:
		defer func() { <-n.journaling }()
	case <-ctx.Done():
		return nil
	}
	if q.First == 0 {
		first, last, err := n.Bus.Stream().Ends(ctx)
		if err != nil {
			return tellError(err)
		}
		return binary.AppendUvarint(binary.AppendUvarint([]byte{toldEnds}, first), last)
	}
	return n.tellMessages(ctx, q)
}

// tellMessages returns messages, as many as an answer has.
func (n *Node) tellMessages(ctx context.Context, q journalQuestion) []byte {
	answer, began := []byte{toldMessages}, time.Now()
	last := min(q.Last, q.First+toldAtOnce-1)
	err := n.Bus.Stream().Read(ctx, q.First, last, func(_ uint64, data []byte) error {
		answer = append(binary.AppendUvarint(answer, uint64(len(data))), data...)
		if len(answer) >= toldBytes || time.Since(began) >= toldTime {
			return errEnough
		}
		return nil
	})
	if len(answer) == 1 && err != nil {
		return tellError(err)
	}
	return answer
}

func tellError(err error) []byte {
	switch {
	case errors.Is(err, bus.ErrGone):
		return []byte{toldGone}
	case errors.Is(err, bus.ErrNoStream):
		return []byte{toldNoStream}
	}
	return []byte{toldNothing}
}

// parseJournalQuestion reads a question.
func parseJournalQuestion(data []byte) (q journalQuestion, err error) {
	if err := decode(data, &q); err != nil {
		return q, err
	}
	if q.First > q.Last || q.First+toldAtOnce < q.First {
		return q, errors.New("a question for messages that are none")
	}
	return q, nil
}

// contentOf returns the content of an answer, without its first byte, which must be kind; else the error that the
// answer stands for.
func contentOf(answer []byte, kind byte) ([]byte, error) {
	switch {
	case len(answer) == 0:
	case answer[0] == kind:
		return answer[1:], nil
	case answer[0] == toldGone:
		return nil, bus.ErrGone
	case answer[0] == toldNoStream:
		return nil, bus.ErrNoStream
	}
	return nil, errMisread
}

var errMisread = errors.New("what another node says of the journal cannot be read")

// parseEnds reads the ends of the stream.
func parseEnds(answer []byte) (first, last uint64, err error) {
	rest, err := contentOf(answer, toldEnds)
	if err != nil {
		return 0, 0, err
	}
	first, size := binary.Uvarint(rest)
	if size <= 0 {
		return 0, 0, errMisread
	}
	last, size = binary.Uvarint(rest[size:])
	if size <= 0 || first == 0 || first-1 > last {
		return 0, 0, errMisread
	}
	return first, last, nil
}

// parseMessages reads messages, one at least. They are parts of the answer, and cost no more memory.
func parseMessages(answer []byte) (messages [][]byte, err error) {
	rest, err := contentOf(answer, toldMessages)
	if err != nil {
		return nil, err
	}
	for len(rest) > 0 {
		length, size := binary.Uvarint(rest)
		if size <= 0 || length > uint64(len(rest)-size) || len(messages) == toldAtOnce {
			return nil, errMisread
		}
		messages = append(messages, rest[size:size+int(length):size+int(length)])
		rest = rest[size+int(length):]
	}
	if len(messages) == 0 {
		return nil, errMisread
	}
	return messages, nil
}
