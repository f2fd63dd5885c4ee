package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// withoutLocation returns the result without what it says of condition location where the service
// fails: that is no longer a matter of the place.
func withoutLocation(r Result) Result {
	if r.Observed.Has(config.ConditionLocation) {
		service := observation{result: r, condition: config.ConditionService}
		if f, bad := service.worstFinding(); bad && f.Health != Unknown {
			r.Observed &^= config.ConditionSet(config.ConditionLocation)
		}
	}
	return r
}

// mergeLocation returns the end of an incident of condition location when the service fails in a way
// that is reported: people are told one thing of one failure. It ends when that failure began.
func mergeLocation(s State, events []Event, k Counts, now time.Time) []Event {
	in, known := s.Incident(config.ConditionLocation)
	if !known || !in.Live() || !k.failing.Has(config.ConditionService) {
		return nil
	}
	for _, e := range events {
		s = Apply(s, e)
	}
	if service, _ := s.Incident(config.ConditionService); service.Open() {
		return []Event{in.closingEvent(Merged, service.FailingSince, now)}
	}
	return nil
}
