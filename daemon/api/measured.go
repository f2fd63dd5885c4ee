package api

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	periods "github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A past is what is known of the checks that were asked about.
type past struct {
	lives         map[config.CheckID]availability.Life
	incidents     map[config.CheckID][]occurrence // that went on in the period
	latency       map[config.CheckID]Quantiles
	certificates  []ReportCertificate
	completeSince time.Time // zero: it is not known
}

// An occurrence is an incident of the past.
type occurrence struct {
	ID                                       incident.ID
	Condition                                config.Condition
	Severity                                 config.Severity
	Cause                                    config.Cause
	Started, Reported, Notified, Acked, Over time.Time // zero: it did not come to that
	HandedOn                                 bool      // it is over, and nothing was repaired: it goes on as another one
}

// A survey makes figures of a period for some checks.
type survey struct {
	cfg    *config.Config
	checks []*config.Check // in their order
	period periods.Period
	now    time.Time
	past   past
	// first is the outermost group that is shown of a check: its index in the path.
	first func(*config.Check) int

	end   time.Time // of what can be known: the end of the period, or now
	lines [][]availability.Stretch
	// sums and before are of each check, in the period and in the one before.
	sums, before []availability.Seconds
	slos         []*SLO
	// days are of each check, between borders; nil: they were not asked for.
	borders []time.Time
	days    [][]availability.Seconds
}

// measure fills in what everything else is made of.
func (s *survey) measure() {
	s.end = s.period.To
	if s.now.Before(s.end) {
		s.end = s.now
	}
	beforeFrom, beforeTo := s.period.Before()
	for _, c := range s.checks {
		life := s.lifeOf(c, beforeFrom)
		corrections := CorrectionsOf(s.cfg, c)
		line := availability.Timeline(life, s.period.From, s.period.To, s.now, corrections)
		s.lines = append(s.lines, line)
		s.sums = append(s.sums, availability.Sum(line))
		s.before = append(s.before, availability.Measure(life, beforeFrom, beforeTo, s.now, corrections))
		s.slos = append(s.slos, s.judge(c, life, corrections, s.sums[len(s.sums)-1]))
		if s.borders != nil {
			s.days = append(s.days, availability.Days(life, s.borders, s.now, corrections))
		}
	}
}

// withDays has the days of the period measured, too. What of the first and of the last day is not
// in the period does not count.
func (s *survey) withDays() {
	if s.period.To.Sub(s.period.From) > mostDays*24*time.Hour {
		return
	}
	s.borders = availability.DayBorders(s.period.From, s.period.To, s.period.From.Location())
	s.borders[0], s.borders[len(s.borders)-1] = s.period.From, s.period.To
}

// mostDays is in how many days a report shows single days; of a longer time they are no picture.
const mostDays = 100

// daysOf returns the days of some checks together that were not OK all the time.
func (s *survey) daysOf(members []int) (list []Day) {
	for d := 0; d+1 < len(s.borders); d++ {
		var sum availability.Seconds
		for _, i := range members {
			sum = sum.Plus(s.days[i][d])
		}
		if sum.OK < sum.Total() || sum.Total() == 0 {
			day := s.borders[d].In(s.period.From.Location()).Format(time.DateOnly)
			list = append(list, Day{day, newStateSeconds(sum)})
		}
	}
	return list
}

// lifeOf returns what is known of a check. Of the time before the history is complete nothing
// is: a check that it does not know of may have been there.
func (s *survey) lifeOf(c *config.Check, from time.Time) availability.Life {
	return notBefore(s.past.lives[c.ID], s.past.completeSince, from)
}

// notBefore returns a life that is unknown from one time until the history is complete.
func notBefore(l availability.Life, complete, from time.Time) availability.Life {
	if complete.IsZero() || !from.Before(complete) {
		return l
	}
	known := availability.Life{Bouts: l.Bouts}
	for _, i := range l.Intervals {
		if i.Kind == availability.Absent && i.From.Before(complete) {
			if !i.To.IsZero() && !i.To.After(complete) {
				continue
			}
			i.From = complete
		}
		known.Intervals = append(known.Intervals, i)
	}
	known.Intervals = append(known.Intervals, availability.Interval{From: from, To: complete, Kind: availability.Unknown, Why: "the history was not begun"})
	return known
}

