package probe

import (
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// longestBackoff bounds what a server may ask for: while no login is tried, nothing
// is known of what lies behind it.
const longestBackoff = 15 * time.Minute

// timeUnits are how servers write them, behind a number.
var timeUnits = map[string]time.Duration{
	"ms": time.Millisecond, "msec": time.Millisecond, "msecs": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
}

// leadToTime are the words before a time to wait: "try again in 10 minutes",
// "Suggested Backoff Time: 299961 milliseconds". Not "in the last 10 minutes".
var leadToTime = setOf("in after for wait time least backoff another")

// backoffAsked returns how long a server asks to be left alone when it says that there was too much
// of something, or holds failed logins against somebody, at most 15 minutes; 0 when it does not say
// so.
func backoffAsked(m meaning, s statement) time.Duration {
	if m.cause != config.CauseConnectionLimit && !m.banned {
		return 0
	}
	words := strings.Fields(s.plainWords())
	for i := 1; i+1 < len(words); i++ {
		unit, known := timeUnits[words[i+1]]
		n, err := strconv.ParseInt(words[i], 10, 32)
		switch {
		case !known || err != nil || n <= 0 || !leadToTime[words[i-1]]:
		// Compared before it is multiplied: 2^31 hours do not fit a time.Duration.
		case n >= int64(longestBackoff/unit):
			return longestBackoff
		default:
			return time.Duration(n) * unit
		}
	}
	return 0
}

// postpone makes the logins of an account wait, because the server asked for it.
func (a *accounts) postpone(c claim, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.accountFor(c.key)
	// A shorter pause that is asked for later does not take back the longer one.
	if until := time.Now().Add(wait); until.After(acc.asked) {
		acc.asked = until
	}
}
