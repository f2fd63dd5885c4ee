package bus

import (
	"errors"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often a link looks at the clock.
	lookEvery = 250 * time.Millisecond
	// longestGap is how late that may be. A process that was stopped, or whose machine was suspended, for longer
	// finds what was said meanwhile in the buffers of the kernel, and would take it for new.
	longestGap = 3 * time.Second
)

// errPaused is why a connection was ended after a pause.
var errPaused = errors.New("this process did not run for a while")

// A pulse is when a process was last seen to run.
type pulse struct{ last atomic.Pointer[time.Time] }

func (p *pulse) beat(now time.Time) { p.last.Store(&now) }

// missed reports whether the process did not run for a while before now. The clock of the wall
// counts, too: the other one stands still while a machine is suspended.
func (p *pulse) missed(now time.Time) bool {
	last := p.last.Load()
	return last != nil && (now.Sub(*last) > longestGap || now.Round(0).Sub(last.Round(0)) > longestGap)
}

// watchPauses ends the connection after a pause, so that nothing is heard late.
func (l *link) watchPauses() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.ended:
			return
		case <-ticker.C:
		}
		now := time.Now()
		if l.client.pulse.missed(now) {
			l.paused.Store(true)
			l.nats.Close()
			return
		}
		l.client.pulse.beat(now)
	}
}
