package config

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour
	// year is how long a year is in the language: what is kept for years need not end on a
	// certain day.
	year = 365 * day
)

// units are the units of a duration in the language, largest first.
var units = []struct {
	name string
	size time.Duration
}{
	{"d", day},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// FormatDuration returns a duration as users write it: "90s" is "1m30s", two weeks
// are "14d", nothing is "0s". What is below a millisecond is cut off.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range units {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

var (
	durationPattern = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)?(?:y|d|h|ms|m|s))+$`)
	durationPart    = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)(y|d|h|ms|m|s)`)
)

// ErrDuration says how a duration is written.
var ErrDuration = errors.New(`a duration is a number and a unit (ms, s, m, h, d, y), like "90s", "5m", "1h30m" or "14d"`)

// ParseDuration reads "90s", "1h30m", "14d", "5y". It knows days, years of 365 days, and no
// sign: nothing in the language is negative. The error is [ErrDuration].
func ParseDuration(text string) (time.Duration, error) {
	if !durationPattern.MatchString(text) || len(text) > 64 {
		return 0, ErrDuration
	}
	var total float64
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, ErrDuration
		}
		size := year // which FormatDuration writes as days
		for _, u := range units {
			if u.name == part[2] {
				size = u.size
			}
		}
		total += n * float64(size)
	}
	// A time.Duration overflows at 292 years.
	const century = 100 * float64(year)
	if total > century {
		return 0, ErrDuration
	}
	// A float64 holds fractions such as 0.1 only nearly.
	return time.Duration(total).Round(time.Microsecond), nil
}
