// Package report writes the availability of a period for people: as one HTML file that can be
// printed, as CSV for spreadsheets, and as the mail that brings both. It computes nothing: all
// figures are those of [api.PeriodReport], the same that programs get.
//
// A public report has labels only: no id, cause, severity, server or role can get into it,
// because its [View] does not have them.
package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// Options say how a report is written.
type Options struct {
	Zone   *time.Location // of its times
	Public bool           // labels only, as on the public page
}

// A View is a report in words.
type View struct {
	Title    string // "Availability of Customers"
	Period   string // "October 2026"
	Span     string // from when until when
	MadeAt   string
	Monitor  string   // of the page, as it is titled; empty: it has no title
	Notices  []string // what a reader must know before the figures
	Promise  Promise
	Total    Group
	Groups   []Group
	Outages  []string // a sentence each, the longer ones
	Short    string   // what is said of the others
	Checks   []Check
	Steps    []Step
	Details  []Incident
	Certs    []Certificate
	Fixes    []Correction
	Figures  []string // how the figures are made
	ZoneName string
	Public   bool
}

// writer makes a View.
type writer struct {
	Options
	report *api.PeriodReport
	checks map[config.CheckID]*api.CheckAvailability
	labels map[config.GroupID]string
}

// NewView puts a report into words.
func NewView(r *api.PeriodReport, o Options) View {
	w := &writer{Options: o, report: r, checks: map[config.CheckID]*api.CheckAvailability{}, labels: map[config.GroupID]string{}}
	if w.Zone == nil {
		w.Zone = time.UTC
	}
	for i := range r.Checks {
		w.checks[r.Checks[i].ID] = &r.Checks[i]
	}
	for _, g := range r.Groups {
		w.labels[g.ID] = g.Label
	}
	v := View{
		Title: w.title(), Period: periodName(r.Period), Span: w.span(), MadeAt: w.minute(r.MadeAt), Monitor: r.Title, Notices: w.notices(),
		Promise: w.promise(r.Total.Promises), Total: w.group(&r.Total), Checks: w.everyCheck(), Details: w.incidents(),
		Steps: steps(r.Total.Steps), Certs: w.certificates(), Fixes: w.corrections(), Figures: w.formula(), ZoneName: r.Timezone, Public: o.Public,
	}
	for i := range r.Groups {
		v.Groups = append(v.Groups, w.group(&r.Groups[i]))
	}
	v.Outages, v.Short = w.outages()
	return v
}

func (w *writer) title() string {
	if w.report.Group == "" {
		return "Availability"
	}
	return "Availability of " + w.groupName(w.report.Group)
}

// periodName writes a month as people say it.
func periodName(period string) string {
	if month, err := time.Parse("2006-01", period); err == nil {
		return month.Format("January 2006")
	}
	return period
}

func (w *writer) span() string {
	to := w.report.To
	if w.report.Until != nil {
		return fmt.Sprintf("%s until now, %s; the period ends %s", w.minute(w.report.From), w.minute(to), w.minute(*w.report.Until))
	}
	return w.minute(w.report.From) + " to " + w.minute(to)
}

func (w *writer) minute(at time.Time) string { return at.In(w.Zone).Format("2006-01-02 15:04 MST") }

// checkName returns what a check is called.
func (w *writer) checkName(id config.CheckID) string {
	c, ok := w.checks[id]
	switch {
	case w.Public && ok:
		return c.PublicName
	case w.Public:
		return "a check"
	default:
		return string(id)
	}
}

// note returns the label of a check where it says more than the id; empty in public.
func (w *writer) note(c *api.CheckAvailability) string {
	if w.Public || c.Label == string(c.ID) {
		return ""
	}
	return c.Label
}

// groupName returns the label of a group, or else its path of ids; in public the last of them.
func (w *writer) groupName(id config.GroupID) string {
	if label := w.labels[id]; label != "" {
		return label
	}
	if w.Public {
		return string(id[strings.LastIndexByte(string(id), '/')+1:])
	}
	return string(id)
}

// notices returns what a reader must know before the figures.
func (w *writer) notices() (list []string) {
	r := w.report
	if since := r.CompleteSince; since != nil && since.After(r.From) {
		list = append(list, fmt.Sprintf("This report is incomplete: the history begins %s. What was before counts as unknown; %s of the period was seen.",
			w.minute(*since), availability.Percent(r.Total.Coverage)))
	} else if c := r.Total.Coverage; c != nil && *c < littleSeen {
		list = append(list, fmt.Sprintf("Only %s of the period was seen. The rest counts as unknown.", availability.Percent(c)))
	}
	if r.CompleteSince == nil {
		list = append(list, "Nobody knows from when on the history is complete.")
	}
	if text := api.MissingNodes(r.Nodes); text != "" && w.Public {
		list = append(list, "Not all that was seen is in these figures.")
	} else if text != "" {
		list = append(list, text)
	}
	if r.Until != nil {
		list = append(list, "The period is not over: the figures are those until now.")
	}
	if n := len(r.Corrections); n > 0 {
		list = append(list, fmt.Sprintf("%s what counts; see Corrections.", plural(n, "correction changes", "corrections change")))
	}
	return list
}

// littleSeen is a coverage below which the first page says so: of a month seven hours are
// missing.
const littleSeen = 0.99

// formula says how the figures are made.
var formula = []string{
	"Every second of the period counts as the first of these that holds: absent (the check was not in the configuration, or was paused), maintenance, unknown (the monitor could not judge, or did not run), down, degraded, OK.",
	"Availability is (OK + degraded) / (OK + degraded + down). Maintenance and absent time do not count.",
	"“Seen” is how much of the time that counts was judged. “Not below” is the availability if all unknown time had been down.",
	"A promise is kept if even “not below” reaches it, missed if it is not reached even with all unknown time counted as OK, and otherwise not proven.",
	"Down is the time from the start of the first failed probe until the start of the first good one, of failures that became incidents. “Strict” counts the shorter failures as well.",
	"The availability of a group is that of all its checks together. “Any down” is the time in which at least one was down, “all down” the time in which all that counted were.",
	"Figures are cut, not rounded: 100 % means that nothing was down. Latencies are exact to 3 %.",
}

// severalNodes says the same of several nodes.
const severalNodes = "Several nodes probe. Down and degraded is what they agreed on, as the incidents say. Unknown is what none of them saw."

func (w *writer) formula() []string {
	if len(w.report.Nodes) == 0 {
		return formula
	}
	return append(slices.Clone(formula), severalNodes)
}
