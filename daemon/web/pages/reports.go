package pages

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/report"
)

// A reportsPage is the periods of which a report can be read.
type reportsPage struct {
	Period      string // that was asked for
	Wrong       string // why it cannot be read as one
	Group       string
	Groups      []groupChoice
	Chosen      *reportRow // nil: none was asked for
	Months      []reportRow
	Others      []reportRow
	Corrections []correctionRow
	Sent        []sentRow
	History     string // why there are no figures
	Since       stamp
}

// A groupChoice is a group that can be chosen.
type groupChoice struct {
	ID, Label string
	Current   bool
}

// A reportRow is one period, its figures, and where its report is.
type reportRow struct {
	Name            string
	Percent         string
	Down            string
	HTML, CSV, JSON string
}

// A correctionRow is a time that counts as something else than what was seen.
type correctionRow struct {
	Name    string
	Range   timeRange
	CountAs string
	Reason  string
	About   string
}

// A sentRow is a report that is sent when a period is over.
type sentRow struct {
	Name, Every, About, To string
}

const (
	mostMonths = 13
	// mostMeasured is of how many checks the months are measured for the list. A report of more
	// takes longer than anybody wants to wait for a list.
	mostMeasured = 1000
)

func (v *viewer) serveReports(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	asked, group := strings.TrimSpace(cutTo(q.Get("period"), mostQuery)), config.GroupID(strings.Trim(cutTo(q.Get("group"), mostQuery), "/"))
	visitor := api.VisitorOf(r.Context())
	bare := r.Clone(r.Context())
	bare.URL.RawQuery = "" // else it would be a search
	f, _, err := gather(bare, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	if f.groups[group] == nil {
		group = ""
	}
	p := &reportsPage{Period: asked, Group: string(group), Groups: f.groupChoices(group), Corrections: f.correctionRows(visitor), Sent: f.sentRows(visitor)}
	checks := f.checksOf(group, visitor)
	v.addPeriods(r.Context(), f, p, checks)
	frame := newView(r, f, "/reports", "Reports")
	frame.Content = p
	show(w, r, http.StatusOK, "reports", frame)
}

// checksOf returns the checks of a group that a visitor sees; empty: all of them.
func (f *fleet) checksOf(group config.GroupID, visitor *api.Visitor) (list []*config.Check) {
	if f.Config == nil {
		return nil
	}
	for _, c := range f.Config.Checks {
		if visitor.Sees(c) && (group == "" || slices.Contains(c.Path, group)) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *config.Check) int { return config.NaturalOrder(a.ID, b.ID) })
	return list
}

// groupChoices lists the groups in natural order, with the labels of those that they are in.
func (f *fleet) groupChoices(current config.GroupID) (list []groupChoice) {
	ids := make([]config.GroupID, 0, len(f.groups))
	for id := range f.groups {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, config.NaturalOrder)
	for _, id := range ids {
		label := string(id)
		if name := f.groupLabel(id, ""); name != path.Base(label) && name != label {
			label += " (" + name + ")"
		}
		list = append(list, groupChoice{string(id), label, id == current})
	}
	return list
}

// addPeriods lists the months since the history was begun, and other periods that people ask for.
func (v *viewer) addPeriods(ctx context.Context, f *fleet, p *reportsPage, checks []*config.Check) {
	ctx, cancel := context.WithTimeout(ctx, barsTime)
	defer cancel()
	now := f.At.In(f.clock.zone)
	ask := func(name string) (moment.Period, bool) {
		period, err := moment.ReadPeriod(name, now)
		return period, err == nil
	}
	var months []moment.Period
	for i := range mostMonths {
		first := time.Date(now.Year(), now.Month()-time.Month(i), 1, 12, 0, 0, 0, f.clock.zone)
		if month, ok := ask(first.Format("2006-01")); ok {
			months = append(months, month)
		}
	}
	measured := f.measurer(ctx, v.history(), checks, months, p)
	for _, m := range months {
		if p.Since.Known() && !m.To.After(p.Since.at) {
			break
		}
		p.Months = append(p.Months, p.row(m.Name, monthName(m, now), measured(m)))
	}
	for _, name := range []string{"this-week", "last-week", "this-quarter", "last-quarter", "this-year", "last-year"} {
		if period, ok := ask(name); ok && (!p.Since.Known() || period.To.After(p.Since.at)) {
			p.Others = append(p.Others, p.row(name, strings.ToUpper(name[:1])+strings.ReplaceAll(name[1:], "-", " "), availability.Seconds{}))
		}
	}
	if p.Period == "" {
		return
	}
	period, err := moment.ReadPeriod(p.Period, now)
	if err != nil {
		p.Wrong = strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "."
		return
	}
	name := period.Name
	if _, err := time.Parse("2006-01", name); err == nil {
		name = monthName(period, now)
	}
	row := p.row(p.Period, name, measured(period))
	p.Chosen = &row
}

func monthName(m moment.Period, now time.Time) string {
	name := m.From.Format("January 2006")
	if m.To.After(now) {
		name += ", until now"
	}
	return name
}

