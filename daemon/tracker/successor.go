package tracker

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// GoesOnAs returns as which incident of a check it goes on by now what a node handed over to one of them, or that
// the check is well. It does not wait. The tracker must have been opened as a standby.
func (t *Tracker) GoesOnAs(check config.CheckID, as incident.ID) (now incident.ID, well bool) {
	p := t.pacer
	p.mu.Lock()
	defer p.mu.Unlock()
	if cfg, ok := p.cfg.Checks[check]; !ok || !cfg.Enabled {
		return as, false // nobody looks
	}
	for in := range p.live[check].Incidents() {
		switch {
		case !in.Live():
		case in.ID == as:
			return as, false
		case in.Condition == config.ConditionService, in.Condition == config.ConditionLocation:
			now = in.ID // the other one was merged with it, or it has failed again
		}
	}
	return now, now == ""
}

// describeSuccessor adds what has become of an incident that was handed over. A message that was held, as by a silence,
// may be sent when that is over which goes on.
func (t *Tracker) describeSuccessor(n *notifiers.Incident, in *incident.Incident) {
	if t.Successor == nil || in.ClosedAs != incident.HandedOver || in.HandedAs == "" && !in.HandedWell {
		return
	}
	now, well := t.Successor(in.Check, in.HandedAs)
	if n.HandedWell = well; !well {
		n.HandedAs = string(now)
	}
}
