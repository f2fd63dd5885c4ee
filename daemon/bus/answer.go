package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// The headers of questions and answers. An answer that is longer than a message goes over in
// parts, which all carry the name of the answer, their number from 1 on, and how many there are.
const (
	withinHeader = "Imapvigil-Within" // how long whoever asks will wait, as Go writes durations
	answerHeader = "Imapvigil-Answer"
	partHeader   = "Imapvigil-Part"
	partsHeader  = "Imapvigil-Parts"
)

// longestAnswering is how long answering may take where whoever asks does not say it.
const longestAnswering = time.Minute

// Ask implements Bus.
func (c *client) Ask(ctx context.Context, to Topic, question []byte) ([]byte, error) {
	if len(question) > MaxMessage {
		return nil, ErrTooLarge
	}
	for range askTimes {
		p, err := c.askOnce(ctx, to, question)
		if errors.Is(err, errNoResponders) {
			return nil, ErrNobody
		}
		if err != nil {
			return nil, err
		}
		if p.word == "" {
			return p.whole, nil
		}
		c.words.keepWord(to, p.word)
	}
	return nil, errNotBelieved
}

var errNotBelieved = errors.New("the node that was asked does not believe who asks")

// askOnce asks, with the word that this node was told under a topic.
func (c *client) askOnce(ctx context.Context, to Topic, question []byte) (*parts, error) {
	l, err := c.current()
	if err != nil {
		return nil, err
	}
	m := &nats.Msg{Subject: c.subjects.of(to), Data: append([]byte(nil), question...), Header: nats.Header{}}
	m.Header.Set(fromHeader, c.options.Node)
	m.Header[wordHeader] = c.words.wordsUnder(to)
	if deadline, ok := ctx.Deadline(); ok {
		m.Header.Set(withinHeader, time.Until(deadline).String())
	}
	p := &parts{}
	if err := l.request(ctx, m, p.collect); err != nil {
		return nil, err // and collect may still be running
	}
	return p, nil
}

const mostParts = MaxAnswer / MaxMessage

// parts puts an answer together. Parts of several answers may arrive in any order.
type parts struct {
	whole   []byte
	word    string // instead of an answer: the question has to be asked with it
	answers map[string]map[int][]byte
	size    int
}

// collect reports whether one answer is complete.
func (p *parts) collect(m *nats.Msg) bool {
	if p.word = m.Header.Get(wordHeader); p.word != "" {
		return true
	}
	count, err := strconv.Atoi(m.Header.Get(partsHeader))
	if err != nil {
		p.whole = m.Data
		return true
	}
	number, err := strconv.Atoi(m.Header.Get(partHeader))
	// What another node sends is never taken on trust.
	p.size += len(m.Data) + 256
	if err != nil || number < 1 || number > count || count > mostParts || p.size > 2*MaxAnswer {
		return false
	}
	if p.answers == nil {
		p.answers = map[string]map[int][]byte{}
	}
	name := m.Header.Get(answerHeader)
	if p.answers[name] == nil {
		p.answers[name] = map[int][]byte{}
	}
	answer := p.answers[name]
	answer[number] = m.Data
	if len(answer) < count {
		return false
	}
	for i := range count {
		p.whole = append(p.whole, answer[i+1]...)
	}
	return true
}

// split makes messages of an answer.
func split(reply string, answer []byte) []*nats.Msg {
	if len(answer) <= MaxMessage {
		return []*nats.Msg{{Subject: reply, Data: answer}}
	}
	var messages []*nats.Msg
	name, count := rand.Text(), (len(answer)+MaxMessage-1)/MaxMessage
	for i := range count {
		h := nats.Header{}
		h.Set(answerHeader, name)
		h.Set(partHeader, strconv.Itoa(i+1))
		h.Set(partsHeader, strconv.Itoa(count))
		part := answer[i*MaxMessage : min((i+1)*MaxMessage, len(answer))]
		messages = append(messages, &nats.Msg{Subject: reply, Header: h, Data: part})
	}
	return messages
}

// An answerer answers questions, each in a goroutine of its own.
type answerer struct {
	*listener
	client *client
	answer func(context.Context, Question) []byte
	ctx    context.Context
	end    context.CancelFunc
	words  *wordGiver
	askers askers
	busy   sync.WaitGroup
}

func (a *answerer) stop() {
	a.end()
	a.listener.stop()
}

// Answer implements Bus.
func (c *client) Answer(to Topic, answer func(context.Context, Question) []byte) (stop func(), err error) {
	a := &answerer{listener: c.newListener(to), client: c, answer: answer, words: newWordGiver(to)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	a.ctx, a.end = context.WithCancel(c.ctx)
	c.answerers[a] = true
	if c.link != nil {
		c.link.subscribe(a.listener)
	}
	done := make(chan struct{})
	c.tasks.Go(func() {
		defer close(done)
		a.run(a.take)
		a.busy.Wait()
	})
	return func() {
		a.stop()
		c.mu.Lock()
		delete(c.answerers, a)
		if c.link != nil {
			c.link.unsubscribe(a.listener)
		}
		c.mu.Unlock()
		<-done
	}, nil
}

// take answers a question in a goroutine of its own, unless there are too many. Whoever asks says where
// the answer goes, and the servers do not look whether he may publish there: the journal is no inbox.
func (a *answerer) take(m *nats.Msg) {
	from, tell, ok := a.words.identify(a.client.subjects, m)
	if tell != nil {
		if l, err := a.client.current(); err == nil {
			_ = l.trySend(tell) // whoever asks does so again
		}
	}
	if !ok {
		return
	}
	who := a.askers.admitQuestion(from)
	if who == nil {
		return
	}
	a.busy.Go(func() {
		defer a.askers.freeRoomOf(from)
		ctx, cancel := context.WithTimeout(a.ctx, answeringTime(m))
		defer cancel()
		who.runInTurn(ctx, func() { a.reply(ctx, m.Reply, a.answer(ctx, Question{from, m.Data})) })
	})
}

// answeringTime returns how long whoever asks will wait.
func answeringTime(m *nats.Msg) time.Duration {
	within, err := time.ParseDuration(m.Header.Get(withinHeader))
	if err != nil || within > longestAnswering {
		return longestAnswering
	}
	return within
}

func (a *answerer) reply(ctx context.Context, to string, answer []byte) {
	if len(answer) > MaxAnswer {
		a.client.options.Log("an answer was not sent", fmt.Errorf("%d bytes: %w", len(answer), ErrTooLarge))
		return
	}
	for _, m := range split(to, answer) {
		l, err := a.client.current()
		if err != nil {
			return
		}
		if err := l.send(ctx, m); err != nil {
			return
		}
	}
}
