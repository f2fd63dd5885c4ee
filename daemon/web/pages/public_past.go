package pages

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// bars returns the last days of the checks of the page, without what the public is not told of;
// nil: nothing is known of the past.
func (m *publicMaker) bars(ctx context.Context, past lives) *bars {
	if past == nil {
		return nil
	}
	cfg := *m.cfg
	cfg.Checks = make(map[config.CheckID]*config.Check, len(m.Checks))
	for i := range m.Checks {
		id := m.Checks[i].ID
		cfg.Checks[id] = m.cfg.Checks[id]
	}
	return makeBars(ctx, feltLives{past, m.unfelt()}, &cfg, m.clock.now)
}

// unfelt returns the incidents that the public is not told of.
func (m *publicMaker) unfelt() map[string]bool {
	list := map[string]bool{}
	for i := range m.incidents {
		if in := &m.incidents[i]; !isFelt(in) {
			list[string(in.ID)] = true
		}
	}
	return list
}

// feltLives are lives without the bouts of some incidents.
type feltLives struct {
	lives
	unfelt map[string]bool
}

// Lives implements lives.
func (f feltLives) Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error) {
	known, err := f.lives.Lives(ctx, checks, from, to)
	felt := make(map[config.CheckID]availability.Life, len(known))
	for id, l := range known {
		l.Bouts = slices.DeleteFunc(slices.Clone(l.Bouts), func(b availability.Bout) bool { return f.unfelt[b.Incident] })
		felt[id] = l
	}
	return felt, err
}

// publicNote says what the bars cannot show, without the reason: that names files.
func (b *bars) publicNote(now clock) string {
	if b.err != nil {
		return "The days before are not known now."
	}
	if since := now.at(&b.since); since.Known() && len(b.dates) > 0 && b.since.After(b.dates[0]) {
		return "The history begins " + since.Exact() + ". Days before it are empty, and count for nothing."
	}
	return ""
}

// happened lists the incidents of the last days that the public is told of.
func (m *publicMaker) happened(p *publicPage) {
	from := lastDays(m.clock.now, stripDays, m.clock.zone)[0]
	for _, c := range m.clusters(from) {
		v := m.publicIncident(c)
		if v.Open {
			p.Now = append(p.Now, v)
			continue
		}
		month := v.From.at.In(m.clock.zone).Format("January 2006")
		if n := len(p.Months); n == 0 || p.Months[n-1].Name != month {
			p.Months = append(p.Months, publicMonth{Name: month})
		}
		p.Months[len(p.Months)-1].Incidents = append(p.Months[len(p.Months)-1].Incidents, v)
	}
}

// together is how long after the first of them another service may fail and be told of in the
// same sentence: what fails for one reason fails within a few probes.
const together = 10 * time.Minute

// clusters returns the incidents since a time, those of one severity that began together as one,
// the last first.
func (m *publicMaker) clusters(from time.Time) (list [][]*api.Incident) {
	var told []*api.Incident
	for i := range m.incidents {
		in := &m.incidents[i]
		if in.ReportedAt != nil && isFelt(in) && m.cfg.Checks[in.Check] != nil && (isOpen(in) || endOf(in).After(from)) {
			told = append(told, in)
		}
	}
	slices.SortStableFunc(told, func(a, b *api.Incident) int { return a.StartedAt.Compare(b.StartedAt) })
	for _, in := range told {
		at := slices.IndexFunc(list, func(c []*api.Incident) bool {
			first := c[0]
			return first.Severity == in.Severity && in.StartedAt.Sub(first.StartedAt) <= together
		})
		if at < 0 {
			list = append(list, []*api.Incident{in})
			continue
		}
		list[at] = append(list[at], in)
	}
	slices.Reverse(list)
	return list
}

// isOpen reports whether an incident goes on.
func isOpen(in *api.Incident) bool { return in.State != incident.StatusClosed }

// endOf returns when an incident was over; of one that does not say it, when it was last heard of.
func endOf(in *api.Incident) *time.Time {
	switch {
	case in.EndedAt != nil:
		return in.EndedAt
	case len(in.Events) > 0:
		return &in.Events[len(in.Events)-1].At
	}
	return &in.StartedAt
}

// publicIncident tells what failed together, from the first that failed to the last that
// recovered; while some of it goes on, of that part alone.
func (m *publicMaker) publicIncident(list []*api.Incident) publicIncident {
	v := publicIncident{State: severityState(list[0]), Word: publicWords[incident.CheckState(severityState(list[0]))], began: list[0].StartedAt}
	for _, in := range list {
		v.Notes = append(v.Notes, m.notes(in)...)
	}
	if open := slices.DeleteFunc(slices.Clone(list), func(in *api.Incident) bool { return !isOpen(in) }); len(open) > 0 {
		v.Open, list = true, open
	}
	var end, reported *time.Time
	var names []string
	for _, in := range list {
		names = append(names, m.cfg.PublicName(m.cfg.Checks[in.Check]))
		reported = earlier(reported, in.ReportedAt)
		if over := endOf(in); !v.Open && (end == nil || over.After(*end)) {
			end = over
		}
	}
	v.From, v.To, v.Reported = m.clock.at(&list[0].StartedAt), m.clock.at(end), m.clock.at(reported)
	if end == nil {
		end = &m.clock.now
	}
	v.Length = between(list[0].StartedAt, *end)
	slices.SortFunc(names, config.NaturalOrder)
	names = slices.Compact(names)
	if v.Services = listed(names); len(names) > mostNamed {
		v.Services = grouped(len(names)) + " services"
	}
	v.What = v.Services + " " + verbOf(len(names), v.Open) + " " + v.Word
	slices.SortStableFunc(v.Notes, func(a, b publicNote) int { return cmp.Or(a.At.at.Compare(b.At.at), cmp.Compare(a.Text, b.Text)) })
	v.Notes = slices.CompactFunc(v.Notes, func(a, b publicNote) bool { return a.Text == b.Text })
	return v
}

