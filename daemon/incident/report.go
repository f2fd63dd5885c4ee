package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Report is a Result as `test --json` and `recheck --json` show it. The keys
// are an interface.
type Report struct {
	ID        string          `json:"id"`
	Label     string          `json:"label"`
	State     Health          `json:"state"`
	Phase     Phase           `json:"phase"`
	Cause     Cause           `json:"cause"`
	Hint      string          `json:"hint"`
	Evidence  opaque.Words    `json:"evidence"`
	Addresses []AddressReport `json:"addresses"`
	// Findings beyond the worst, and Notes, are for people; not part of the
	// interface yet.
	Findings []Finding `json:"findings,omitempty"`
	Notes    []Note    `json:"notes,omitempty"`
}

// AddressReport is one conversation of a [Report].
type AddressReport struct {
	Node         string        `json:"node"`
	Address      string        `json:"address"`
	Port         int           `json:"port"`
	State        Health        `json:"state"`
	Phase        Phase         `json:"phase"`
	Cause        Cause         `json:"cause"`
	Hint         string        `json:"hint"`
	Evidence     opaque.Words  `json:"evidence"`
	Timings      TimingsReport `json:"timings_ms"`
	TLS          *TLSReport    `json:"tls"`
	Capabilities []string      `json:"capabilities"`
}

// TimingsReport are milliseconds, with fractions; null: the phase was not
// reached.
type TimingsReport struct {
	DNS        *float64 `json:"dns"`
	Connect    *float64 `json:"connect"`
	TLS        *float64 `json:"tls"`
	Greeting   *float64 `json:"greeting"`
	Capability *float64 `json:"capability"`
	StartTLS   *float64 `json:"starttls"`
	Login      *float64 `json:"login"`
	Select     *float64 `json:"select"`
	Logout     *float64 `json:"logout"`
	Total      *float64 `json:"total"`
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
func NewReport(label string, r Result) Report {
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

func newAddressReport(a Address) AddressReport {
	rep := AddressReport{
		Node: a.Node, Port: int(a.Port), State: a.Health, Phase: a.Phase, Cause: a.Cause,
		Hint: a.Hint, Evidence: a.Evidence, Timings: newTimingsReport(a.Timings), Capabilities: a.Capabilities,
	}
	if a.IP.IsValid() {
		rep.Address = a.IP.String()
	}
	if rep.Capabilities == nil {
		rep.Capabilities = []string{}
	}
	if i := a.TLS; i != nil {
		rep.TLS = &TLSReport{i.Version, i.Cipher, i.Subject, i.Issuer, i.NotAfter.UTC(), i.SHA256}
	}
	return rep
}

func newTimingsReport(t Timings) TimingsReport {
	ms := func(d time.Duration) *float64 {
		if d <= 0 {
			return nil
		}
		v := float64(d.Microseconds()) / 1000
		return &v
	}
	return TimingsReport{
		DNS: ms(t.DNS), Connect: ms(t.Connect), TLS: ms(t.TLS), Greeting: ms(t.Greeting), Capability: ms(t.Capability),
		StartTLS: ms(t.StartTLS), Login: ms(t.Login), Select: ms(t.Select), Logout: ms(t.Logout), Total: ms(t.Total),
	}
}

// ExitCode is what the commands test and recheck end with: 0 ok, 1 degraded,
// 2 down, 3 could not be judged.
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