// CorrectionsOf returns the corrections that apply to a check.
func CorrectionsOf(cfg *config.Config, check *config.Check) (list []config.Correction) {
	for i := range cfg.Corrections {
		if appliesTo(&cfg.Corrections[i], check) {
			list = append(list, cfg.Corrections[i])
		}
	}
	return list
}

func appliesTo(c *config.Correction, check *config.Check) bool {
	return slices.ContainsFunc(c.AppliesTo, func(ref config.Ref) bool { return calendar.Covers(ref, check) })
}

// judge compares the sums of a check with what is promised; nil: nothing is.
func (s *survey) judge(c *config.Check, l availability.Life, corrections []config.Correction, sums availability.Seconds) *SLO {
	promise := c.Policy.SLO
	if promise == 0 {
		return nil
	}
	burn := func(length time.Duration) *float64 {
		return availability.Burn(availability.Measure(l, s.end.Add(-length), s.end, s.now, corrections), promise)
	}
	judged := availability.Judge(sums, promise)
	slo := &SLO{
		Objective: judged.Objective, Verdict: judged.Verdict, BudgetS: judged.Budget.Seconds(), BudgetLeftS: judged.Left.Seconds(),
		Burn: Burn{burn(time.Hour), burn(6 * time.Hour), burn(burnDays)},
	}
	if !s.period.To.Before(s.now) { // of a period that is over nothing more is used
		slo.GoneAt = moment(availability.BudgetGone(judged, slo.Burn.ThreeDays, s.now))
	}
	return slo
}

// burnDays is the longest time that a burn rate is measured over.
const burnDays = 3 * 24 * time.Hour

func (s *survey) availability() Availability {
	s.measure()
	a := Availability{
		From: s.period.From.UTC(), To: s.end.UTC(), Timezone: zoneName(s.period.From.Location()), Period: s.period.Name,
		CompleteSince: moment(s.past.completeSince), Checks: make([]CheckAvailability, 0, len(s.checks)),
	}
	if s.period.To.After(s.now) {
		a.Until = moment(s.period.To)
	}
	for i := range s.checks {
		a.Checks = append(a.Checks, s.check(i))
	}
	a.Groups = s.groups()
	a.Total = s.group("", allOf(s.checks))
	a.Corrections = s.corrections()
	return a
}

func allOf(checks []*config.Check) []int {
	all := make([]int, len(checks))
	for i := range all {
		all[i] = i
	}
	return all
}

func (s *survey) check(i int) CheckAvailability {
	c := s.checks[i]
	v := CheckAvailability{
		Days: s.daysOf([]int{i}), ID: c.ID, Label: c.Label, PublicName: s.cfg.PublicName(c), Server: c.Server, Groups: s.groupNames(c), Seconds: newStateSeconds(s.sums[i]), Ratios: newRatios(s.sums[i]),
		Before: s.before[i].Figures().Availability, SLO: s.slos[i], LongestOutageS: availability.LongestOutage(s.lines[i]).Seconds(),
	}
	for _, o := range s.past.incidents[c.ID] {
		if !o.Reported.IsZero() {
			v.Incidents++
		}
	}
	v.Steps = newSteps(availability.StepsOf(s.ofService(i)))
	if q, ok := s.past.latency[c.ID]; ok {
		v.LatencyMS = &Latency{q}
	}
	return v
}

// ofService returns the incidents of the service of a check that were reported.
func (s *survey) ofService(i int) (list []availability.Incident) {
	for _, o := range s.past.incidents[s.checks[i].ID] {
		if o.Condition == config.ConditionService && !o.Reported.IsZero() {
			in := availability.Incident{Started: o.Started, Reported: o.Reported, Notified: o.Notified, Acknowledged: o.Acked, Ended: o.Over}
			if o.HandedOn {
				in.Ended = time.Time{}
			}
			list = append(list, in)
		}
	}
	return list
}

// groupNames returns the names of the groups of a check, outermost first, that may be shown.
func (s *survey) groupNames(c *config.Check) []string {
	names := []string{}
	for _, g := range c.Path[s.first(c):] {
		names = append(names, path.Base(string(g)))
	}
	return names
}

