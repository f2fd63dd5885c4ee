package incident

import (
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// Health says how well one probe, or one address of it, found the service.
type Health string

// The healths, as in `test --json`.
const (
	OK       Health = "ok"
	Degraded Health = "degraded"
	Down     Health = "down"
	Unknown  Health = "unknown" // the monitor could not judge
)

// A Result is one probe of one check: what every address said and what follows
// from it. It is a value; nobody changes one after it was sent.
type Result struct {
	Check config.CheckID
	// Started is when the probe began, Ended when it was over; both carry the
	// monotonic clock of this process.
	Started, Ended time.Time
	// Observed are the conditions that this probe could judge. A condition that
	// is not in it stays as it is, whatever Findings say.
	Observed config.Conditions
	// Findings are what is wrong, the worst first; a condition that is observed
	// and has no finding is well.
	Findings []Finding
	// Notes are remarks that are no failure: a certificate that changed, an
	// [ALERT] text.
	Notes []Note
	// Addresses are the conversations, in the order of the name's addresses.
	Addresses []Address
	// Target is host:port as configured when the probe ran.
	Target string
	// Sightings are what each node of several sees; none on a single machine.
	Sightings []Sighting
	// Began are since when those conditions fail, or are well, that did not begin to with this probe: several
	// nodes had to agree on a failure, and what is well they may have seen while they could tell nobody.
	Began []Beginning
}

// A Beginning is since when a condition is as it is found.
type Beginning struct {
	Condition config.Condition
	At        time.Time
}

// Since returns since when a condition is as it is found, as far as the result knows.
func (r *Result) Since(c config.Condition) time.Time {
	for _, b := range r.Began {
		if b.Condition == c {
			return b.At
		}
	}
	return r.Started
}

// Newest returns when the newest of the probes began that the result comes from. Of several nodes, the
// result itself begins when enough of them first saw what it says.
func (r Result) Newest() time.Time {
	newest := r.Started
	for i := range r.Sightings {
		if at := r.Sightings[i].At; at.After(newest) {
			newest = at
		}
	}
	return newest
}

// A Sighting is what one node of several sees of a check.
type Sighting struct {
	Node, Location string
	// Health is Unknown where the sighting does not count; Standing says why.
	Health   Health
	Standing string // what became of it, in the words of daemon/agree
	Phase    config.Phase
	Cause    config.Cause
	Hint     string
	Evidence opaque.Words
	At       time.Time     // when its last probe began, by the clock of whoever decides; zero: none is known
	Since    time.Time     // since when it sees it fail, by the same clock; zero: it is well, or not known
	Took     time.Duration // its longest conversation that came to an end; 0: not known
}

// Doubts reports whether a node sees a condition fail that the result, which says what all of them see, may have
// found well. A certificate that expires soon, as one node sees it, says nothing of the service.
func (r *Result) Doubts(c config.Condition) bool {
	return slices.ContainsFunc(r.Sightings, func(s Sighting) bool {
		switch c {
		case config.ConditionService:
			return s.Health == Down
		case config.ConditionAddresses, config.ConditionLatency:
			return (s.Health == Down || s.Health == Degraded) && !s.Since.IsZero()
		}
		return false // of all others one node is enough
	})
}

// A Finding is one thing that is wrong.
type Finding struct {
	Condition config.Condition `json:"condition"`
	Health    Health           `json:"health"` // Down, Degraded, or Unknown for a fault of the monitor
	Phase     config.Phase     `json:"phase,omitempty"`
	Cause     config.Cause     `json:"cause,omitempty"`
	Hint      string           `json:"hint,omitempty"`    // one sentence of ours
	Evidence  opaque.Words     `json:"evidence,omitzero"` // the server's last words
	Address   string           `json:"address,omitempty"` // where one address is meant
	// From says which of several nodes see it, and which do not; empty: a single machine does.
	From string `json:"from,omitempty"`
	// Grade orders findings of one condition and health, so that getting worse
	// can be told: 1 for a certificate that has become critical, else 0.
	Grade int `json:"grade,omitempty"`
}

// A Note is worth an entry in the incident's or the check's log, and no alarm.
type Note struct {
	Cause    config.Cause `json:"cause"`
	Text     string       `json:"text"`
	Evidence opaque.Words `json:"evidence,omitzero"`
	Address  string       `json:"address,omitempty"`
}

// An Address is one conversation.
type Address struct {
	Node     string // the machine that probed
	IP       netip.Addr
	Port     uint16
	Phase    config.Phase // the first phase that failed
	Health   Health
	Cause    config.Cause
	Hint     string
	Evidence opaque.Words
	Timings  config.PhaseTimes // how long each phase took; 0: not reached
	TLS      *TLSInfo          // nil without a completed handshake and without a certificate seen
	// Capabilities as last announced, after TLS where there is TLS.
	Capabilities []string
}

// TLSInfo describes the session and the server's own certificate.
type TLSInfo struct {
	Version, Cipher string
	Subject, Issuer string // sanitised
	NotBefore       time.Time
	NotAfter        time.Time
	SHA256          string // of the certificate, hex
	SPKI            string // base64 SHA-256, as pin_sha256 takes it
	Names           []string
}

// Worst returns the finding that a person should see first; ok is false when
// nothing is wrong.
func (r Result) Worst() (worst Finding, ok bool) {
	for _, f := range r.Findings {
		if !ok || f.Health.rank() > worst.Health.rank() {
			worst, ok = f, true
		}
	}
	return worst, ok
}

// Health returns the health of the whole probe: that of its worst finding.
func (r Result) Health() Health {
	if worst, ok := r.Worst(); ok {
		return worst.Health
	}
	return OK
}

// rank orders healths, the worst highest: unknown hides nothing that was seen to fail.
func (h Health) rank() int {
	switch h {
	case Down:
		return 3
	case Degraded:
		return 2
	case Unknown:
		return 1
	case OK:
	}
	return 0
}

// ExitCode returns the exit code of the commands test and recheck: 0 ok, 1 degraded, 2
// down, 3 could not be judged.
func (h Health) ExitCode() int {
	switch h {
	case OK:
		return 0
	case Degraded:
		return 1
	case Down:
		return 2
	case Unknown:
	}
	return 3
}
