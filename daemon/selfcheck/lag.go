package selfcheck

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// lagTrouble is the trouble of a process that does not get to run.
	lagTrouble = "lag"
	// lagEvery is how often the lateness of the process is measured.
	lagEvery = 5 * time.Second
	// lagShare is the part of that time, one in so many, by which a process may be
	// late; it is the part of a timeout from which on a probe does not count.
	lagShare = 4
	// lagConfirm is how long a lag must last to be told, once it was measured twice
	// in a row.
	lagConfirm = 20 * time.Second
)

// A lag is how late the process was, as measured last.
type lag struct {
	at      time.Time
	late    time.Duration // all delays until then
	tooLate bool          // the process was
}

// measureLag looks at how late the process was since the last time, and reports
// whether that was too late.
func (s *Self) measureLag() bool {
	late := s.options.Clock().Late
	s.mu.Lock()
	defer s.mu.Unlock()
	now, last := time.Now(), s.lag
	passed, stood := now.Sub(last.at), late-last.late
	s.lag = lag{now, late, !last.at.IsZero() && stood >= passed/lagShare}
	switch {
	case !s.lag.tooLate:
		s.noteTroubleOver(lagTrouble)
		return false
	case !last.tooLate:
		return false // it may have stood still once, as in a snapshot of a virtual machine
	}
	const all = 100 // percent
	s.noteTrouble(lagTrouble, incident.Finding{
		Cause: config.CauseLocalFault,
		Hint: fmt.Sprintf("This machine is too busy: imapvigil could not run for %[2]d %% of the last %[1]s. Probes run late, "+
			"and timeouts that this may have caused are discarded. Look for a processor quota (CPUQuota=, cpu.max), for swapping, and for other busy programs.",
			passed.Round(time.Second), min(all, all*stood/passed)),
	}, now)
	return true
}
