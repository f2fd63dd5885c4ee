package local

import (
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A listener calls hear with one message after the other, in a goroutine of its own.
type listener struct {
	owner *connection
	topic bus.Topic
	hear  func(bus.Message)

	mu      sync.Mutex
	waiting []delivery
	arrived chan struct{} // has room for one: something waits
	stopped chan struct{}
	done    chan struct{}
}

// A delivery is a message and when it arrives.
type delivery struct {
	due     time.Time
	message bus.Message
}

func newListener(owner *connection, topic bus.Topic, hear func(bus.Message)) *listener {
	l := &listener{
		owner: owner, topic: topic, hear: hear,
		arrived: make(chan struct{}, 1), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	go l.run()
	return l
}

func (l *listener) queue(due time.Time, m bus.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < bus.MaxWaiting {
		l.waiting = append(l.waiting, delivery{due, m})
	}
	select {
	case l.arrived <- struct{}{}:
	default:
	}
}

func (l *listener) run() {
	defer close(l.done)
	for {
		select {
		case <-l.stopped:
			return
		case <-l.arrived:
		}
		for _, d := range l.take() {
			if !l.pause(time.Until(d.due)) {
				return
			}
			l.hear(d.message)
		}
	}
}

func (l *listener) take() []delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.waiting
	l.waiting = nil
	return taken
}

// pause waits, and reports whether the listener goes on.
func (l *listener) pause(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-l.stopped:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.stopped:
		return false
	case <-timer.C:
		return true
	}
}

// stop has the goroutine end, after which wait returns. It is called once.
func (l *listener) stop() { close(l.stopped) }

func (l *listener) wait() { <-l.done }
