package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A Strip is the days of a period as bars.
type Strip struct {
	Width int
	Bars  []Bar
	Label string // for those who do not see it
}

// A Bar is one day, or several that are alike. A part of it is filled from below; what is
// filled has a pattern of its own beside its colour.
type Bar struct {
	X, Width, Y, Height int
	Class               string // none, ok, down, degraded, unknown, maintenance
}

const (
	barStep   = 5 // of a day, with the gap behind it
	barWidth  = 4
	barHeight = 20
	leastFill = 3 // four minutes of a day can be seen
)

// strip draws the days of some checks together. Days that are not listed were OK.
func (w *writer) strip(days []api.Day, checks int) Strip {
	index := map[string]*api.Day{}
	for i := range days {
		index[days[i].Day] = &days[i]
	}
	s := Strip{}
	var bad []string
	for _, day := range w.days() {
		d, eventful := index[day]
		s.Bars = append(s.Bars, barsOf(s.Width, d)...)
		if eventful && d.Seconds.Down > 0 {
			bad = append(bad, fmt.Sprintf("%s down %s", day, length(d.Seconds.Down/float64(max(1, checks)))))
		}
		s.Width += barStep
	}
	switch {
	case len(bad) == 0:
		s.Label = "no day with an outage"
	case len(bad) > 5:
		s.Label = fmt.Sprintf("%d days with outages", len(bad))
	default:
		s.Label = strings.Join(bad, ", ")
	}
	return s
}

// days returns the days of the period: at most 100, or none, because more are no picture.
func (w *writer) days() (list []string) {
	end := w.report.To
	if w.report.Until != nil {
		end = *w.report.Until
	}
	const most = 100
	if end.Sub(w.report.From) > most*24*time.Hour {
		return nil
	}
	y, m, d := w.report.From.In(w.Zone).Date()
	for i := 0; ; i++ {
		noon := time.Date(y, m, d+i, 12, 0, 0, 0, w.Zone)
		if noon.Add(-12*time.Hour).After(end.Add(-time.Second)) || i > most {
			return list
		}
		list = append(list, noon.Format(time.DateOnly))
	}
}

// barsOf draws one day: all of it, and what was wrong above that.
func barsOf(x int, d *api.Day) []Bar {
	whole := func(class string) Bar { return Bar{x, barWidth, 0, barHeight, class} }
	if d == nil {
		return []Bar{whole("ok")}
	}
	s := d.Seconds
	counts := s.Down + s.Degraded + s.OK + s.Unknown + s.Maintenance
	if counts == 0 {
		return []Bar{whole("none")}
	}
	bars := []Bar{whole("ok")}
	if s.Down+s.Degraded+s.OK == 0 {
		bars = []Bar{whole("none")}
	}
	bottom := barHeight
	for _, part := range []struct {
		seconds float64
		class   string
	}{{s.Down, "down"}, {s.Degraded, "degraded"}, {s.Unknown, "unknown"}, {s.Maintenance, "maintenance"}} {
		if part.seconds == 0 || bottom == 0 {
			continue
		}
		height := min(bottom, max(leastFill, int(math.Round(part.seconds/counts*barHeight))))
		bottom -= height
		bars = append(bars, Bar{x, barWidth, bottom, height, part.class})
	}
	return bars
}
