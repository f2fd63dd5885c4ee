package bus

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// MaxWaiting is how many messages wait for a listener that does not return; further ones are lost.
const MaxWaiting = 4096

// Publish implements Bus.
func (c *client) Publish(to Topic, data []byte) error {
	if len(data) > MaxMessage {
		return ErrTooLarge
	}
	l, err := c.current()
	if err != nil {
		return err
	}
	return l.trySend(&nats.Msg{Subject: c.subjects.of(to), Data: append([]byte(nil), data...)})
}

// A listener reads from a channel that all links fill, one after the other.
type listener struct {
	topic   Topic
	pulse   *pulse
	arrived chan *nats.Msg
	stopped chan struct{}
	once    sync.Once
}

func (c *client) newListener(topic Topic) *listener {
	return &listener{
		topic: topic, pulse: &c.pulse, arrived: make(chan *nats.Msg, MaxWaiting), stopped: make(chan struct{}),
	}
}

func (x *listener) stop() { x.once.Do(func() { close(x.stopped) }) }

// run calls hear until the listener is stopped.
func (x *listener) run(hear func(*nats.Msg)) {
	for {
		select {
		case <-x.stopped:
			return
		case m := <-x.arrived:
			// Of two cases that are ready any is taken.
			select {
			case <-x.stopped:
				return
			default:
			}
			if !x.pulse.missed(time.Now()) {
				hear(m)
			}
		}
	}
}

// drop empties the channel.
func (x *listener) drop() {
	for {
		select {
		case <-x.arrived:
		default:
			return
		}
	}
}

// Listen implements Bus.
func (c *client) Listen(to Topic, hear func(Message)) (stop func(), err error) {
	x := c.newListener(to)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	c.listeners[x] = true
	if c.link != nil {
		c.link.subscribe(x)
	}
	c.tasks.Go(func() { x.run(func(m *nats.Msg) { hear(c.message(m)) }) })
	return func() {
		x.stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, x)
		if c.link != nil {
			c.link.unsubscribe(x)
		}
	}, nil
}

func (c *client) message(m *nats.Msg) Message {
	heard := Message{Topic: Topic(strings.TrimPrefix(m.Subject, c.subjects.of(""))), Data: m.Data}
	if heard.Topic == Log {
		heard.Seq, _ = strconv.ParseUint(m.Header.Get(sequenceHeader), 10, 64)
	}
	return heard
}
