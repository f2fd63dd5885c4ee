package history

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Why a time is unknown, in the words that people read.
const (
	whyNotProbed = "not probed yet"
	whyNoProbe   = "no probe"
	whyNotJudged = "the monitor could not judge"
	whyStopped   = "the monitor did not run"
	whyNoHistory = "the history was not begun"
	whyNotKept   = "the history could not be written"
)

// maxSteps bounds what is kept of gaps and configurations while nothing can be written:
// about 10 MB.
const maxSteps = 100_000

// An input is what has come in and is not written yet. The mutex of the Store guards it.
type input struct {
	checks map[config.CheckID]*watched // those that are probed
	steps  []step                      // in the order in which they are to be written
	// lostFrom is from when steps were dropped; 0: none was.
	lostFrom int64
	inForce  int // configurations among the steps
	version  int // counts the configurations
	dropped  uint64
	news     bool // something happened to an incident
	samples  samples
}

func newInput() input {
	return input{checks: map[config.CheckID]*watched{}}
}

// A step is something that changes the intervals: a gap in what is known of a check, or a
// configuration that came into force.
type step struct {
	check    config.CheckID
	from, to int64 // to is 0 while the gap goes on
	why      string
	// cfg came into force at from.
	cfg *config.Config
}

// A watched is a check that is probed, and until when what was seen of it holds.
type watched struct {
	id config.CheckID
	// limit is how long an observation vouches for the check, in milliseconds.
	limit int64
	until int64 // the end of what the last one vouches for
	// unknown is since when nothing is known; 0: it is known until until.
	unknown int64
	why     string
	written bool // that it is unknown

	addresses []*address
}

// vouches returns how long an observation of a check holds: until the next one, but no
// longer than two intervals and the time a probe may take.
func vouches(p *config.Probe) int64 { return (2*p.Interval + p.Timeout).Milliseconds() }

// Result takes the result of a probe. It copies what is kept of it, and returns at once.
func (s *Store) Result(r incident.Result) {
	at := r.Started.UnixMilli()
	s.mu.Lock()
	c := s.input.checks[r.Check]
	if c == nil {
		s.mu.Unlock()
		return // it left the files, or was paused, while it was probed
	}
	s.input.observe(r.Check, c, at, r.Observed == 0)
	full := s.input.addSample(c, &r, at)
	s.mu.Unlock()
	if full {
		s.nudge()
	}
}

// Events takes what happened to incidents. They are read from the tracker when they are
// written, so that none can be lost here; this only says that there is something to read.
func (s *Store) Events([]incident.Event) {
	s.mu.Lock()
	told := s.input.news
	s.input.news = true
	s.mu.Unlock()
	if !told {
		s.nudge()
	}
}

// observe notes that a check was probed, and the gap that this ends.
func (in *input) observe(id config.CheckID, c *watched, at int64, judgedNothing bool) {
	if c.unknown == 0 && at > c.until {
		c.setUnknown(c.until, whyNoProbe)
	}
	switch {
	case !judgedNothing:
		in.endGap(id, c, at)
		// Also where that is sooner than it was: the clock may have been set back.
		c.until = at + c.limit
	case c.unknown == 0:
		c.setUnknown(at, whyNotJudged)
	}
}

func (c *watched) setUnknown(from int64, why string) {
	c.unknown, c.why, c.written = from, why, false
}

// endGap ends the time in which nothing was known of a check, if it is in one.
func (in *input) endGap(id config.CheckID, c *watched, at int64) {
	if c.unknown == 0 {
		return
	}
	if at > c.unknown || c.written {
		// A gap that the clock has turned around is an empty one.
		in.add(step{check: id, from: c.unknown, to: max(at, c.unknown), why: c.why})
	}
	c.unknown, c.written = 0, false
}

// add keeps a step for the writer.
func (in *input) add(st step) {
	if len(in.steps) >= maxSteps && st.cfg == nil {
		in.dropped++
		if in.lostFrom == 0 || st.from < in.lostFrom {
			in.lostFrom = st.from
		}
		return
	}
	in.steps = append(in.steps, st)
}

