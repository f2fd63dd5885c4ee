package pages

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// A latencyChart is how long good conversations took: the median as a line, and behind it, as
// smoke, what 95 and 99 of 100 did not exceed. The time in which the check was down, unknown or in
// maintenance is shaded, because a line that is missing says nothing.
//
// It is drawn in a box of chartWidth by chartHeight that is stretched to the room there is.
type latencyChart struct {
	Key, Name string // of the window
	Windows   []windowLink
	Median    string // the path of the line
	Smoke95   string
	Smoke99   string
	Shades    []shade
	Grid      string   // the path of the lines behind
	Scale     []string // the times at the left, from above
	Dates     []string // the times below, from the left
	Now       string   // the last median
	Worst     string   // the longest of all
	Empty     bool
	From, To  string // of the window, for the script
	Label     string
}

type windowLink struct {
	Key, Name, Link string
	Current         bool
}

// A shade is a time in which the check was not OK.
type shade struct {
	Class, Fill string
	X, W        string
	Title       string
}

const (
	chartWidth, chartHeight = 1000, 200
	chartPoints             = 200 // about so many are drawn
)

// latency draws the window that the page is about.
func (f *fleet) latency(ctx context.Context, past pastReader, c *config.Check, up *uptime, win window) (*latencyChart, error) {
	s := win.span()
	from, name := f.At.Add(-s.Length), "the last "+s.Name
	if up.since.After(from) { // before that nothing can be drawn
		from, name = up.since, "since "+f.clock.at(&up.since).Near()
	}
	length := f.At.Sub(from)
	step := max(time.Minute, (length / chartPoints).Round(time.Minute))
	points, err := past.Points(ctx, c.ID, from, f.At, step)
	if err != nil {
		return nil, err
	}
	l := &latencyChart{Key: s.Key, Name: name, From: from.UTC().Format(time.RFC3339), To: f.At.UTC().Format(time.RFC3339)}
	for _, o := range spans {
		l.Windows = append(l.Windows, windowLink{o.Key, o.Name, checkLink(c.ID) + "?window=" + o.Key + "#latency", o.Key == s.Key})
	}
	plot := plot{from: from, length: length, top: topOf(points)}
	l.Empty = plot.top == 0
	l.Dates = plot.dates(f.clock.zone)
	l.Scale, l.Grid = plot.scale()
	l.Median, l.Smoke95, l.Smoke99 = plot.line(points, step), plot.smoke(points, step, p95), plot.smoke(points, step, p99)
	for _, part := range availability.Timeline(up.life, from, f.At, f.At, api.CorrectionsOf(f.Config, c)) {
		if sh, drawn := plot.shade(part); drawn {
			l.Shades = append(l.Shades, sh)
		}
	}
	var worst, last time.Duration
	for i := range points {
		worst = max(worst, points[i].Max)
		if m := p50(&points[i]); m > 0 {
			last = m
		}
	}
	l.Now, l.Worst = durationOrNothing(last), durationOrNothing(worst)
	l.Label = "Latency, " + name + ": median " + l.Now + ", longest " + l.Worst
	return l, nil
}

func p50(p *history.Point) time.Duration { return p.P50[config.WholeConversation] }
func p95(p *history.Point) time.Duration { return p.P95[config.WholeConversation] }
func p99(p *history.Point) time.Duration { return p.P99[config.WholeConversation] }

// topOf returns a round time above almost all of the points; 0: nothing was measured. One spike
// must not press everything else to the ground: the picture ends at four times the highest
// 95th percentile.
func topOf(points []history.Point) time.Duration {
	var high, higher time.Duration
	for i := range points {
		high, higher = max(high, p95(&points[i])), max(higher, p99(&points[i]))
	}
	const most = 4
	top := min(higher, most*high)
	if top <= 0 {
		return 0
	}
	step := roundStep(top, mostLines)
	return top + (step-top%step)%step
}

// mostLines is how many lines the chart has above the lowest one.
const mostLines = 4

// A plot places times and durations in the box of the chart.
type plot struct {
	from        time.Time
	length, top time.Duration
}

