package pages

import (
	"net/http"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A certificatesPage is all certificates that the last probes saw: those with a problem first, of
// the others the next to expire.
type certificatesPage struct {
	State    shownState
	Sentence string
	Rows     []certificateRow
	More     int
}

// A certificateRow is one certificate, and where it was seen.
type certificateRow struct {
	State    shownState
	Left     string
	Ends     stamp
	Subject  string
	Issuer   string
	SHA256   string
	Problems []string // in our words; empty: it is good
	Places   []placeRow
	More     int // places that are not listed
}

// A placeRow is a check, and the addresses at which it saw a certificate.
type placeRow struct {
	Name, Link string
	Addresses  []string
}

const (
	mostCertificates = 500
	mostPlaces       = 12 // of one certificate
)

func (v *viewer) serveCertificates(w http.ResponseWriter, r *http.Request) {
	f, _, err := gather(r, v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	list, err := api.CertificatesFor(r.Context(), v.Daemon)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	p := f.certificates(list.Certificates)
	frame := newView(r, f, "/certificates", "Certificates")
	frame.Content, frame.State = p, p.State
	show(w, r, http.StatusOK, "certificates", frame)
}

// newView returns the frame of one of the views beside the overview.
func newView(r *http.Request, f *fleet, path, title string) *frame {
	frame := newFrame(r, f.Config, path, title)
	frame.At, frame.Sheets = f.clock.at(&f.At), []string{"views.css"}
	return frame
}

func (f *fleet) certificates(list []api.Certificate) *certificatesPage {
	p := &certificatesPage{State: "ok"}
	faults := f.certificateFaults()
	for i := range list {
		p.Rows = append(p.Rows, f.certificateRow(&list[i], faults))
	}
	slices.SortStableFunc(p.Rows, func(a, b certificateRow) int { return certificateOrder(&a) - certificateOrder(&b) })
	soon, bad := 0, 0
	for i := range p.Rows {
		switch {
		case len(p.Rows[i].Problems) > 0 || p.Rows[i].State == "down":
			bad++
		case p.Rows[i].State == "degraded":
			soon++
		}
	}
	p.Sentence, p.State = certificatesSentence(len(p.Rows), bad, soon)
	p.More = max(0, len(p.Rows)-mostCertificates)
	p.Rows = p.Rows[:len(p.Rows)-p.More]
	return p
}

// certificateOrder puts problems before what ends soon; within these, the next to expire stays
// first.
func certificateOrder(r *certificateRow) int {
	switch {
	case r.State == "down":
		return 0
	case len(r.Problems) > 0:
		return 1
	}
	return 2
}

func certificatesSentence(all, bad, soon int) (string, shownState) {
	switch {
	case all == 0:
		return "No certificate has been seen yet", noState
	case bad > 0 && soon > 0:
		return counted(bad, "certificate has", "certificates have") + " a problem, " + counted(soon, "other ends", "others end") + " within 21 days", "down"
	case bad > 0:
		return counted(bad, "certificate has", "certificates have") + " a problem", "down"
	case soon > 0:
		return counted(soon, "certificate ends", "certificates end") + " within 21 days", "degraded"
	case all == 1:
		return "The only certificate is valid for more than 21 days", "ok"
	}
	return "All " + grouped(all) + " certificates are valid for more than 21 days", "ok"
}

// certificateCauses are those that are about the certificate itself, but for its end, which is
// shown anyway.
var certificateCauses = []config.Cause{
	config.CauseCertNotYetValid, config.CauseCertUntrusted, config.CauseChainIncomplete, config.CauseNameMismatch, config.CausePinMismatch,
	config.CauseWeakSignature, config.CauseWeakKey,
}

// certificateFaults says of the checks with trouble about certificates what it is.
func (f *fleet) certificateFaults() map[config.CheckID]string {
	list := map[config.CheckID]string{}
	for i := range f.Checks {
		c := &f.Checks[i]
		if cause := config.Cause(c.Cause); troubled(c.State) && slices.Contains(certificateCauses, cause) {
			list[c.ID] = causeText(cause, config.ParsePhase(c.Phase))
		}
	}
	return list
}

func (f *fleet) certificateRow(c *api.Certificate, faults map[config.CheckID]string) certificateRow {
	row := certificateRow{State: "ok", Ends: f.clock.at(&c.NotAfter), Subject: commonName(c.Subject), Issuer: commonName(c.Issuer), SHA256: c.SHA256}
	switch left := c.NotAfter.Sub(f.At); {
	case left <= 0:
		row.State, row.Left = "down", "expired"
	case left < soonEnding:
		row.State, row.Left = "degraded", roundDays(left)
	default:
		row.Left = roundDays(left)
	}
	for _, seen := range c.SeenAt {
		if text := faults[seen.Check]; text != "" && !slices.Contains(row.Problems, text) {
			row.Problems = append(row.Problems, text)
			if row.State == "ok" {
				row.State = "degraded"
			}
		}
		if n := len(row.Places); n > 0 && row.Places[n-1].Name == string(seen.Check) {
			row.Places[n-1].Addresses = append(row.Places[n-1].Addresses, seen.Address)
			continue
		}
		row.Places = append(row.Places, placeRow{string(seen.Check), checkLink(seen.Check), []string{seen.Address}})
	}
	row.More = max(0, len(row.Places)-mostPlaces)
	row.Places = row.Places[:len(row.Places)-row.More]
	return row
}
