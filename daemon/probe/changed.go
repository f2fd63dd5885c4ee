package probe

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// fingerprint is the SHA-256 of a certificate.
type fingerprint [32]byte

func (f fingerprint) String() string { return hex.EncodeToString(f[:]) }

// rememberCertificates notes a certificate that is another one than last time,
// and addresses of one name that show different ones. Both are said once.
func (r *round) rememberCertificates(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	shown := map[fingerprint]bool{}
	for i := range outcomes {
		if outcomes[i].verified {
			r.rememberCertificate(&outcomes[i])
			shown[outcomes[i].print] = true
		}
	}
	// No handshake was completed. What is known stays, so that the end of an outage is no news
	// about certificates.
	if len(shown) == 0 {
		return
	}
	if len(shown) > 1 && !r.past.differ {
		r.note(config.CauseCertsDiffer, "The addresses show different certificates; perhaps it was renewed and not reloaded everywhere: "+certificatesBy(outcomes)+".", netip.Addr{})
	}
	r.past.differ = len(shown) > 1
}

func (r *round) rememberCertificate(o *outcome) {
	ip := o.address.IP
	i := slices.IndexFunc(r.past.shown, func(s shown) bool { return s.ip == ip })
	if i < 0 {
		if len(r.past.shown) >= maxAddresses {
			r.past.shown = nil // a name whose addresses keep changing is not followed for ever
		}
		r.past.shown = append(r.past.shown, shown{ip, o.print})
		return
	}
	before := &r.past.shown[i].print
	if *before != o.print {
		r.note(config.CauseCertChanged, fmt.Sprintf("The certificate changed from SHA-256 %s to %s, which expires on %s.", *before, o.print, day(o.address.TLS.NotAfter)), ip)
	}
	*before = o.print
}

func certificatesBy(outcomes []outcome) string {
	const few, digits = 6, 16
	var parts []string
	for _, o := range outcomes {
		if o.verified && len(parts) < few {
			parts = append(parts, o.address.IP.String()+" "+o.print.String()[:digits])
		}
	}
	return strings.Join(parts, ", ")
}

// rememberAlerts drops [ALERT] texts that are the same as last time: a notice
// that a server shows at every login is news once.
func (r *round) rememberAlerts(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	latest := r.past.alert
	for i := range outcomes {
		outcomes[i].notes = slices.DeleteFunc(outcomes[i].notes, func(n incident.Note) bool {
			if n.Cause != config.CauseAlert {
				return false
			}
			latest = n.Evidence.String()
			return latest == r.past.alert
		})
	}
	r.past.alert = latest
}