// noteOverdue notes the checks that nothing vouches for any more, and those that are
// unknown and not known to the writer to be.
func (s *Store) noteOverdue(now int64) {
	s.eachWatched(func(id config.CheckID, c *watched) {
		if c.unknown == 0 && now > c.until {
			c.setUnknown(c.until, whyNoProbe)
		}
		if c.unknown != 0 && !c.written {
			s.input.add(step{check: id, from: c.unknown, why: c.why})
			c.written = true
		}
	})
}

// eachWatched calls f for each check that is probed, under the mutex. It lets others in
// between, and ends early when the configuration changes meanwhile.
func (s *Store) eachWatched(f func(id config.CheckID, c *watched)) {
	const slice = 1000 // about 50 us
	s.mu.Lock()
	defer s.mu.Unlock()
	n, version := 0, s.input.version
	for id, c := range s.input.checks {
		if n++; n%slice == 0 {
			s.mu.Unlock()
			s.mu.Lock()
			if s.input.version != version {
				return // these may be gone from the files
			}
		}
		f(id, c)
	}
}

// useAt takes the configuration that is in force from a time on.
func (s *Store) useAt(cfg *config.Config, now time.Time) {
	at := now.UnixMilli()
	// Only this function changes the map and the limits, and it is called by one
	// goroutine, so they are read here without the mutex.
	before := s.input.checks
	checks := make(map[config.CheckID]*watched, len(cfg.Checks))
	from := takenAlong(cfg, before)
	for id, c := range cfg.Checks {
		if !c.Enabled {
			continue
		}
		w := before[id]
		if w == nil {
			w = before[from[id]]
		}
		limit := vouches(&c.Probe)
		if w == nil {
			w = &watched{id: id, limit: limit, unknown: at, why: whyNotProbed}
		} else if w.limit != limit {
			s.mu.Lock()
			w.limit = limit
			s.mu.Unlock()
		}
		checks[id] = w
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := make(map[config.CheckID]bool, len(from))
	for to, id := range from {
		moved[id] = true
		checks[to].id = to
	}
	for id, w := range before {
		if checks[id] == nil && !moved[id] {
			if w.unknown == 0 && at > w.until {
				w.setUnknown(w.until, whyNoProbe)
			}
			s.input.endGap(id, w, at)
		}
	}
	s.input.checks = checks
	s.input.version++
	s.zone = cfg.PageZone()
	s.input.addConfiguration(cfg, at)
}

// takenAlong returns, by its new id, the old id of each check that a moved block renames.
func takenAlong(cfg *config.Config, before map[config.CheckID]*watched) map[config.CheckID]config.CheckID {
	from := map[config.CheckID]config.CheckID{}
	for _, m := range cfg.Moved {
		_, stays := cfg.Checks[m.From]
		to, exists := cfg.Checks[m.To]
		if before[m.From] != nil && !stays && exists && to.Enabled && before[m.To] == nil {
			from[m.To] = m.From
		}
	}
	return from
}

// maxConfigurations is how many configurations wait for the writer: with 100,000 checks each has
// 100 MB.
const maxConfigurations = 8

// addConfiguration keeps a configuration for the writer. If very many wait, the newest takes
// the place of the one before it.
func (in *input) addConfiguration(cfg *config.Config, at int64) {
	if in.inForce >= maxConfigurations {
		for i := len(in.steps) - 1; i >= 0; i-- {
			if in.steps[i].cfg != nil {
				in.steps[i].cfg = nil // an empty step, which nobody minds
				in.inForce--
				break
			}
		}
	}
	in.inForce++
	in.add(step{from: at, cfg: cfg})
}

// waitingSteps returns a copy of the steps that wait, and from when others were dropped.
func (s *Store) waitingSteps() (steps []step, lostFrom int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(steps, s.input.steps...), s.input.lostFrom
}

// forgetSteps drops the first steps, which are written.
func (s *Store) forgetSteps(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &s.input
	for _, st := range in.steps[:n] {
		if st.cfg != nil {
			in.inForce--
		}
	}
	in.steps = append([]step(nil), in.steps[n:]...) // a new list, so that a large one is given back
	in.lostFrom = 0
}

// forgetWritten notes that the file knows nothing of what goes on: it is a new one.
func (s *Store) forgetWritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.input.checks {
		c.written = false
		for _, a := range c.addresses {
			for _, shown := range a.certs {
				shown.written = 0
			}
		}
	}
}
