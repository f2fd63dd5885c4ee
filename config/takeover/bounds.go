package takeover

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const day = 24 * time.Hour

// within sets an attribute to a duration, or to the bound that it goes beyond. Zero means
// that the monitor said nothing.
func (s *service) within(name string, d, low, high time.Duration) {
	if d <= 0 {
		return
	}
	bounded := min(max(d, low), high)
	if bounded != d {
		s.note("%s was %s, which is beyond the bounds.", name, config.FormatDuration(d))
	}
	s.set(name, quoteDuration(bounded))
}

func quoteDuration(d time.Duration) string { return quote(config.FormatDuration(d)) }

// setInterval sets how often a service is probed, unless it is the default.
func (s *service) setInterval(d time.Duration) {
	if d != config.DefaultInterval {
		s.within("interval", d, time.Second, day)
	}
}

// timeLimit sets the time for a conversation, which is over before the next begins.
func (s *service) timeLimit(d, interval time.Duration) {
	if interval <= 0 {
		interval = config.DefaultInterval
	}
	if d = min(d, max(interval, time.Second)); d != min(config.DefaultTimeout, interval) {
		s.within("timeout", d, 100*time.Millisecond, day)
	}
}

// tolerate sets how long a failure lasts before anybody is notified: failures in a row,
// of which the first counts from its beginning.
func (s *service) tolerate(name string, failures int, pause time.Duration) {
	if failures > 0 && failures < 10_000 && pause > 0 {
		if d := time.Duration(failures-1) * pause; d > 0 {
			s.within(name, d, 0, 3650*day)
		} else {
			s.set(name, quoteDuration(0))
		}
	}
}

// warnBefore sets how long before its end a certificate is a warning.
func (s *service) warnBefore(d time.Duration) { s.expiry("expiry_warning", d) }

// criticalBefore sets how long before its end a certificate is critical.
func (s *service) criticalBefore(d time.Duration) { s.expiry("expiry_critical", d) }

func (s *service) expiry(name string, d time.Duration) {
	if d > 0 && s.port != 0 {
		s.tls = put(s.tls, name, quoteDuration(min(max(d, time.Hour), 3650*day)))
	}
}

// slower sets above which time a service counts as slow.
func (s *service) slower(d time.Duration) {
	if d > 0 {
		s.slow = put(s.slow, "total", quoteDuration(min(max(d, time.Millisecond), day)))
	}
}
