package hclfile

import (
	"fmt"
	"math"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// durationBetween returns a kind for a duration from low to high.
func durationBetween(low, high time.Duration) kind { return spanKind(low, high, false) }

// spanOrZero returns a kind for a duration from low to high, or "0s", which switches
// off.
func spanOrZero(low, high time.Duration) kind { return spanKind(low, high, true) }

func spanKind(low, high time.Duration, zero bool) kind {
	return kind{name: "duration", bounds: spanBounds(low, high, zero), read: func(r *reading) (value, bool) {
		if r.v.Type() == cty.Number {
			return r.withoutUnit()
		}
		v, ok := r.str()
		if !ok {
			return v, false
		}
		d, err := config.ParseDuration(v.text)
		if err != nil {
			_, withUnit := config.ParseDuration(v.text + "s")
			meant, ok := config.DurationMeant(v.text)
			switch {
			case withUnit == nil && r.shown():
				return r.wrong(ruleDuration, "%s must have a unit. For seconds write\n    %s = \"%ss\"", r.attr.name, r.attr.name, v.text)
			case ok && r.shown():
				return r.wrong(ruleDuration, "%s: %s. Write\n    %s = %q", diagnose.Capital(r.show(v.text)), err, r.attr.name, meant)
			}
			return r.wrong(ruleDuration, "%s: %s.", diagnose.Capital(r.show(v.text)), err)
		}
		if (d < low || d > high) && (!zero || d != 0) {
			bounds := spanBounds(low, high, zero)
			if d > unbounded { // "1h or more" would not say what is wrong
				bounds = "at most ten years"
			}
			return r.wrong(ruleBounds, "%s must be %s, not %s.", r.attr.name, bounds, complaint{diagnose.Quoted(v.text), "another duration"}.says(r.shown()))
		}
		return value{number: float64(d)}, true
	}}
}

// withoutUnit reports a number that should be a duration, with how to write it.
func (r *reading) withoutUnit() (value, bool) {
	n, _ := r.v.AsBigFloat().Float64()
	if n < 0 || math.IsInf(n, 0) {
		return r.wrong(ruleDuration, "%s must not be a plain number: %s.", r.attr.name, config.ErrDuration)
	}
	seconds := formatNumber(n)
	if !r.shown() {
		// The number comes from a local, which stays where it is: "${local.n}s".
		seconds = "${" + r.source() + "}"
	}
	return r.wrong(ruleDuration, "%s must have a unit. For seconds write\n    %s = \"%ss\"", r.attr.name, r.attr.name, seconds)
}

// spanBounds returns the bounds of a duration in a sentence.
func spanBounds(low, high time.Duration, zero bool) string {
	text := fmt.Sprintf("from %q to %q", config.FormatDuration(low), config.FormatDuration(high))
	switch {
	case high >= unbounded && low == 0:
		text = "at most ten years"
	case high >= unbounded:
		text = fmt.Sprintf("%q or more", config.FormatDuration(low))
	}
	if zero && low > 0 {
		text += `, or "0s"`
	}
	return text
}

// span returns a value that [span] has read.
func (v value) span() time.Duration { return time.Duration(v.number) }