func (s *survey) groups() []GroupAvailability {
	members := map[config.GroupID][]int{}
	for i, c := range s.checks {
		for _, g := range c.Path[s.first(c):] {
			members[g] = append(members[g], i)
		}
	}
	list := make([]GroupAvailability, 0, len(members))
	for _, id := range slices.SortedFunc(maps.Keys(members), config.NaturalOrder) {
		list = append(list, s.group(id, members[id]))
	}
	return list
}

func (s *survey) group(id config.GroupID, members []int) GroupAvailability {
	v := GroupAvailability{ID: id, Checks: len(members), Days: s.daysOf(members)}
	if g, ok := s.cfg.Groups[id]; ok {
		v.Label = g.Label
	}
	var sum, before availability.Seconds
	var incidents []availability.Incident
	lines := make([][]availability.Stretch, 0, len(members))
	for _, i := range members {
		sum, before = sum.Plus(s.sums[i]), before.Plus(s.before[i])
		lines = append(lines, s.lines[i])
		v.Promises.add(s.slos[i])
		incidents = append(incidents, s.ofService(i)...)
	}
	v.Steps = newSteps(availability.StepsOf(incidents))
	together := availability.Compare(lines...)
	v.Ratios, v.Before = newRatios(sum), before.Figures().Availability
	v.AnyDownS, v.AllDownS = together.AnyDown.Seconds(), together.AllDown.Seconds()
	return v
}

// add counts what became of one promise.
func (p *Promises) add(slo *SLO) {
	if slo == nil {
		return
	}
	switch {
	case p.Count() == 0:
		p.Objective = &slo.Objective
	case p.Objective != nil && *p.Objective != slo.Objective:
		p.Objective = nil
	}
	switch slo.Verdict {
	case availability.Kept:
		p.Kept++
	case availability.Missed:
		p.Missed++
	case availability.NotProven:
		p.NotProven++
	}
}

// corrections returns those that change something of the period, with the figures of the
// checks that they apply to.
func (s *survey) corrections() []Correction {
	list := []Correction{}
	for i := range s.cfg.Corrections {
		c := &s.cfg.Corrections[i]
		if !c.Start.Before(s.end) || !s.period.From.Before(c.End) {
			continue
		}
		if v := s.correction(c); v.Checks > 0 {
			list = append(list, v)
		}
	}
	slices.SortStableFunc(list, func(a, b Correction) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Name, b.Name)) })
	return list
}

func (s *survey) correction(c *config.Correction) Correction {
	v := Correction{Name: c.Name, AppliesTo: []string{}, From: c.Start.UTC(), To: c.End.UTC(), CountAs: c.CountAs, Reason: c.Reason}
	var without, with availability.Seconds
	shown := map[config.Ref]bool{}
	for i, check := range s.checks {
		if !appliesTo(c, check) {
			continue
		}
		others := slices.DeleteFunc(CorrectionsOf(s.cfg, check), func(o config.Correction) bool { return o.Name == c.Name })
		without = without.Plus(availability.Measure(s.lifeOf(check, s.period.From), s.period.From, s.period.To, s.now, others))
		with = with.Plus(s.sums[i])
		v.Checks++
		for _, ref := range c.AppliesTo {
			shown[ref] = shown[ref] || calendar.Covers(ref, check)
		}
	}
	v.Before, v.After = without.Figures().Availability, with.Figures().Availability
	for _, ref := range c.AppliesTo {
		if shown[ref] { // what covers none of these checks is not the business of whoever asks
			v.AppliesTo = append(v.AppliesTo, ref.String())
		}
	}
	return v
}

func newStateSeconds(s availability.Seconds) StateSeconds {
	return StateSeconds{
		Absent: s.Absent.Seconds(), Maintenance: s.Maintenance.Seconds(), Unknown: s.Unknown.Seconds(),
		Down: s.Down.Seconds(), Degraded: s.Degraded.Seconds(), OK: s.OK.Seconds(),
	}
}

func newRatios(s availability.Seconds) Ratios { return Ratios(s.Figures()) }

func newSteps(s availability.Steps) Steps {
	return Steps{newSpread(s.Notice), newSpread(s.Told), newSpread(s.Acknowledge), newSpread(s.Repair)}
}

func newSpread(s availability.Spread) Spread {
	if s.Count == 0 {
		return Spread{}
	}
	median, worst := s.Median.Seconds(), s.Worst.Seconds()
	return Spread{&median, &worst, s.Count}
}
