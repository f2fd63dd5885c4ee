package api

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Report is an [incident.Result] as `test --json` and `recheck --json` show it. The keys
// are an interface.
type Report struct {
	ID        string          `json:"id"`
	Label     string          `json:"label"`
	State     incident.Health `json:"state"`
	Phase     config.Phase    `json:"phase"`
	Cause     config.Cause    `json:"cause"`
	Hint      string          `json:"hint"`
	Evidence  opaque.Words    `json:"evidence"`
	Addresses []AddressReport `json:"addresses"`
	// Findings beyond the worst, and Notes, are for people; not part of the
	// interface yet.
	Findings []incident.Finding `json:"findings,omitempty"`
	Notes    []incident.Note    `json:"notes,omitempty"`
}

// Reports is what `test --json` and `recheck --json` print.
type Reports struct {
	Checks []Report `json:"checks"`
}

// AddressReport is one conversation of a [Report].
type AddressReport struct {
	Node         string          `json:"node"`
	Address      string          `json:"address"`
	Port         int             `json:"port"`
	State        incident.Health `json:"state"`
	Phase        config.Phase    `json:"phase"`
	Cause        config.Cause    `json:"cause"`
	Hint         string          `json:"hint"`
	Evidence     opaque.Words    `json:"evidence"`
	Timings      TimingsReport   `json:"timings_ms"`
	TLS          *TLSReport      `json:"tls"`
	Capabilities []string        `json:"capabilities"`
}

// TimingsReport is how long each phase took. In JSON it has a key for each phase
// and "total", in milliseconds with fractions; null: the phase was not reached.
type TimingsReport config.PhaseTimes

// MarshalJSON writes the keys in the order of a conversation.
func (t TimingsReport) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for p := range config.TimedPhases() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, p.TimeKey()), ':')
		if t[p] <= 0 {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, float64(t[p].Microseconds())/1000, 'f', -1, 64)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. Keys that are not known are ignored.
func (t *TimingsReport) UnmarshalJSON(data []byte) error {
	var ms map[string]float64 // null reads as 0
	if err := json.Unmarshal(data, &ms); err != nil {
		return err
	}
	for p := range config.TimedPhases() {
		// Rounded: a fraction of milliseconds may come back just below the microsecond
		// that it was written for.
		t[p] = time.Duration(math.Round(ms[p.TimeKey()]*1000)) * time.Microsecond
	}
	return nil
}

// TLSReport is the session and the server's certificate.
type TLSReport struct {
	Version  string    `json:"version"`
	Cipher   string    `json:"cipher"`
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"not_after"`
	SHA256   string    `json:"sha256"`
}

// NewReport shows a result under the label of its check.
func NewReport(label string, r incident.Result) Report {
	rep := Report{ID: string(r.Check), Label: label, State: r.Health(), Addresses: []AddressReport{}, Notes: r.Notes}
	if worst, bad := r.Worst(); bad {
		rep.Phase, rep.Cause, rep.Hint, rep.Evidence = worst.Phase, worst.Cause, worst.Hint, worst.Evidence
		rep.Findings = r.Findings
	}
	for _, a := range r.Addresses {
		rep.Addresses = append(rep.Addresses, newAddressReport(a))
	}
	return rep
}

func newAddressReport(a incident.Address) AddressReport {
	rep := AddressReport{
		Node: a.Node, Port: int(a.Port), State: a.Health, Phase: a.Phase, Cause: a.Cause,
		Hint: a.Hint, Evidence: a.Evidence, Timings: TimingsReport(a.Timings), Capabilities: a.Capabilities,
	}
	if a.IP.IsValid() {
		rep.Address = a.IP.String()
	}
	// JSON says [], not null.
	if rep.Capabilities == nil {
		rep.Capabilities = []string{}
	}
	if i := a.TLS; i != nil {
		rep.TLS = &TLSReport{i.Version, i.Cipher, i.Subject, i.Issuer, i.NotAfter.UTC(), i.SHA256}
	}
	return rep
}
