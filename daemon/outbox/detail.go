package outbox

import (
	"fmt"

	"github.com/imapvigil/imapvigil/config"
)

// Detail returns the reason in plain words, as they stand after "not notified: ". They do not
// say until when.
func (h *Held) Detail() string {
	switch h.Reason {
	case HeldBySilence:
		return "silenced by silence " + h.Name
	case HeldByMaintenance:
		return "in maintenance " + h.Name
	case HeldByAcknowledgement:
		return "the incident is acknowledged, so it does not escalate"
	case HeldKnown:
		return "the node that decided before has sent it, and the incident is acknowledged"
	case HeldByTakingBack:
		return "the acknowledgement was taken back before this could be sent"
	case HeldByDependency:
		if h.over {
			return "it depends on " + refWords(h.Parent) + ", which was down or failing then"
		}
		return "it depends on " + refWords(h.Parent) + ", which is down or failing"
	case HeldBySchedule:
		return "outside schedule " + h.Name
	case HeldBySeverity:
		return "its notify block is for what is down only (severity)"
	case HeldByCondition:
		return "its notify block leaves this condition out (conditions)"
	case HeldByTransition:
		return "its notify block does not ask for this (on)"
	case HeldByLimit:
		return fmt.Sprintf("max_per_hour of %s is used up", h.NotifyID.Notifier)
	case HeldByNobody:
		if h.NotifyID.Notifier != "" {
			return fmt.Sprintf("there is no notifier %s", h.NotifyID.Notifier)
		}
		if h.gone {
			return "the check is gone from the files"
		}
		return "no notification role is notified of this check"
	case HeldForSiblings:
		return "other checks of the server are failing, too, and one message will name them all"
	case HeldToGather:
		return "gathering what else happens into one message"
	case HeldUntilAfter:
		if h.Until.IsZero() {
			return "it ended before this escalation was due"
		}
		return "its escalation is not due"
	case HeldUntilSeen:
		return "no probe has seen it fail since imapvigil started or stood still"
	case HeldUnconfirmed:
		if h.over {
			return "it did not last for fault_tolerance"
		}
		return "it has not lasted for fault_tolerance"
	case HeldRecovering:
		return "the last probe was good; sent if it fails again"
	case HeldInOrder:
		return "an older message about the same is being sent"
	case HeldUndelivered:
		return "the opening could not be delivered, so its end is not sent"
	case HeldUnannounced:
		return "its opening was not sent there, so its end is not sent either"
	case HeldEndedTooEarly:
		return "it had ended before this destination could be notified"
	}
	return string(h.Reason)
}

// refWords returns the name of a check or server as people write it.
func refWords(ref config.Ref) string {
	switch {
	case ref.Check != "":
		return "check " + string(ref.Check)
	case ref.Server != "":
		return "server " + string(ref.Server)
	}
	return "something"
}