// row returns what stands of a period, with the addresses of its report.
func (p *reportsPage) row(period, name string, sums availability.Seconds) reportRow {
	query := ""
	if p.Group != "" {
		query = "group=" + url.QueryEscape(p.Group)
	}
	file := "/reports/" + url.PathEscape(period)
	row := reportRow{Name: name, HTML: withQuery(file+".html", query), CSV: withQuery(file+".csv", query), JSON: withQuery("/api/v1/report?period="+url.QueryEscape(period), query)}
	if sums.Total() > 0 {
		row.Percent = availability.Percent(sums.Figures().Availability)
		if row.Down = "never down"; sums.Down > 0 {
			row.Down = "down " + coarse(sums.Down)
		}
		if sums.Figures().Availability == nil {
			row.Down = ""
		}
	}
	return row
}

func withQuery(address, query string) string {
	switch {
	case query == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&" + query
	}
	return address + "?" + query
}

// measurer returns what measures a period of all checks together. It notes in the page what is
// not known.
func (f *fleet) measurer(ctx context.Context, past lives, checks []*config.Check, months []moment.Period, p *reportsPage) func(moment.Period) availability.Seconds {
	none := func(moment.Period) availability.Seconds { return availability.Seconds{} }
	if past == nil {
		p.History = "There is no history."
		return none
	}
	since, err := past.CompleteSince(ctx)
	if err != nil {
		p.History = "The history cannot be read now: " + err.Error() + "."
		return none
	}
	p.Since = f.clock.at(&since)
	if len(checks) > mostMeasured || len(months) == 0 {
		return none
	}
	ids := make([]config.CheckID, len(checks))
	for i, c := range checks {
		ids[i] = c.ID
	}
	from := months[len(months)-1].From
	known, err := past.Lives(ctx, ids, from, f.At)
	if err != nil {
		p.History = "The history cannot be read now: " + err.Error() + "."
		return none
	}
	return func(period moment.Period) (sum availability.Seconds) {
		if period.From.Before(from) { // more than was read
			return sum
		}
		for _, c := range checks {
			sum = sum.Plus(availability.Measure(sinceKnown(known[c.ID], since), period.From, period.To, f.At, api.CorrectionsOf(f.Config, c)))
		}
		return sum
	}
}

// correctionRows lists the corrections about what a visitor sees, the last first.
func (f *fleet) correctionRows(visitor *api.Visitor) (list []correctionRow) {
	if f.Config == nil {
		return nil
	}
	for i := range f.Config.Corrections {
		c := &f.Config.Corrections[i]
		var about []string
		for _, ref := range c.AppliesTo {
			if f.seesAny(ref, visitor) {
				about = append(about, ref.String())
			}
		}
		if len(about) > 0 {
			list = append(list, correctionRow{c.Name, timeRange{f.clock.at(&c.Start), f.clock.at(&c.End)}, string(c.CountAs), c.Reason, listed(about)})
		}
	}
	slices.SortStableFunc(list, func(a, b correctionRow) int { return b.Range.From.at.Compare(a.Range.From.at) })
	return list
}

// seesAny reports whether a visitor sees a check that a reference covers.
func (f *fleet) seesAny(ref config.Ref, visitor *api.Visitor) bool {
	for _, c := range f.Config.Checks {
		if visitor.Sees(c) && calendar.Covers(ref, c) {
			return true
		}
	}
	return false
}

// sentRows lists the reports that are sent, for those who see everything.
func (f *fleet) sentRows(visitor *api.Visitor) (list []sentRow) {
	if f.Config == nil || visitor.Groups != nil {
		return nil
	}
	for i := range f.Config.Reports {
		s := &f.Config.Reports[i]
		roles := make([]string, len(s.Roles))
		for j, role := range s.Roles {
			roles[j] = f.roleLabel(role)
		}
		about := "everything"
		if s.Group != "" {
			about = f.groupLabel(s.Group, "")
		}
		if s.Public {
			about += ", labels only"
		}
		list = append(list, sentRow{s.Name, "every " + string(s.Every), about, listed(roles)})
	}
	return list
}

// serveReport answers the report of a period: as a page of its own, or as CSV.
func (v *viewer) serveReport(w http.ResponseWriter, r *http.Request) {
	kind := path.Ext(r.PathValue("file"))
	q := api.PeriodQuery{Period: strings.TrimSuffix(r.PathValue("file"), kind), Group: config.GroupID(r.URL.Query().Get("group"))}
	if kind != ".html" && kind != ".csv" {
		api.WriteProblem(w, r, api.NewProblem(http.StatusNotFound, "A report is there as .html and as .csv."))
		return
	}
	made, err := api.ReportFor(r.Context(), v.Daemon, q)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	s, err := v.Daemon.Snapshot(r.Context())
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	o := report.Options{Zone: zoneOf(s.Config)}
	if kind == ".csv" {
		text, err := report.CSV(&made, o)
		if err != nil {
			api.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		w.Header().Set("Content-Disposition", `attachment; filename="availability-`+fileName(q.Period)+`.csv"`)
		_, _ = w.Write(text) // the client has gone when this fails
		return
	}
	text, err := report.HTML(&made, o)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	// Its one style sheet stands in it, so that it can be mailed.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+report.StyleHash()+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	write(w, r, http.StatusOK, text)
}

// fileName returns a text without what a header or a file system gives a meaning.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, text)
}
