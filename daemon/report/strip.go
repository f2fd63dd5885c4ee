package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A Strip is the days of a period as bars. A part of a bar is filled from below; what is filled
// has a pattern or a place of its own beside its colour.
type Strip struct {
	Width int
	Paths []Path // one a class: a rect a day would make a file of 400 checks four times as large
	Label string // for those who do not see it
}

// A Path is all parts of bars of one class.
type Path struct {
	Class string // none, ok, down, degraded, unknown, maintenance
	D     string
}

// add draws a part of a bar.
func (s *Strip) add(class string, x, y, height int) {
	i := slices.IndexFunc(s.Paths, func(p Path) bool { return p.Class == class })
	if i < 0 {
		i = len(s.Paths)
		s.Paths = append(s.Paths, Path{Class: class})
	}
	s.Paths[i].D += fmt.Sprintf("M%d %dh%dv%dh-%dz", x, y, barWidth, height, barWidth)
}

// sort puts what is above all else last.
func (s *Strip) sort() {
	order := []string{"none", "ok", "maintenance", "unknown", "degraded", "down"}
	slices.SortFunc(s.Paths, func(a, b Path) int { return slices.Index(order, a.Class) - slices.Index(order, b.Class) })
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
		s.draw(s.Width, d)
		if eventful && d.Seconds.Down > 0 {
			bad = append(bad, fmt.Sprintf("%s down %s", day, length(d.Seconds.Down/float64(max(1, checks)))))
		}
		s.Width += barStep
	}
	s.sort()
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

// draw draws one day: all of it, and what was wrong above that.
func (s *Strip) draw(x int, d *api.Day) {
	if d == nil {
		s.add("ok", x, 0, barHeight)
		return
	}
	day := d.Seconds
	counts := day.Down + day.Degraded + day.OK + day.Unknown + day.Maintenance
	ground := "ok"
	if day.Down+day.Degraded+day.OK == 0 {
		ground = "none"
	}
	s.add(ground, x, 0, barHeight)
	bottom := barHeight
	for _, part := range []struct {
		seconds float64
		class   string
	}{{day.Down, "down"}, {day.Degraded, "degraded"}, {day.Unknown, "unknown"}, {day.Maintenance, "maintenance"}} {
		if part.seconds == 0 || bottom == 0 {
			continue
		}
		height := min(bottom, max(leastFill, int(math.Round(part.seconds/counts*barHeight))))
		bottom -= height
		s.add(part.class, x, bottom, height)
	}
}
