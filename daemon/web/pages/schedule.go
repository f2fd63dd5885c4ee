package pages

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A comingPage is what time alone will bring, by days.
type comingPage struct {
	Sentence string
	State    shownState
	Days     []comingDay
	More     int
	Slowest  slowCheck
}

// A slowCheck is the check that is probed most rarely.
type slowCheck struct {
	Name, Link string // empty: there is no check
	Every      string
	Next       stamp
}

// A comingDay is the events of one day.
type comingDay struct {
	Name string
	Rows []comingEvent
}

// A comingEvent is one of them.
type comingEvent struct {
	At      stamp
	State   shownState
	Text    string
	Note    string
	Link    string // to the check or the incident; empty: it is about several
	LinkTo  string
	sortKey time.Time
}

const mostComing = 300

func (v *viewer) serveComing(w http.ResponseWriter, r *http.Request) {
	f, p, err := v.coming(r)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	frame := newView(r, f, "/coming", "Coming")
	frame.Content, frame.State = p, p.State
	show(w, r, http.StatusOK, "coming", frame)
}

func (v *viewer) coming(r *http.Request) (*fleet, *comingPage, error) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		return nil, nil, err
	}
	list, err := api.ComingFor(r.Context(), v.Daemon)
	if err != nil {
		return nil, nil, err
	}
	events := f.announced()
	for i := range list.Coming {
		events = append(events, f.comingEvent(&list.Coming[i]))
	}
	slices.SortStableFunc(events, func(a, b comingEvent) int { return a.sortKey.Compare(b.sortKey) })
	p := &comingPage{State: noState, Sentence: f.comingSentence(list.Coming), Slowest: f.slowest(v.Daemon, api.VisitorOf(r.Context()))}
	p.More = max(0, len(events)-mostComing)
	for _, e := range events[:len(events)-p.More] {
		name := f.dayName(e.sortKey)
		if n := len(p.Days); n == 0 || p.Days[n-1].Name != name {
			p.Days = append(p.Days, comingDay{Name: name})
		}
		day := &p.Days[len(p.Days)-1]
		day.Rows = append(day.Rows, e)
	}
	return f, p, nil
}

// slowest finds the check that is probed most rarely, of those that a visitor sees.
func (f *fleet) slowest(d api.Daemon, visitor *api.Visitor) (s slowCheck) {
	var slow *config.Check
	for _, c := range f.checksOf("", visitor) {
		if c.Enabled && (slow == nil || c.Probe.Interval > slow.Probe.Interval) {
			slow = c
		}
	}
	if slow == nil {
		return s
	}
	next := d.NextProbe(slow.ID)
	return slowCheck{string(slow.ID), checkLink(slow.ID), config.FormatDuration(slow.Probe.Interval), f.clock.at(known(next))}
}

// comingSentence counts the planned work, which most people come for.
func (f *fleet) comingSentence(list []api.ComingEvent) string {
	works, first := 0, time.Time{}
	for i := range list {
		if list[i].Kind == api.ComingMaintenance {
			works++
			if first.IsZero() {
				first = list[i].At
			}
		}
	}
	switch {
	case works == 0:
		return "No maintenance is planned within 31 days"
	case works == 1:
		return "Maintenance is planned for " + f.clock.at(&first).Exact()
	}
	return grouped(works) + " times of maintenance are planned, the next for " + f.clock.at(&first).Exact()
}

func (f *fleet) comingEvent(e *api.ComingEvent) comingEvent {
	row := comingEvent{At: f.clock.at(&e.At), sortKey: e.At, Text: comingText(e, f.Config), State: comingState(e.Kind)}
	if until := f.clock.at(e.Until); until.Known() {
		row.Note = "until " + until.Near()
		if until.Day() == row.At.Day() {
			row.Note = "until " + until.at.In(until.zone).Format("15:04")
		}
	}
	switch {
	case e.Incident != "":
		row.Link, row.LinkTo = incidentLink(e.Incident), string(e.Check)
	case e.Check != "":
		row.Link, row.LinkTo = checkLink(e.Check), string(e.Check)
	case e.Checks > 0:
		row.Note = joined(row.Note, counted(e.Checks, "check", "checks"))
	}
	return row
}

