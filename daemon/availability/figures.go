package availability

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Figures are ratios from 0 to 1; nil: there is no data to make one of.
type Figures struct {
	Availability *float64 // of the time that was judged
	Coverage     *float64 // how much of the time that counts was judged
	Floor        *float64 // the availability if the unknown time had been down
	Ceiling      *float64 // the availability if the unknown time had been up
	Strict       *float64 // the availability with failures that were too short to be reported
}

// Figures makes the ratios of sums.
func (s Seconds) Figures() Figures {
	up, down, unknown := s.Up(), s.Down, s.Unknown
	return Figures{
		Availability: ratio(up, up+down),
		Coverage:     ratio(up+down, up+down+unknown),
		Floor:        ratio(up, up+down+unknown),
		Ceiling:      ratio(up+unknown, up+down+unknown),
		Strict:       ratio(up-s.Short, up+down),
	}
}

// Up returns the time in which the service worked, degraded or not.
func (s Seconds) Up() time.Duration { return s.OK + s.Degraded }

// ratio divides; nil of nothing. What is less than the whole never becomes 1 by rounding.
func ratio(part, whole time.Duration) *float64 {
	if whole <= 0 {
		return nil
	}
	r := float64(part) / float64(whole)
	if part < whole && r >= 1 {
		r = math.Nextafter(1, 0)
	}
	return &r
}

// NoData is what people read where there is no figure.
const NoData = "no data"

// Percent writes a ratio for people: "99.95 %". It is cut, not rounded, so that it never says
// more than was kept, and has two decimals, or as many as show that it is less than 100: at
// most those that one second in a year needs.
func Percent(r *float64) string {
	if r == nil {
		return NoData
	}
	const most = 6 // a second is 0.0000032 % of a year
	// Nine decimals are exact enough for a second, and undo what binary fractions lack: 0.999
	// must not become 99.89 %.
	text := strconv.FormatFloat(*r*100, 'f', 9, 64)
	if *r < 1 && strings.HasPrefix(text, "100") {
		text = "99.999999999"
	}
	whole, fraction, _ := strings.Cut(text, ".")
	decimals := 2
	for whole == "99" && decimals < most && strings.Trim(fraction[:decimals], "9") == "" {
		decimals++
	}
	return whole + "." + fraction[:decimals] + " %"
}
