package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// ComingKind says what time alone will bring. The words are an interface.
type ComingKind string

// What time alone can bring.
const (
	ComingProbe           ComingKind = "probe"
	ComingReport          ComingKind = "report"  // a failure becomes an incident unless a probe is good before
	ComingClosing         ComingKind = "closing" // an incident is closed unless a probe fails before
	ComingEscalation      ComingKind = "escalation"
	ComingReminder        ComingKind = "reminder"
	ComingAttempt         ComingKind = "attempt" // a message that could not be delivered is tried again
	ComingAcknowledgement ComingKind = "acknowledgement_end"
	ComingSilence         ComingKind = "silence_end"
	ComingMaintenance     ComingKind = "maintenance_begin"
	ComingMaintenanceEnd  ComingKind = "maintenance_end"
)

// A ComingEvent is one thing that will happen at a time unless something else happens before.
type ComingEvent struct {
	At   time.Time  `json:"at"`
	Kind ComingKind `json:"kind"`
	// Until is when a maintenance that begins then ends; missing: nobody knows, or it is none.
	Until *time.Time `json:"until,omitempty"`
	// Check is what it is about, or Checks how many: of a silence or a maintenance.
	Check    config.CheckID `json:"check,omitempty"`
	Checks   int            `json:"checks,omitempty"`
	Incident incident.ID    `json:"incident,omitempty"`
	// Name is that of the maintenance, the id of the silence, or the key of the message.
	Name string `json:"name,omitempty"`
	// Roles, Notifier and Target are the destination of a message.
	Roles    []config.RoleID `json:"roles,omitempty"`
	Notifier string          `json:"notifier,omitempty"`
	Target   string          `json:"target,omitempty"`
}

// Coming is what time alone will bring, the first first.
type Coming struct {
	GeneratedAt time.Time     `json:"generated_at"`
	Coming      []ComingEvent `json:"coming"`
}

const (
	comingWithin   = 31 * 24 * time.Hour // so far ahead maintenance is listed
	mostOccasions  = 31                  // of one maintenance
	mostComingOpen = 200                 // so many open incidents are asked for
)

// ComingFor returns what time alone will bring: maintenance of the next month, the ends of
// silences and acknowledgements, escalations, reminders, attempts to deliver. The next probe of
// each check stands with the check.
func ComingFor(ctx context.Context, d Daemon) (Coming, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Coming{}, err
	}
	list := slices.Concat(comingMaintenance(s), comingSilences(s))
	var open []Incident
	for in := range s.Incidents() {
		if in.Incident.Open() {
			open = append(open, NewIncident(s.Snapshot, in))
		}
	}
	sortIncidents(open)
	of, err := comingOfIncidents(ctx, d, open)
	list = append(list, of...)
	sortComing(list)
	return Coming{GeneratedAt: s.At, Coming: append([]ComingEvent{}, list...)}, err
}

func sortComing(list []ComingEvent) {
	slices.SortStableFunc(list, func(a, b ComingEvent) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Name, b.Name))
	})
}

// comingOf returns what time alone will bring to one check.
func comingOf(ctx context.Context, d Daemon, s view, c *Check) ([]ComingEvent, error) {
	list := []ComingEvent{}
	for kind, at := range map[ComingKind]*time.Time{ComingProbe: c.NextProbeAt, ComingReport: c.ReportedFrom, ComingClosing: c.ClosesAt} {
		if at != nil {
			list = append(list, ComingEvent{At: *at, Kind: kind, Check: c.ID})
		}
	}
	for _, silence := range newSilences(s, false).Silences {
		if slices.Contains(c.Silences, silence.ID) {
			list = append(list, ComingEvent{At: silence.Until, Kind: ComingSilence, Check: c.ID, Name: silence.ID})
		}
	}
	for i := range s.Config.Maintenance {
		m := &s.Config.Maintenance[i]
		if !isAbout(m, s.Config.Checks[c.ID]) {
			continue
		}
		for _, e := range occasions(m, s.At) {
			e.Check = c.ID
			list = append(list, e)
		}
	}
	open := slices.DeleteFunc(slices.Clone(c.History), func(i Incident) bool { return i.State == incident.StatusClosed })
	of, err := comingOfIncidents(ctx, d, open)
	list = append(list, of...)
	sortComing(list)
	return list, err
}