// joined joins two remarks.
func joined(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return a + ", " + b
}

// comingState is how an event is marked.
func comingState(k api.ComingKind) shownState {
	switch k {
	case api.ComingMaintenance, api.ComingMaintenanceEnd:
		return "maintenance"
	case api.ComingSilence:
		return "paused"
	case api.ComingEscalation, api.ComingReminder, api.ComingReport:
		return "down"
	case api.ComingAttempt, api.ComingAcknowledgement:
		return "degraded"
	case api.ComingClosing:
		return "recovering"
	case api.ComingProbe:
	}
	return noState
}

// dayName returns a day as people say it.
func (f *fleet) dayName(at time.Time) string {
	day := at.In(f.clock.zone)
	switch day.Format(time.DateOnly) {
	case f.At.In(f.clock.zone).Format(time.DateOnly):
		return "Today"
	case f.At.In(f.clock.zone).AddDate(0, 0, 1).Format(time.DateOnly):
		return "Tomorrow"
	}
	return day.Format("Monday 2006-01-02")
}

// seesAnnouncement reports whether an announcement concerns what the visitor sees.
func (f *fleet) seesAnnouncement(a *config.Announcement) bool {
	return len(a.Groups) == 0 || slices.ContainsFunc(a.Groups, func(g config.GroupID) bool { return f.groups[g] != nil })
}

// announced are the beginnings of announcements that are to come, and the ends of those that hold.
func (f *fleet) announced() (list []comingEvent) {
	if f.Config == nil {
		return nil
	}
	for i := range f.Config.Announcements {
		a := &f.Config.Announcements[i]
		if !f.seesAnnouncement(a) || !a.Until.After(f.At) {
			continue
		}
		row := comingEvent{At: f.clock.at(&a.From), sortKey: a.From, Text: "Announced: " + a.Text, State: announcementState(a), Note: "until " + f.clock.at(&a.Until).Near()}
		if !a.From.After(f.At) {
			row.At, row.sortKey, row.Text, row.Note = f.clock.at(&a.Until), a.Until, "The announcement ends: "+a.Text, ""
		}
		list = append(list, row)
	}
	return list
}

// serveCalendar answers the planned work and the announcements of what the visitor sees.
func (v *viewer) serveCalendar(w http.ResponseWriter, r *http.Request) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	c := calendarFile{name: pageName(f.Config), made: f.At.Truncate(time.Hour)}
	if f.Config != nil {
		c.authority = authorityOf(r, f.Config.Daemon.PublicURL)
		c.events = f.calendarEvents(c.authority, api.VisitorOf(r.Context()))
	}
	writeCalendar(w, r, c, false)
}

// calendarEvents are the planned work and the announcements of what a visitor sees.
func (f *fleet) calendarEvents(authority string, visitor *api.Visitor) (list []calendarEvent) {
	end := f.At.AddDate(0, 0, comingDays)
	for i := range f.Config.Announcements {
		if a := &f.Config.Announcements[i]; f.seesAnnouncement(a) && a.Until.After(f.At) {
			list = append(list, calendarEvent{Name: "announcement-" + a.Name, Title: a.Text, Link: authority + "/coming", From: a.From, To: a.Until})
		}
	}
	for i := range f.Config.Maintenance {
		m := &f.Config.Maintenance[i]
		var names []string
		for id, c := range f.Config.Checks {
			if visitor.Sees(c) && isWorkOn(m, c) {
				names = append(names, string(id))
			}
		}
		slices.SortFunc(names, config.NaturalOrder)
		if len(names) == 0 {
			continue
		}
		text := listed(names)
		if len(names) > mostPlaces {
			text = listed(append(slices.Clone(names[:mostPlaces]), counted(len(names)-mostPlaces, "more check", "more checks")))
		}
		for _, span := range occurrences(m, f.At, end) {
			list = append(list, calendarEvent{Name: "maintenance-" + m.Name, Title: "Maintenance " + m.Name, Text: text, Link: authority + "/coming", From: span.From, To: span.To})
		}
	}
	slices.SortStableFunc(list, func(a, b calendarEvent) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Name, b.Name)) })
	return list
}
