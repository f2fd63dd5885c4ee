package calendar

import "time"

// A Span is a time during which something stays as it is. From and To are zero where
// that is not known.
type Span struct {
	From, To time.Time
	In       bool // within a window, or in maintenance
}

func (s Span) has(at time.Time) bool {
	return !s.From.IsZero() && !at.Before(s.From) && (s.To.IsZero() || at.Before(s.To))
}

// A stretch is one occurrence of maintenance, from its beginning until its end.
type stretch struct{ from, to time.Time }

// spanAround returns the span around a time that stretches make. Its To is zero where
// nothing changes any more.
func spanAround(at time.Time, stretches []stretch) Span {
	found := Span{From: at}
	for changed := true; changed; { // stretches may follow each other without a gap, and overlap
		changed = false
		for _, s := range stretches {
			if now := later(found.To, at); !s.from.After(now) && s.to.After(now) && (found.In || !at.Before(s.from)) {
				found.In, found.To, changed = true, s.to, true
			}
		}
	}
	if found.In {
		return found
	}
	for _, s := range stretches {
		if s.from.After(at) && s.to.After(s.from) && (found.To.IsZero() || s.from.Before(found.To)) {
			found.To = s.from
		}
	}
	return found
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