// isAbout reports whether a maintenance block is about a check.
func isAbout(m *config.Maintenance, c *config.Check) bool {
	return c != nil && slices.ContainsFunc(m.AppliesTo, func(ref config.Ref) bool { return calendar.Covers(ref, c) })
}

// comingSilences returns the ends of the silences that hold now.
func comingSilences(s view) (list []ComingEvent) {
	for _, silence := range activeSilences(s) {
		e := ComingEvent{At: silence.Until, Kind: ComingSilence, Checks: silence.Checks, Name: silence.ID}
		if e.Check = silence.Scope.Check; e.Check != "" {
			e.Checks = 0
		}
		list = append(list, e)
	}
	return list
}

// comingMaintenance returns when maintenance begins within a month, and when that which goes on
// ends.
func comingMaintenance(s view) (list []ComingEvent) {
	for i := range s.Config.Maintenance {
		m := &s.Config.Maintenance[i]
		checks := 0
		for c := range s.Checks() {
			if isAbout(m, c.Check) {
				checks++
			}
		}
		if checks == 0 {
			continue
		}
		for _, e := range occasions(m, s.At) {
			e.Checks = checks
			list = append(list, e)
		}
	}
	return list
}

// occasions returns the changes of one maintenance block.
func occasions(m *config.Maintenance, now time.Time) (list []ComingEvent) {
	span := calendar.MaintenanceSpan(m, now)
	if span.In && span.To.IsZero() {
		return nil // it has no end
	}
	if span.In {
		list = append(list, ComingEvent{At: span.To.UTC(), Kind: ComingMaintenanceEnd, Name: m.Name})
		span = calendar.MaintenanceSpan(m, span.To)
	}
	for len(list) < mostOccasions && !span.In && !span.To.IsZero() && span.To.Sub(now) < comingWithin {
		begins := span.To
		span = calendar.MaintenanceSpan(m, begins)
		list = append(list, ComingEvent{At: begins.UTC(), Kind: ComingMaintenance, Until: moment(span.To), Name: m.Name})
		if span.To.IsZero() {
			break
		}
		span = calendar.MaintenanceSpan(m, span.To)
	}
	return list
}

// comingOfIncidents returns what time alone will bring to open incidents, of the first
// mostComingOpen of which escalations and reminders are known.
func comingOfIncidents(ctx context.Context, d Daemon, open []Incident) (list []ComingEvent, err error) {
	check := map[incident.ID]config.CheckID{}
	var ids []incident.ID
	for i := range open {
		in := &open[i]
		check[in.ID] = in.Check
		ids = append(ids, in.ID)
		if a := in.Acknowledged; a != nil && a.Until != nil {
			list = append(list, ComingEvent{At: *a.Until, Kind: ComingAcknowledgement, Check: in.Check, Incident: in.ID})
		}
		for j := range in.Deliveries {
			if m := &in.Deliveries[j]; m.NextAttemptAt != nil {
				list = append(list, ComingEvent{
					At: *m.NextAttemptAt, Kind: ComingAttempt, Check: in.Check, Incident: in.ID, Name: string(m.Key), Roles: m.Roles, Notifier: m.Notifier, Target: m.Target,
				})
			}
		}
	}
	if len(ids) == 0 {
		return list, nil
	}
	upcoming, err := d.Upcoming(ctx, ids[:min(len(ids), mostComingOpen)])
	for i := range upcoming {
		u := &upcoming[i]
		kind := ComingEscalation
		if u.Transition == notifiers.Reminder {
			kind = ComingReminder
		}
		list = append(list, ComingEvent{
			At: u.At.UTC(), Kind: kind, Check: check[u.Incident], Incident: u.Incident, Roles: u.Roles, Notifier: string(u.NotifyID.Notifier), Target: u.NotifyID.Target,
		})
	}
	return list, err
}
