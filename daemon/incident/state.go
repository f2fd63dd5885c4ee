package incident

import (
	"crypto/sha256"
	"encoding/base32"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// An ID names an incident: 10 characters that can be read out on the phone.
type ID string

// newID returns the same ID for the same failure, whoever computes it.
func newID(check config.CheckID, c config.Condition, start time.Time) ID {
	return hashedID(string(check) + "\x00" + string(c) + "\x00" + start.UTC().Format(time.RFC3339Nano))
}

func hashedID(of string) ID {
	sum := sha256.Sum256([]byte(of))
	// Crockford's base32 leaves out I, L, O and U. 10 characters are 50 bits.
	return ID(strings.ToLower(base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(sum[:])[:10]))
}

// Salted returns another ID in the place of one, the same for the same salt. Two nodes that decide
// about one failure apart from each other name two incidents by it.
func (id ID) Salted(salt string) ID { return hashedID(string(id) + "\x00" + salt) }

// IsSalted reports whether an incident has another ID than that by which each machine names the same failure.
func (in Incident) IsSalted() bool { return in.ID != newID(in.Check, in.Condition, in.StartedAt) }

// ClosedAs says how an incident ended.
type ClosedAs string

// The endings.
const (
	Recovered ClosedAs = "recovered"
	Removed   ClosedAs = "removed"
	Paused    ClosedAs = "paused"
	Altered   ClosedAs = "changed" // the check was pointed elsewhere meanwhile
	// HandedOver: of several nodes another one decides again; see [HandOver].
	HandedOver ClosedAs = "handed over"
	// Merged: of condition location. Enough nodes see the service fail by now, which is an incident of
	// its own.
	Merged ClosedAs = "merged"
)

// Endings lists how incidents can end.
func Endings() []ClosedAs { return []ClosedAs{Recovered, Removed, Paused, Altered, HandedOver, Merged} }

// An Incident is one condition of one check, from its first failed observation
// on. It is a value, changed by [Apply] alone.
type Incident struct {
	ID        ID               `json:"id"`
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
	Severity  config.Severity  `json:"severity"`
	Finding   Finding          `json:"finding"` // what is told of it
	Target    string           `json:"target"`  // host:port that was probed
	// ReportedFinding is what its opening said, or the worst since: what stays of it
	// when it is closed, whatever was seen while it was being repaired. Zero before
	// it is reported, and in older journals.
	ReportedFinding Finding `json:"reported_finding,omitzero"`

	StartedAt    time.Time `json:"started_at"`           // when the first failed probe began
	FailingSince time.Time `json:"failing_since"`        // the same, of the current episode
	WellSince    time.Time `json:"well_since,omitzero"`  // first good probe of a recovery
	ReportedAt   time.Time `json:"reported_at,omitzero"` // when an episode was last reported
	WorsenedAt   time.Time `json:"worsened_at,omitzero"` // when it last got worse
	EndedAt      time.Time `json:"ended_at,omitzero"`    // its end: the first good observation
	ClosedAt     time.Time `json:"closed_at,omitzero"`   // when its end was certain
	OrphanedAt   time.Time `json:"orphaned_at,omitzero"` // when its check left the files
	AckedAt      time.Time `json:"acked_at,omitzero"`    // when a person acknowledged it
	AckedUntil   time.Time `json:"acked_until,omitzero"` // zero: until it ends
	AckReason    string    `json:"ack_reason,omitempty"`
	AckedBy      string    `json:"acked_by,omitempty"`    // empty in older journals
	ClosedAs     ClosedAs  `json:"closed_as,omitempty"`   // empty: it has not ended
	HandedTo     string    `json:"handed_to,omitempty"`   // the node to which it was handed over
	HandedAs     ID        `json:"handed_as,omitempty"`   // the incident as which it goes on there
	HandedWell   bool      `json:"handed_well,omitempty"` // that node sees the check well
	// Unconfirmed: the current episode is not reported yet; what is closed stays as it
	// was closed until it is.
	Unconfirmed bool `json:"pending,omitempty"`
	Reported    int  `json:"reported,omitempty"` // episodes that were reported; 0: never
	Worsened    int  `json:"worsened,omitempty"` // how often it got worse since it was first reported
}

// Open reports whether the incident is reported and has not ended.
func (in Incident) Open() bool { return in.ClosedAs == "" && !in.Unconfirmed }

// Acknowledged reports whether a person works on the incident.
func (in Incident) Acknowledged() bool { return !in.AckedAt.IsZero() }

// Recovering reports whether the last observation was good, and the end is not
// certain yet.
func (in Incident) Recovering() bool { return in.Live() && in.recovering() }

// Unreported reports whether nobody has been, or will be, told of it so far: a
// failure that does not last long enough is recorded as such an incident.
func (in Incident) Unreported() bool { return in.Reported == 0 }

// HandedOn reports whether the incident is over since what it was about goes on as another one.
func (in Incident) HandedOn() bool { return in.ClosedAs.HandedOn() }

// HandedOn reports whether an incident that ended so goes on as another one.
func (c ClosedAs) HandedOn() bool { return c == HandedOver || c == Merged }

// Live reports whether the failure has not ended, reported or not.
func (in Incident) Live() bool { return in.ClosedAs == "" || in.Unconfirmed }

// ClosesAt returns when the incident is closed if every probe until then is good; zero: it
// is not recovering.
func (in Incident) ClosesAt(p config.Policy) time.Time {
	if !in.Recovering() {
		return time.Time{}
	}
	return in.WellSince.Add(in.recoveryTolerance(p))
}

// ReportedFrom returns when a failure that is not confirmed is reported if every probe
// until then fails, too; zero: it is reported, or recovering.
func (in Incident) ReportedFrom(p config.Policy) time.Time {
	if !in.Live() || !in.Unconfirmed || in.recovering() {
		return time.Time{}
	}
	return in.FailingSince.Add(in.faultTolerance(p))
}

func (in Incident) recovering() bool { return !in.WellSince.IsZero() }

// maxRecovery bounds the recovery tolerance of an incident that flaps.
const maxRecovery = 30 * time.Minute

// faultTolerance returns how long a failure must last before it is reported. An
// intermittent one has lasted for half an hour by the time that it is found.
func (in Incident) faultTolerance(p config.Policy) time.Duration {
	if in.Condition == config.ConditionIntermittent {
		return 0
	}
	return p.FaultTolerance
}

// recoveryTolerance returns how long the condition must be well before the incident is
// closed. It doubles with every episode, up to maxRecovery.
func (in Incident) recoveryTolerance(p config.Policy) time.Duration {
	tolerance := p.RecoveryTolerance
	// Doubled step by step: 2 to the power of many episodes would overflow.
	for n := 1; n < in.episode() && tolerance < maxRecovery; n++ {
		tolerance = min(2*tolerance, maxRecovery)
	}
	return tolerance
}

// episode returns the number of the current or last episode, from 1.
func (in Incident) episode() int {
	if in.Unconfirmed {
		return in.Reported + 1
	}
	return max(1, in.Reported)
}

// State is what is true of one check: at most one incident a condition, which
// is the current one or the last that may be reopened. The zero State is a
// check of which nothing bad is known. States are values: Apply returns a new
// one and leaves the old as it was.
type State struct {
	incidents []Incident
	counts    Counts // volatile: gathered afresh after a restart
}

// A consecutive holds how many observations of a condition were equal, in a row.
type consecutive struct {
	condition    config.Condition
	failed, good int
	other        config.Cause // differs from the incident's
	otherSeen    int          // how often in a row
}

// Incidents yields what the state holds, closed ones included.
func (s State) Incidents() iter.Seq[Incident] { return slices.Values(s.incidents) }

// List returns what Incidents yields. The list is shared: nobody may change it.
func (s State) List() []Incident { return s.incidents }

// Incident returns the current or last incident of a condition.
func (s State) Incident(c config.Condition) (Incident, bool) {
	for _, in := range s.incidents {
		if in.Condition == c {
			return in, true
		}
	}
	return Incident{}, false
}

// Live reports whether any failure of the check has not ended.
func (s State) Live() bool { return slices.ContainsFunc(s.incidents, Incident.Live) }

// consecutive returns the count of a condition.
func (s State) consecutive(c config.Condition) consecutive {
	for _, k := range s.counts.list {
		if k.condition == c {
			return k
		}
	}
	return consecutive{condition: c}
}

// InheritingCounts returns s with the counts that the check had under another id, where
// it has none of its own.
func (s State) InheritingCounts(from State) State {
	if s.counts.history.last == 0 {
		s.counts.history = from.counts.history
	}
	own := s.counts.list
	for _, k := range from.counts.list {
		if s.consecutive(k.condition) == (consecutive{condition: k.condition}) {
			// Capped, so that the list of another State is not written into.
			own = append(own[:len(own):len(own)], k)
		}
	}
	s.counts.list = own
	return s
}

// Without returns s without the incident of a condition, which has moved.
func (s State) Without(c config.Condition) State {
	s.incidents = slices.DeleteFunc(slices.Clone(s.incidents), func(in Incident) bool { return in.Condition == c })
	return s
}

// withIncident returns a copy in which the incident of a condition is added or replaced.
func (s State) withIncident(in Incident) State {
	// Other values of State, such as those in a snapshot, share the list.
	list := slices.Clone(s.incidents)
	if i := slices.IndexFunc(list, func(o Incident) bool { return o.Condition == in.Condition }); i >= 0 {
		list[i] = in
	} else {
		list = append(list, in)
	}
	s.incidents = list
	return s
}
