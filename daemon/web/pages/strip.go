package pages

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A day is a day of the page's zone, and how long the check or the group was in each
// state.
type day struct {
	Date time.Time // its midnight
	availability.Seconds
}

// A strip is a row of bars, one a day. A bar is filled from below by the share of the day
// in which the service was down, then degraded, then what is not known, then maintenance;
// what remains is OK.
type strip struct {
	Days  int
	Tall  bool
	Label string
	Walk  string // of the table that has the days in words; empty: the bars are not walked
	Rects []rect
}

const (
	stripHeight, tallStripHeight = 20, 40
	// leastFill is how high what happened is drawn at least, in pixels: one minute of a
	// day would be invisible.
	leastFill = 2
)

// A rect is a part of a strip. Widths are percentages, so that a strip is as wide as there
// is room, and patterns are not stretched with it; heights are pixels.
type rect struct {
	Class string // what the style sheet colours it by
	Fill  string // the pattern; empty: Class has the colour
	X, W  string
	Y, H  int
}

// bar is how high each part of a day is drawn, in pixels from below; none: no data.
type bar struct {
	down, degraded, unknown, maintenance int
	none                                 bool
}

// newStrip draws days, the oldest first. Days that look alike are one rect.
func newStrip(days []day, tall bool) strip {
	s := strip{Days: len(days), Tall: tall, Label: stripLabel(days)}
	height := stripHeight
	if tall {
		height = tallStripHeight
	}
	bars := make([]bar, len(days))
	for i := range days {
		bars[i] = newBar(days[i].Seconds, height)
	}
	s.add(rect{Class: "f-ok", H: height}, 0, len(bars))
	for from := 0; from < len(bars); {
		to := from + 1
		for to < len(bars) && bars[to] == bars[from] {
			to++
		}
		s.addBar(bars[from], from, to, height)
		from = to
	}
	return s
}

// add draws a rect over some of the days.
func (s *strip) add(r rect, from, to int) {
	if s.Days > 0 {
		r.X, r.W = percentOf(from, s.Days), percentOf(to-from, s.Days)
		s.Rects = append(s.Rects, r)
	}
}

// addBar draws what was not OK, from below.
func (s *strip) addBar(d bar, from, to, height int) {
	if d.none {
		s.add(rect{Class: "f-none", H: height}, from, to)
		return
	}
	base := height
	for _, part := range []struct {
		pixels      int
		class, fill string
	}{
		{d.down, "f-down", ""}, {d.degraded, "f-degraded", ""}, {d.unknown, "", "url(#hatch)"}, {d.maintenance, "", "url(#dots)"},
	} {
		if part.pixels > 0 {
			base -= part.pixels
			s.add(rect{Class: part.class, Fill: part.fill, Y: base, H: part.pixels}, from, to)
		}
	}
}

// newBar returns how a day is drawn.
func newBar(s availability.Seconds, height int) bar {
	whole := s.Maintenance + s.Unknown + s.Down + s.Degraded + s.OK
	if whole <= 0 {
		return bar{none: true}
	}
	left := height
	fill := func(part time.Duration) int {
		if part <= 0 {
			return 0
		}
		pixels := min(left, max(leastFill, int(math.Round(float64(part)/float64(whole)*float64(height)))))
		left -= pixels
		return pixels
	}
	// The order in which they are given room is that in which they are drawn.
	return bar{down: fill(s.Down), degraded: fill(s.Degraded), unknown: fill(s.Unknown), maintenance: fill(s.Maintenance)}
}

// percentOf returns a part as a length of SVG, to the thousandth.
func percentOf(n, of int) string {
	return strconv.FormatFloat(math.Round(float64(n)/float64(of)*1e5)/1e3, 'f', -1, 64) + "%"
}

// mostNamedDays is how many bad days the label of a strip names.
const mostNamedDays = 5

// stripLabel says what a strip shows to those who do not see it.
func stripLabel(days []day) string {
	var bad []string
	worst, known := 0, false
	for _, d := range days {
		known = known || d.Down+d.Degraded+d.OK > 0
		if d.Down <= 0 {
			continue
		}
		if worst++; worst <= mostNamedDays {
			bad = append(bad, d.Date.Format(time.DateOnly)+" down for "+coarse(d.Down))
		}
	}
	span := counted(len(days), "day", "days") + ": "
	switch {
	case !known:
		return span + "no data"
	case worst == 0:
		return span + "never down"
	case worst > mostNamedDays:
		bad = append(bad, "and "+counted(worst-mostNamedDays, "more day", "more days"))
	}
	return span + strings.Join(bad, ", ")
}
