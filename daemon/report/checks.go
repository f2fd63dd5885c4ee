package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A Check is a row of the table of checks.
type Check struct {
	Name, Note                                   string
	Availability, Floor, Coverage, Strict        string
	Down, Degraded, Maintenance, Unknown, Absent string
	Longest                                      string
	Incidents                                    int
	Promise, Word                                string
	Budget                                       string
	P50, P95, P99                                string
	Strip                                        Strip
	Eventful                                     bool // it was down, had an incident, or missed its promise
	down                                         float64
}

// mostEventful is how many checks a mail lists; the files that come with it have all.
const mostEventful = 50

// Eventful returns the checks with something to say, for a mail.
func (v View) Eventful() []Check {
	n := slices.IndexFunc(v.Checks, func(c Check) bool { return !c.Eventful })
	if n < 0 {
		n = len(v.Checks)
	}
	return v.Checks[:min(n, mostEventful)]
}

// everyCheck returns the rows of all checks: first those with something to say, of these first what
// was down longest.
func (w *writer) everyCheck() []Check {
	list := make([]Check, 0, len(w.report.Checks))
	for i := range w.report.Checks {
		list = append(list, w.check(&w.report.Checks[i]))
	}
	slices.SortStableFunc(list, func(a, b Check) int {
		if a.Eventful != b.Eventful {
			if a.Eventful {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.down, a.down)
	})
	return list
}

func (w *writer) check(c *api.CheckAvailability) Check {
	v := Check{
		Name: w.checkName(c.ID), Note: w.note(c), Availability: availability.Percent(c.Availability), Floor: availability.Percent(c.Floor),
		Coverage: availability.Percent(c.Coverage), Strict: availability.Percent(c.Strict),
		Down: length(c.Seconds.Down), Degraded: length(c.Seconds.Degraded), Maintenance: length(c.Seconds.Maintenance),
		Unknown: length(c.Seconds.Unknown), Absent: length(c.Seconds.Absent), Longest: length(c.LongestOutageS), Incidents: c.Incidents,
		Strip:    w.strip(c.Days, 1),
		Eventful: c.Seconds.Down > 0 || c.Incidents > 0 || c.SLO != nil && c.SLO.Verdict == availability.Missed,
		down:     c.Seconds.Down,
	}
	if c.SLO != nil {
		v.Promise = objective(c.SLO.Objective)
		v.Word = strings.ReplaceAll(string(c.SLO.Verdict), "_", " ")
		v.Budget = budget(c.SLO)
	}
	if c.LatencyMS != nil {
		q := c.LatencyMS.Total
		v.P50, v.P95, v.P99 = millis(q.P50), millis(q.P95), millis(q.P99)
	}
	return v
}

// budget says how much of the time that a check may be down is left.
func budget(s *api.SLO) string {
	if s.BudgetLeftS < 0 {
		return length(-s.BudgetLeftS) + " over"
	}
	return length(s.BudgetLeftS) + " left"
}

func millis(ms float64) string {
	if ms >= 10_000 {
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
