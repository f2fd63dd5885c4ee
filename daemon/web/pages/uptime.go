package pages

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A window is the time that the check page is about, as its address says.
type window struct {
	Key string // "24h", "7d", "30d", "90d"
	Day string // a day whose list is open; empty: none
}

// span is a time that people look back at.
type span struct {
	Key, Name string
	Length    time.Duration
}

const aDay = 24 * time.Hour

var spans = []span{
	{"24h", "24 hours", aDay}, {"7d", "7 days", 7 * aDay}, {"30d", "30 days", 30 * aDay}, {"90d", "90 days", 90 * aDay}, {"1y", "1 year", 365 * aDay},
}

// begin returns when a span began. One of days holds whole days of the page and today, as the bars
// do, so that both say the same percent.
func (s span) begin(now clock) time.Time {
	if s.Length <= aDay {
		return now.now.Add(-s.Length)
	}
	return lastDays(now.now, int(s.Length/aDay), now.zone)[0]
}

func readWindow(r *http.Request) window {
	v := r.URL.Query()
	w := window{Key: v.Get("window"), Day: v.Get("day")}
	if !slices.ContainsFunc(spans, func(s span) bool { return s.Key == w.Key }) {
		w.Key = "24h"
	}
	if _, err := time.Parse(time.DateOnly, w.Day); err != nil {
		w.Day = ""
	}
	return w
}

func (w window) span() span {
	return spans[max(0, slices.IndexFunc(spans, func(s span) bool { return s.Key == w.Key }))]
}

// An uptime is how available a check was.
type uptime struct {
	Figures []uptimeFigure
	Strip   strip
	First   string // the first day of the strip
	Days    []dayRow
	Day     *dayList // the day that is open; nil: none
	Promise *promise
	Note    string // what the history cannot say

	life  availability.Life
	whole availability.Life // with the time before the history, of which nothing is known
	since time.Time         // since when the history is complete
	check *config.Check
	cfg   *config.Config
}

// An uptimeFigure is the availability in one span.
type uptimeFigure struct {
	Name, Percent string
	Notes         []string
}

// A dayRow is a day of the strip in words.
type dayRow struct {
	Date, Percent string
	Parts         string
	Link          string
	Bad           bool
}

// A dayList is what happened on a day.
type dayList struct {
	Date string
	Rows []stretchRow
}

// A stretchRow is a time in which a check was in one state.
type stretchRow struct {
	State      shownState
	From, To   string
	Length     string
	IncidentID string
	Link       string
}

// A promise is what became of the availability that is promised.
type promise struct {
	State            shownState
	Verdict, Text    string
	Left             string
	Share            string // of the budget that is left, as a width
	Burn             []burn
	Gone             string
	ObjectivePercent string
}

// A burn is how fast the budget is used up.
type burn struct{ Span, Rate string }

// uptime measures a check in all spans.
func (f *fleet) uptime(ctx context.Context, past lives, c *config.Check, win window) (*uptime, error) {
	since, err := past.CompleteSince(ctx)
	if err != nil {
		return nil, err
	}
	from := earliest(f.At)
	known, err := past.Lives(ctx, []config.CheckID{c.ID}, from, f.At)
	if err != nil {
		return nil, err
	}
	u := &uptime{since: since, life: sinceKnown(known[c.ID], since), whole: known[c.ID], check: c, cfg: f.Config}
	for _, s := range spans {
		begin := s.begin(f.clock)
		figure := figureOf(s, u.measure(begin, f.At))
		young := begin.Before(since)
		if young {
			figure.Notes = append(figure.Notes, "known since "+f.clock.at(&since).Rough())
		}
		if u.Figures = append(u.Figures, figure); young {
			break // of a longer time no more is known
		}
	}
	borders := lastDays(f.At, stripDays, f.clock.zone)
	days := availability.Days(u.life, borders, f.At, api.CorrectionsOf(f.Config, c))
	list := (&bars{dates: borders[:stripDays]}).daysOf(pastDays{days: days})
	u.Strip = newStrip(list, true)
	u.Strip.Walk = "days"
	u.First = borders[0].In(f.clock.zone).Format(time.DateOnly)
	for i := len(list) - 1; i >= 0; i-- {
		u.Days = append(u.Days, rowOfDay(list[i], f.clock.zone))
	}
	u.Day = u.list(win.Day, f.clock)
	if c.Policy.SLO > 0 {
		u.Promise = u.promise(f.At)
	}
	u.Note = (&bars{since: since, dates: borders}).note(f.clock)
	return u, nil
}

func (u *uptime) measure(from, to time.Time) availability.Seconds {
	return availability.Measure(u.life, from, to, to, api.CorrectionsOf(u.cfg, u.check))
}

// figureOf says the availability in a span, and what bounds it.
func figureOf(s span, sums availability.Seconds) uptimeFigure {
	figures := sums.Figures()
	out := uptimeFigure{Name: s.Name, Percent: availability.Percent(figures.Availability)}
	if figures.Coverage != nil && *figures.Coverage < 1 && figures.Availability != nil {
		out.Notes = append(out.Notes, "of "+availability.Percent(figures.Coverage)+" of the time", "not below "+availability.Percent(figures.Floor))
	}
	if sums.Down > 0 {
		out.Notes = append(out.Notes, "down "+coarse(sums.Down))
	}
	if sums.Degraded > 0 {
		out.Notes = append(out.Notes, "degraded "+coarse(sums.Degraded))
	}
	if sums.Maintenance > 0 {
		out.Notes = append(out.Notes, "maintenance "+coarse(sums.Maintenance))
	}
	return out
}

