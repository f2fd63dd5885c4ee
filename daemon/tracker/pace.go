package tracker

import (
	"context"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A pacer knows how soon checks want to be probed again. It is read by those who probe, and has a lock
// of its own: a journal that several nodes share may take seconds for a round, and probes go on. A tracker
// that decides alone has none (nil): Observe answers, and the states would be in memory twice.
type pacer struct {
	mu   sync.Mutex
	cfg  *config.Config
	live map[config.CheckID]incident.State // of the checks of which a failure has not ended
	// failing is when the failures began that probes of this node see, by those who ask for the pace.
	failing map[config.CheckID]time.Time
}

func newPacer() *pacer {
	return &pacer{cfg: unconfigured, live: map[config.CheckID]incident.State{}, failing: map[config.CheckID]time.Time{}}
}

// stateChanged notes the state of a check.
func (p *pacer) stateChanged(id config.CheckID, s incident.State) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Live() {
		p.live[id] = s.WithCounts(incident.Counts{})
	} else {
		delete(p.live, id)
	}
}

// configure notes the configuration in force.
func (p *pacer) configure(cfg *config.Config) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg = cfg
	for id := range p.failing {
		if _, stays := cfg.Checks[id]; !stays {
			delete(p.failing, id)
		}
	}
}

// Pace returns how soon the next probe is wanted of a check that this node has just probed, while the
// incidents follow from what several nodes see: as they are, and as if what this node alone sees fail
// were failing. It decides nothing and does not wait. The tracker must have been opened as a standby.
func (t *Tracker) Pace(_ context.Context, r incident.Result) incident.Pace {
	p := t.pacer
	p.mu.Lock()
	defer p.mu.Unlock()
	cfg, ok := p.cfg.Checks[r.Check]
	if !ok || !cfg.Enabled {
		return incident.Pace{}
	}
	state := p.live[r.Check]
	streaks, events := incident.Observe(cfg.Policy, state, r)
	switch since, known := p.failing[r.Check]; {
	case r.Observed == 0:
	case streaks.Failing() == 0:
		delete(p.failing, r.Check)
	case !known || r.Started.Before(since): // a clock was set back
		p.failing[r.Check] = r.Started
	}
	for _, e := range events {
		if e.Kind == incident.Failing {
			// Else each probe would begin the failure anew, and the retry interval would never end.
			e.Since = p.failing[r.Check]
			state = incident.Apply(state, e)
		}
	}
	return incident.PaceOf(cfg.Policy, state, r.Ended)
}
