package incident

import "github.com/imapvigil/imapvigil/config"

// A CheckState says in one word how a check is, as `status` shows it. The words are an
// interface.
type CheckState string

// The states of a check.
const (
	CheckOK         CheckState = "ok"
	CheckFailing    CheckState = "failing" // not reported yet
	CheckDegraded   CheckState = "degraded"
	CheckDown       CheckState = "down"
	CheckRecovering CheckState = "recovering" // well again, for less than recovery_tolerance
	CheckUnknown    CheckState = "unknown"    // not probed yet, or the monitor could not judge

	CheckPaused      CheckState = "paused"      // the files say enabled = false
	CheckMaintenance CheckState = "maintenance" // planned work, whatever the probes find
)

// CheckStates lists all states of a check, those that need a person first.
func CheckStates() []CheckState {
	return []CheckState{
		CheckDown, CheckFailing, CheckDegraded, CheckRecovering, CheckUnknown, CheckOK, CheckMaintenance, CheckPaused,
	}
}

// ExitCode returns the exit code of the command status for a check in this state: 2 when
// it is down, 0 when it is well or out of service on purpose, else 1.
func (s CheckState) ExitCode() int {
	switch s {
	case CheckDown:
		return 2
	case CheckOK, CheckPaused, CheckMaintenance:
		return 0
	case CheckFailing, CheckDegraded, CheckRecovering, CheckUnknown:
	}
	return 1
}

// CheckState returns the state that a live incident gives its check.
func (in Incident) CheckState() CheckState {
	switch {
	// Before Unconfirmed: a failure that nobody was told of may be getting well already.
	case in.Recovering():
		return CheckRecovering
	case in.Unconfirmed:
		return CheckFailing
	case in.Severity == config.SeverityDown:
		return CheckDown
	}
	return CheckDegraded
}

// weight returns a number that orders the states which incidents can give their check: of
// several, the heaviest is the check's.
func (s CheckState) weight() int {
	switch s {
	case CheckDown:
		return 4
	case CheckFailing:
		return 3 // it may become anything
	case CheckDegraded:
		return 2
	case CheckRecovering:
		return 1
	case CheckOK, CheckUnknown, CheckPaused, CheckMaintenance:
	}
	return 0
}

// Gravest returns, of the incidents of a check, the live one that says how the check is;
// ok is false when none is live.
func Gravest(list []Incident) (gravest Incident, ok bool) {
	for _, in := range list {
		if in.Live() && (!ok || in.CheckState().weight() > gravest.CheckState().weight()) {
			gravest, ok = in, true
		}
	}
	return gravest, ok
}

// A Status says in one word how an incident is, as `incidents` shows it. The words are
// an interface.
type Status string

// The statuses of an incident.
const (
	StatusOpen         Status = "open"
	StatusAcknowledged Status = "acknowledged"
	StatusClosed       Status = "closed"
)

// Statuses lists the statuses of an incident, in the order of its life.
func Statuses() []Status { return []Status{StatusOpen, StatusAcknowledged, StatusClosed} }

// Status returns the word of `incidents --json` for the incident. One that reopens is
// closed until the new episode is reported.
func (in Incident) Status() Status {
	switch {
	case in.ClosedAs != "":
		return StatusClosed
	case in.Acknowledged():
		return StatusAcknowledged
	}
	return StatusOpen
}
