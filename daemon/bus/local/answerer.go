package local

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// An answerer answers questions, each in a goroutine of its own.
type answerer struct {
	owner  *connection
	topic  bus.Topic
	answer func(context.Context, bus.Question) []byte
	ctx    context.Context // ends with it
	end    context.CancelFunc
	busy   sync.WaitGroup
}

func (a *answerer) node() string { return a.owner.node }

// Answer implements bus.Bus.
func (c *connection) Answer(to bus.Topic, answer func(context.Context, bus.Question) []byte) (stop func(), err error) {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.closed {
		return nil, bus.ErrClosed
	}
	a := &answerer{owner: c, topic: to, answer: answer}
	a.ctx, a.end = context.WithCancel(context.Background())
	n.answerers = append(n.answerers, a)
	return sync.OnceFunc(func() {
		if n.removeAnswerer(a) {
			a.stop()
		}
	}), nil
}

// removeAnswerer reports whether it was still there.
func (n *Network) removeAnswerer(a *answerer) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.answerers, a)
	if i < 0 {
		return false
	}
	n.answerers = slices.Delete(n.answerers, i, i+1)
	return true
}

// stop ends what is being answered and waits for it.
func (a *answerer) stop() {
	a.end()
	a.busy.Wait()
}

// ask has a question of another node answered. The network is locked.
func (a *answerer) ask(ctx context.Context, from *connection, question []byte, answers chan<- []byte) {
	n := a.owner.network
	latency := n.latency
	a.busy.Add(1)
	go func() {
		defer a.busy.Done()
		// It takes no values of whoever asks, who is another process in real life.
		own, cancel := context.WithCancel(a.ctx)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		if !pause(own, latency) {
			return
		}
		answer := slices.Clone(a.answer(own, bus.Question{From: from.node, Data: question}))
		if len(answer) > bus.MaxAnswer || !pause(own, latency) {
			return
		}
		n.mu.Lock()
		arrives := n.arrives(a.node(), from.node)
		n.mu.Unlock()
		if arrives {
			answers <- answer
		}
	}()
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
