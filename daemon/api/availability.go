package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Availability is what was so in a period, of all checks that were asked about. The keys are an
// interface. Ratios are from 0 to 1, and null where there is no data.
type Availability struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"` // not part of it; of a period that goes on: now
	Timezone string    `json:"timezone"`
	// Period is how people write the period; Until is its end if that is still to come.
	Period string     `json:"period"`
	Until  *time.Time `json:"until"`
	// CompleteSince is since when the history says all there is; before that everything is unknown.
	CompleteSince *time.Time          `json:"complete_since"`
	Checks        []CheckAvailability `json:"checks"`
	Groups        []GroupAvailability `json:"groups"`
	// Total is all checks together, as a group without an id.
	Total       GroupAvailability `json:"total"`
	Corrections []Correction      `json:"corrections"`
	// Nodes are those whose histories these figures are made of; missing: one machine watches on its own.
	Nodes []NodePast `json:"nodes,omitempty"`
}

// Ratios are the figures of some seconds.
type Ratios struct {
	Availability *float64 `json:"availability"`
	Coverage     *float64 `json:"coverage"`
	Floor        *float64 `json:"floor"`
	Ceiling      *float64 `json:"ceiling"`
	Strict       *float64 `json:"strict"`
}

// CheckAvailability is one check in a period.
type CheckAvailability struct {
	ID    config.CheckID `json:"id"`
	Label string         `json:"label"`
	// PublicName is what people outside call it.
	PublicName string          `json:"public_name"`
	Server     config.ServerID `json:"server"`
	Groups     []string        `json:"groups"`
	Seconds    StateSeconds    `json:"seconds"`
	Ratios
	// Before is the availability in the period before.
	Before *float64 `json:"before"`
	SLO    *SLO     `json:"slo"` // null: nothing is promised
	// Incidents counts those that were reported and went on in the period.
	Incidents      int     `json:"incidents"`
	LongestOutageS float64 `json:"longest_outage_s"`
	Steps
	LatencyMS *Latency `json:"latency_ms"` // null: nothing was measured
	// Days are those, of a report, that were not OK all the time.
	Days []Day `json:"days,omitempty"`
}

// Day is one day of a check, or of the checks of a group, in the zone of the report.
type Day struct {
	Day     string       `json:"day"` // "2026-10-14"
	Seconds StateSeconds `json:"seconds"`
}

// StateSeconds are the seconds in each state; their sum is the period. OK has none that are
// degraded.
type StateSeconds struct {
	Absent      float64 `json:"absent"` // paused, too
	Maintenance float64 `json:"maintenance"`
	Unknown     float64 `json:"unknown"`
	Down        float64 `json:"down"`
	Degraded    float64 `json:"degraded"`
	OK          float64 `json:"ok"`
}

// Steps say how long the steps of incidents of the service took, in seconds.
type Steps struct {
	Notice      Spread `json:"notice_s"`      // from the start of the failure until it was reported
	Told        Spread `json:"told_s"`        // from then until the first message was sent
	Acknowledge Spread `json:"acknowledge_s"` // from the report until somebody acknowledged it
	Repair      Spread `json:"repair_s"`      // from the start until the end
}

// Spread is the middle and the worst of Count durations; null: there are none.
type Spread struct {
	Median *float64 `json:"median"`
	Worst  *float64 `json:"worst"`
	Count  int      `json:"count"`
}

// Latency is how long the good conversations of a period took.
type Latency struct {
	Total Quantiles `json:"total"` // from looking up the name to LOGOUT
}

// Quantiles are so many milliseconds that a part of the probes took no longer. They are exact to
// three per cent.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// SLO is what became of the availability that is promised for a check.
type SLO struct {
	Objective   float64              `json:"objective"`
	Verdict     availability.Verdict `json:"verdict"`
	BudgetS     float64              `json:"budget_s"`
	BudgetLeftS float64              `json:"budget_left_s"` // less than 0: overdrawn
	// Burn is how many times faster than allowed the budget was used in the last hours of the
	// period.
	Burn Burn `json:"burn"`
	// GoneAt is when the budget is used up if the service goes on to fail as in the last three
	// days; null: not within a year, or it is gone, or the period is over.
	GoneAt *time.Time `json:"gone_at"`
}

// Burn has the three times that are looked at.
type Burn struct {
	Hour      *float64 `json:"1h"`
	SixHours  *float64 `json:"6h"`
	ThreeDays *float64 `json:"3d"`
}

// GroupAvailability is the checks of a group, with all groups below it.
type GroupAvailability struct {
	ID     config.GroupID `json:"id"`
	Label  string         `json:"label"`
	Checks int            `json:"checks"`
	Ratios
	Before   *float64 `json:"before"`
	AnyDownS float64  `json:"any_down_s"` // at least one check was down
	AllDownS float64  `json:"all_down_s"` // all that counted were down
	Promises Promises `json:"promises"`
	Steps
	// Days are those, of a report, that were not OK all the time: the sums of all checks.
	Days []Day `json:"days,omitempty"`
}

// Promises count the checks of a group for which an availability is promised, by what became
// of it.
type Promises struct {
	Kept      int `json:"kept"`
	Missed    int `json:"missed"`
	NotProven int `json:"not_proven"`
	// Objective is what all of them are promised; null: nothing, or not the same.
	Objective *float64 `json:"objective"`
}

// Count returns for how many checks something is promised.
func (p Promises) Count() int { return p.Kept + p.Missed + p.NotProven }

// Correction is a period that counts as something else than what was seen.
type Correction struct {
	Name      string         `json:"name"`
	AppliesTo []string       `json:"applies_to"`
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	CountAs   config.CountAs `json:"count_as"`
	Reason    string         `json:"reason"`
	// Before and After are the availability, without it and with it, of the checks that it
	// applies to.
	Before *float64 `json:"before"`
	After  *float64 `json:"after"`
	Checks int      `json:"checks"`
}

// PeriodReport is Availability with what happened.
type PeriodReport struct {
	Availability
	MadeAt       time.Time           `json:"made_at"`
	Title        string              `json:"title"` // of the page
	Group        config.GroupID      `json:"group"` // what was asked about; empty: everything
	Outages      []Outage            `json:"outages"`
	Incidents    []ReportIncident    `json:"incidents"`
	Certificates []ReportCertificate `json:"certificates"`
}

// Outage is a time in which one check was down.
type Outage struct {
	Check    config.CheckID `json:"check"`
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"` // of one that goes on: the end of the period
	Ongoing  bool           `json:"ongoing"`
	Incident incident.ID    `json:"incident"` // empty: a correction made it
	Cause    config.Cause   `json:"cause"`
}

// ReportIncident is an incident that was reported and went on in the period.
type ReportIncident struct {
	ID             incident.ID      `json:"id"`
	Check          config.CheckID   `json:"check"`
	Condition      config.Condition `json:"condition"`
	Severity       config.Severity  `json:"severity"`
	Cause          config.Cause     `json:"cause"`
	StartedAt      time.Time        `json:"started_at"`
	ReportedAt     time.Time        `json:"reported_at"`
	ToldAt         *time.Time       `json:"told_at"`
	AcknowledgedAt *time.Time       `json:"acknowledged_at"`
	EndedAt        *time.Time       `json:"ended_at"`
}

// ReportCertificate is a certificate that ends within the 60 days after the report.
type ReportCertificate struct {
	Check    config.CheckID `json:"check"`
	Subject  string         `json:"subject"`
	NotAfter time.Time      `json:"not_after"`
}