func verbOf(n int, open bool) string {
	switch {
	case open && n == 1:
		return "is"
	case open:
		return "are"
	case n == 1:
		return "was"
	}
	return "were"
}

// longestNote is how much of a note or an announcement is shown.
const longestNote = 2000

// notes are what people wrote about an incident for everybody.
func (m *publicMaker) notes(in *api.Incident) (list []publicNote) {
	for i := range in.Events {
		if e := &in.Events[i]; e.Kind == incident.Noted && e.Public {
			list = append(list, publicNote{m.clock.at(&e.At), opaque.Bounded(e.Text, longestNote)})
		}
	}
	return list
}

// concerned reports whether an announcement is about something on the page.
func (m *publicMaker) concerned(a *config.Announcement) bool {
	return len(a.Groups) == 0 || slices.ContainsFunc(a.Groups, func(g config.GroupID) bool {
		return slices.ContainsFunc(m.Checks, func(c api.Check) bool {
			return m.cfg.Checks[c.ID] != nil && slices.Contains(m.cfg.Checks[c.ID].Path, g)
		})
	})
}

// announcements are those that hold now.
func (m *publicMaker) announcements() (list []publicNotice) {
	for i := range m.cfg.Announcements {
		if a := &m.cfg.Announcements[i]; !a.From.After(m.clock.now) && a.Until.After(m.clock.now) && m.concerned(a) {
			list = append(list, m.notice(a))
		}
	}
	return list
}

func (m *publicMaker) notice(a *config.Announcement) publicNotice {
	return publicNotice{announcementState(a), opaque.Bounded(a.Text, longestNote), m.clock.at(&a.From), m.clock.at(&a.Until)}
}

// announcementState is how an announcement of its kind is marked.
func announcementState(a *config.Announcement) shownState {
	switch a.Kind {
	case config.AnnounceMaintenance:
		return shownState(incident.CheckMaintenance)
	case config.AnnounceOutage:
		return shownState(incident.CheckDown)
	case config.AnnounceInfo:
	}
	return noState
}

const (
	comingDays     = 31 // so far ahead planned work is listed
	mostOccurrence = 8  // of one that is repeated
)

// coming is the planned work and the announcements of the next month, the first first.
func (m *publicMaker) coming() (list []publicNotice) {
	end := m.clock.now.AddDate(0, 0, comingDays)
	for i := range m.cfg.Announcements {
		if a := &m.cfg.Announcements[i]; a.From.After(m.clock.now) && a.From.Before(end) && m.concerned(a) {
			list = append(list, m.notice(a))
		}
	}
	for i := range m.cfg.Maintenance {
		work := &m.cfg.Maintenance[i]
		var names []string
		for _, s := range m.services {
			if slices.ContainsFunc(s.checks, func(c *api.Check) bool { return isWorkOn(work, m.cfg.Checks[c.ID]) }) {
				names = append(names, s.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		text := "Maintenance of " + listed(names)
		if len(names) > mostNamed {
			text = "Maintenance of " + counted(len(names), "service", "services")
		}
		for _, span := range occurrences(work, m.clock.now, end) {
			list = append(list, publicNotice{shownState(incident.CheckMaintenance), text, m.clock.at(&span.From), m.clock.at(&span.To)})
		}
	}
	slices.SortStableFunc(list, func(a, b publicNotice) int { return a.From.at.Compare(b.From.at) })
	return list
}

func isWorkOn(m *config.Maintenance, c *config.Check) bool {
	return c != nil && slices.ContainsFunc(m.AppliesTo, func(ref config.Ref) bool { return calendar.Covers(ref, c) })
}

// occurrences returns when a maintenance goes on, from one that goes on now. To is zero where it
// has no end.
func occurrences(m *config.Maintenance, now, end time.Time) (list []calendar.Span) {
	// From before its beginning, because a span that is asked for in its middle does not know it.
	longest := m.Duration
	if len(m.Weekly) > 0 {
		longest = 7 * aDay
	}
	at := now.Add(-longest - aDay)
	for span := calendar.MaintenanceSpan(m, at); len(list) < mostOccurrence; {
		if span.In && (span.To.IsZero() || span.To.After(now)) {
			span.From = at
			list = append(list, span)
		}
		if span.To.IsZero() || !span.To.Before(end) {
			return list
		}
		at = span.To
		span = calendar.MaintenanceSpan(m, at)
	}
	return list
}