func rowOfDay(d day, zone *time.Location) dayRow {
	row := dayRow{Date: d.Date.In(zone).Format(time.DateOnly), Percent: availability.Percent(d.Figures().Availability), Bad: d.Down > 0}
	row.Link = "?day=" + row.Date + "#day"
	for _, part := range []struct {
		length time.Duration
		name   string
	}{{d.Down, "down"}, {d.Degraded, "degraded"}, {d.Unknown, "unknown"}, {d.Maintenance, "maintenance"}, {d.Absent, "not watched"}} {
		if part.length > 0 {
			if row.Parts != "" {
				row.Parts += ", "
			}
			row.Parts += part.name + " " + coarse(part.length)
		}
	}
	if row.Parts == "" {
		row.Parts = "OK all the time"
	}
	return row
}

// list returns what happened on a day; nil for no day.
func (u *uptime) list(day string, now clock) *dayList {
	at, err := time.ParseInLocation(time.DateOnly, day, now.zone)
	if err != nil {
		return nil
	}
	borders := availability.DayBorders(at.Add(time.Hour), at.Add(2*time.Hour), now.zone)
	l := &dayList{Date: day}
	for _, s := range availability.Timeline(u.life, borders[0], borders[1], now.now, api.CorrectionsOf(u.cfg, u.check)) {
		if s.State == availability.IsOK && !s.Short {
			continue
		}
		from, to := s.From, s.To
		row := stretchRow{State: shownState(s.State), From: clockText(from, now.zone), To: endText(to, borders[1], now.zone), Length: between(from, to), IncidentID: s.Incident}
		if s.State == availability.IsAbsent {
			row.State = noState
		}
		if s.Incident != "" {
			row.Link = "/i/" + escapePath(s.Incident)
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

func clockText(t time.Time, zone *time.Location) string { return t.In(zone).Format("15:04:05") }

// endText returns when something ended, which at the end of a day is 24:00.
func endText(t, midnight time.Time, zone *time.Location) string {
	if t.Equal(midnight) {
		return "24:00:00"
	}
	return clockText(t, zone)
}

// promiseSpan is the time over which a promise is looked at on the page of a check. It ends now, and
// is always as long, so that what is allowed to fail does not grow in the course of a day.
const promiseSpan = 30 * aDay

// promise judges the last 30 days, as reports do: a younger history proves nothing of them.
func (u *uptime) promise(now time.Time) *promise {
	sums := availability.Measure(u.whole, now.Add(-promiseSpan), now, now, api.CorrectionsOf(u.cfg, u.check))
	slo := availability.Judge(sums, u.check.Policy.SLO)
	p := &promise{ObjectivePercent: strconv.FormatFloat(u.check.Policy.SLO, 'f', -1, 64) + " %", Share: "0%"}
	if slo.Budget > 0 && slo.Left > 0 {
		p.Share = percentText(100 * float64(slo.Left) / float64(slo.Budget))
	}
	figures := sums.Figures()
	switch slo.Verdict {
	case availability.Kept:
		p.State, p.Verdict = "ok", "kept"
	case availability.Missed:
		p.State, p.Verdict = "down", "missed"
	case availability.NotProven:
		p.State, p.Verdict = "unknown", "not proven"
		p.Text = "between " + availability.Percent(figures.Floor) + " and " + availability.Percent(figures.Ceiling)
		if figures.Availability == nil {
			p.Text = "nothing is known of this time"
		}
	}
	if slo.Budget < time.Second { // nothing was judged yet
		return p
	}
	if p.Left = "All " + coarse(slo.Budget) + " of allowed downtime are left."; slo.Left < slo.Budget {
		p.Left = "Of " + coarse(slo.Budget) + " of allowed downtime " + coarse(max(0, slo.Left)) + " are left."
	}
	if slo.Left < 0 {
		p.Left = "The allowed downtime of " + coarse(slo.Budget) + " is exceeded by " + coarse(-slo.Left) + "."
	}
	for _, s := range []span{{"", "hour", time.Hour}, {"", "6 hours", 6 * time.Hour}, {"", "3 days", 3 * aDay}} {
		if rate := availability.Burn(u.measure(now.Add(-s.Length), now), u.check.Policy.SLO); rate != nil && *rate > 0 {
			p.Burn = append(p.Burn, burn{s.Name, strconv.FormatFloat(*rate, 'f', 1, 64) + " times"})
		}
	}
	rate := availability.Burn(u.measure(now.Add(-3*aDay), now), u.check.Policy.SLO)
	if gone := availability.BudgetGone(slo, rate, now); !gone.IsZero() {
		p.Gone = "At the pace of the last 3 days the budget is gone on " + gone.Format(time.DateOnly) + "."
	}
	return p
}
