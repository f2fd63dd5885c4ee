package wording

import (
	"encoding/json"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A Moment is a time in a template. One that has not come is nil, which if and with take for
// false.
type Moment struct {
	at   time.Time
	zone *time.Location
	text string
}

// momentOf returns a time as those who read m see it; nil for one that has not come.
func momentOf(m notifiers.Message, t time.Time) *Moment {
	if t.IsZero() {
		return nil
	}
	zone := m.Zone
	if zone == nil {
		zone = time.UTC
	}
	return &Moment{at: t, zone: zone, text: m.ExactTime(t)}
}

// String returns the time as messages write it.
func (m *Moment) String() string {
	if m == nil {
		return ""
	}
	return m.text
}

// MarshalJSON writes it in RFC 3339, in UTC.
func (m *Moment) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	return json.Marshal(m.at.UTC())
}
