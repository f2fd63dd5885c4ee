package config

import (
	"fmt"
	"regexp"
	"strings"
)

// unitWords are the names of units that people write out.
var unitWords = map[string]string{
	"ms": "ms", "msec": "ms", "millisecond": "ms", "milliseconds": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "sek": "s", "sekunde": "s", "sekunden": "s",
	"m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m", "minuten": "m",
	"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "std": "h", "stunde": "h", "stunden": "h",
	"y": "y", "yr": "y", "yrs": "y", "year": "y", "years": "y", "jahr": "y", "jahre": "y", "jahren": "y",
	"d": "d", "day": "d", "days": "d", "tag": "d", "tage": "d", "tagen": "d",
}

var numberAndUnit = regexp.MustCompile(`([0-9]+(?:[.,][0-9]+)?)\s*(\pL+)\.?`)

// DurationMeant returns a duration as the language writes it, of one with units that are
// written out, with spaces, or with a comma; false where nobody can tell.
func DurationMeant(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	meant := ""
	rest := numberAndUnit.ReplaceAllStringFunc(text, func(part string) string {
		m := numberAndUnit.FindStringSubmatch(part)
		number, unit := strings.Replace(m[1], ",", ".", 1), unitWords[m[2]]
		if strings.HasPrefix(m[2], "week") || m[2] == "w" || strings.HasPrefix(m[2], "woche") {
			var weeks int
			if _, err := fmt.Sscanf(number, "%d", &weeks); err == nil && weeks < 1000 && !strings.Contains(number, ".") {
				// The language has no weeks. A thousand of them is more than any bound
				// allows.
				number, unit = fmt.Sprint(7*weeks), "d"
			}
		}
		if unit == "" {
			return part
		}
		meant += number + unit
		return ""
	})
	rest = strings.Trim(strings.ReplaceAll(rest, "and", ""), " ,")
	_, err := ParseDuration(meant)
	return meant, rest == "" && err == nil
}