func (p plot) x(at time.Time) float64 {
	return chartWidth * float64(at.Sub(p.from)) / float64(p.length)
}

func (p plot) y(d time.Duration) float64 {
	return chartHeight * (1 - min(1, float64(d)/float64(max(1, p.top))))
}

func (p plot) point(b *strings.Builder, letter byte, at time.Time, d time.Duration) {
	b.WriteByte(letter)
	b.WriteString(strconv.FormatFloat(p.x(at), 'f', 1, 64))
	b.WriteByte(' ')
	b.WriteString(strconv.FormatFloat(p.y(d), 'f', 1, 64))
}

// line draws the medians. Where nothing was measured it has a gap.
func (p plot) line(points []history.Point, step time.Duration) string {
	var b strings.Builder
	for _, run := range measuredRuns(points, step) {
		letter := byte('M')
		for i := range run {
			p.point(&b, letter, run[i].At.Add(step/2), p50(&run[i]))
			letter = 'L'
		}
		if len(run) == 1 { // a point alone would not be seen
			p.point(&b, 'L', run[0].At.Add(step), p50(&run[0]))
		}
	}
	return b.String()
}

// smoke draws the area between the median and a higher percentile.
func (p plot) smoke(points []history.Point, step time.Duration, of func(*history.Point) time.Duration) string {
	var b strings.Builder
	for _, run := range measuredRuns(points, step) {
		letter := byte('M')
		for i := range run {
			p.point(&b, letter, run[i].At.Add(step/2), of(&run[i]))
			letter = 'L'
		}
		for i := len(run) - 1; i >= 0; i-- {
			p.point(&b, 'L', run[i].At.Add(step/2), p50(&run[i]))
		}
		b.WriteByte('Z')
	}
	return b.String()
}

// measuredRuns returns the points without a gap between them.
func measuredRuns(points []history.Point, step time.Duration) (runs [][]history.Point) {
	begin := -1
	for i := range points {
		if p50(&points[i]) <= 0 {
			if begin >= 0 {
				runs = append(runs, points[begin:i])
			}
			begin = -1
			continue
		}
		if begin >= 0 && points[i].At.Sub(points[i-1].At) > 2*step {
			runs = append(runs, points[begin:i])
			begin = -1
		}
		if begin < 0 {
			begin = i
		}
	}
	if begin >= 0 {
		runs = append(runs, points[begin:])
	}
	return runs
}

// shade returns how a time that was not OK is drawn.
func (p plot) shade(s availability.Stretch) (sh shade, drawn bool) {
	switch s.State {
	case availability.IsDown:
		sh.Class = "shade-down"
	case availability.IsUnknown:
		sh.Fill = "url(#hatch)"
	case availability.InMaintenance:
		sh.Fill = "url(#dots)"
	case availability.IsAbsent, availability.IsPaused:
		sh.Class = "shade-none"
	case availability.IsDegraded:
		sh.Class = "shade-degraded"
	case availability.IsOK:
		return sh, false
	}
	x, w := 100*p.x(s.From)/chartWidth, 100*p.x(s.To)/chartWidth
	sh.X, sh.W = percentText(x), percentText(max(0.2, w-x))
	sh.Title = string(s.State) + " " + coarse(s.To.Sub(s.From))
	return sh, true
}

// scale are the times at the left of the chart, from above, and the lines that they stand at.
func (p plot) scale() (list []string, grid string) {
	if p.top == 0 {
		return nil, ""
	}
	step := roundStep(p.top, mostLines)
	for at := p.top; at >= 0; at -= step {
		list = append(list, tickTime(at))
		if at > 0 && at < p.top {
			grid += fmt.Sprintf("M0 %.1fH%d", p.y(at), chartWidth)
		}
	}
	return list, grid
}

// dates are the times below the chart, from the left.
func (p plot) dates(zone *time.Location) (list []string) {
	const marks = 5
	form := "15:04"
	if p.length > 2*aDay {
		form = "2 Jan"
	}
	for i := range marks {
		list = append(list, p.from.Add(p.length*time.Duration(i)/(marks-1)).In(zone).Format(form))
	}
	return list
}
