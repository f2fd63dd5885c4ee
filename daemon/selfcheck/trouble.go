package selfcheck

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

const (
	// lookEvery is how often it is asked whether something is wrong.
	lookEvery = 15 * time.Second
	// confirmAfter is how long a fault must last to be told. What could not be
	// judged is probed again within that time.
	confirmAfter = time.Minute
	// wellFor is how long all must be well to be told; a fault that nobody runs
	// into any more for holdFor is well, too.
	wellFor = 2 * time.Minute
	holdFor = 3 * time.Minute
)

// A trouble is a fault of this machine that came to light.
type trouble struct {
	finding     incident.Finding
	confirm     time.Duration // how long it must last to be told
	first, last time.Time     // it came to light
	well        time.Time     // since when it is not so any more; zero: it is
}

// isOver reports whether a trouble is to be forgotten: it was well for long enough, or
// nobody ran into it any more.
func (t trouble) isOver(now time.Time) bool {
	return now.Sub(t.last) >= holdFor || !t.well.IsZero() && now.Sub(t.well) >= wellFor
}

func (t trouble) hasLasted() bool { return t.last.Sub(t.first) >= t.confirm }

// noteTrouble notes that a fault came to light. s.mu is held.
func (s *Self) noteTrouble(what string, f incident.Finding, now time.Time) {
	t, known := s.troubles[what]
	if !known || t.isOver(now) {
		t.first, t.finding, t.confirm = now, f, confirmAfter // the words stay, so that the same is not told again
		if what == lagTrouble {
			t.confirm = lagConfirm
		}
	}
	t.last, t.well = now, time.Time{}
	s.troubles[what] = t
}

// noteTroubleOver notes that there is no such fault any more. s.mu is held.
func (s *Self) noteTroubleOver(what string) {
	if t, known := s.troubles[what]; known && t.well.IsZero() {
		t.well = time.Now()
		s.troubles[what] = t
	}
}

// noteFaults notes the faults of this machine that came to light in a probe.
func (s *Self) noteFaults(p verdict.Probe, suspicions []suspicion) {
	own, found := foundByProbe(p)
	if len(suspicions) == 0 && !found {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for i := range suspicions {
		switch suspected := &suspicions[i]; suspected.concluded {
		case ruledOut:
			suspected.link.noteDead(suspected.peers, now)
		case clockWrong:
			s.noteTrouble("clock", suspected.fault().Finding(), now)
		case linkDown:
			// One that is known to be dead proves nothing about the link.
			if len(suspected.peers) == 0 || suspected.link.lostTogether(suspected.peers) {
				// noteWorking ends this, and notes since when it works again.
				suspected.link.broken = true
				s.noteTrouble(suspected.link.name, suspected.fault().Finding(), now)
			}
		case notRuledOut, linkWasDown:
		}
	}
	if found && !s.alreadyExplained(now) {
		s.noteTrouble("probe", own, now)
	}
}

// alreadyExplained reports whether what a probe could not do is no news: the machine has
// just woken up, or it is known that it does not let the monitor run. s.mu is held.
func (s *Self) alreadyExplained(now time.Time) bool {
	if jumped := s.clock.jumped; !jumped.IsZero() && now.Sub(jumped) < settling {
		return true
	}
	lagging, known := s.troubles[lagTrouble]
	return known && !lagging.isOver(now)
}

// foundByProbe returns a fault of this machine that the probe itself came across. A
// family that is left out is one only where there is nothing else.
func foundByProbe(p verdict.Probe) (fault incident.Finding, found bool) {
	only := true
	for i := range p.Conversations {
		c := &p.Conversations[i]
		why, unknown := c.WhyUnknown()
		switch {
		case unknown && why.Cause == config.CauseLocalFault && !c.LeftOut:
			return why, true
		case !c.LeftOut:
			only = false
		case unknown:
			fault = why
		}
	}
	return fault, only && len(p.Conversations) > 0
}

// Run reports, until ctx ends, what is wrong with this machine, and (nil) that nothing is any more.
// It says each once; after the start nil waits until faults that were there before would have come
// to light again. It returns nil.
func (s *Self) Run(ctx context.Context, report func(context.Context, *incident.Finding)) error {
	turn, lagTurn := time.NewTicker(lookEvery), time.NewTicker(lagEvery)
	defer turn.Stop()
	defer lagTurn.Stop()
	last, settled := "", time.Now().Add(holdFor)
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return nil
		case now = <-lagTurn.C:
			if !s.measureLag() {
				continue
			}
		case now = <-turn.C:
		}
		f := s.sumUpTroubles(now)
		switch {
		case f != nil && f.Hint != last:
			last = f.Hint
			report(ctx, f)
		case f == nil && last != well && !now.Before(settled):
			last = well
			report(ctx, nil)
		}
	}
}

const well = "well"

// sumUpTroubles returns one finding of all faults that have lasted; nil: there are none.
func (s *Self) sumUpTroubles(now time.Time) *incident.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noticeClockJump(now)
	var f *incident.Finding
	var hints []string
	for _, what := range slices.Sorted(maps.Keys(s.troubles)) {
		t := s.troubles[what]
		switch {
		case t.isOver(now):
			// Everybody else asks isOver, so that an entry may stay until this look.
			delete(s.troubles, what)
			continue
		case !t.hasLasted():
			continue
		case f == nil:
			f = &incident.Finding{
				Condition: config.ConditionMonitor, Health: incident.Degraded, Phase: t.finding.Phase, Cause: t.finding.Cause,
			}
		}
		hints = append(hints, t.finding.Hint)
	}
	if f != nil {
		f.Hint = strings.Join(hints, " ")
	}
	return f
}
