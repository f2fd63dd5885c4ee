package httpdo

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// maxPause bounds what a server may ask for: a broken clock there must not
// silence a destination for good.
const maxPause = 24 * time.Hour

// An Answer is a complete HTTP answer.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte // as it came, at most 64 KiB
	secrets *opaque.Scrubber
}

// Words returns the status and the beginning of the body, for a receipt or an error:
// "HTTP 404 Not Found: no such route". The reason phrase is ours.
func (a Answer) Words() opaque.Words {
	const most = 200
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.Status, http.StatusText(a.Status)))
	// Scrubbed before it is cut: half a secret would no longer be found.
	body := a.secrets.Scrub(string(a.Body))
	if len(body) > most {
		body = body[:most] + "..."
	}
	if body = opaque.Sanitise(body).String(); body != "" {
		text += ": " + body
	}
	return opaque.Sanitise(text)
}

// Err returns nil for 2xx (RFC 9110 section 15.3), and else an error with the answer's
// words, classified.
func (a Answer) Err() error {
	if a.Status/100 == 2 {
		return nil
	}
	return a.Classify(errors.New(a.Words().String()))
}

// Classify marks an error that the answer is the reason for. Worth another
// attempt are 408, 425, 429 and 5xx, after the pause of Retry-After where there
// is one. All else is permanent, a redirect included.
func (a Answer) Classify(err error) error {
	switch {
	// RFC 9110 section 15.5.9 (408), RFC 8470 section 5.2 (425) and RFC 6585 section 4
	// (429).
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly,
		a.Status == http.StatusTooManyRequests, a.Status/100 == 5:
		return notifiers.RetryAfter(err, RetryAfter(a.Header, time.Now()))
	}
	return notifiers.Permanent(err)
}

// Seconds returns a pause that a server named, rounded up to whole seconds: 0 to a day.
func Seconds(seconds float64) time.Duration {
	if !(seconds > 0) { // NaN too
		return 0
	}
	// Bounded before it is multiplied: a Duration overflows at 292 years.
	return time.Duration(math.Ceil(min(seconds, maxPause.Seconds()))) * time.Second
}

// RetryAfter reads the header of that name (RFC 9110 section 10.2.3): seconds, also with
// decimals, or a date. It is 0 where there is none, and a day at most.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	// Discord and Zulip write decimals.
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return Seconds(seconds)
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(0, date.Sub(now)), maxPause)
	}
	return 0
}
