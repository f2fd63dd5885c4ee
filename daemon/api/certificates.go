package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Certificates are those that the last probes saw, the first to end first.
type Certificates struct {
	GeneratedAt  time.Time     `json:"generated_at"`
	Certificates []Certificate `json:"certificates"`
}

// A Certificate is one that a server showed, and where.
type Certificate struct {
	SHA256   string    `json:"sha256"`
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"not_after"`
	// SeenAt are the places at which the last probes saw it, in the order of the checks.
	SeenAt []CertificatePlace `json:"seen_at"`
}

// A CertificatePlace is an address of a check.
type CertificatePlace struct {
	Check   config.CheckID `json:"check"`
	Address string         `json:"address"`
	Port    int            `json:"port"`
	At      time.Time      `json:"at"` // when the probe began
}

// CertificatesFor returns the certificates that the last probes saw.
func CertificatesFor(ctx context.Context, d Daemon) (Certificates, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Certificates{}, err
	}
	list := []*Certificate{}
	known := map[string]*Certificate{}
	for c := range s.Checks() {
		for seen, place := range certificatesOf(c) {
			if known[seen.SHA256] == nil {
				known[seen.SHA256] = &seen
				list = append(list, &seen)
			}
			one := known[seen.SHA256]
			one.SeenAt = append(one.SeenAt, place)
		}
	}
	slices.SortStableFunc(list, func(a, b *Certificate) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), cmp.Compare(a.SHA256, b.SHA256))
	})
	all := Certificates{GeneratedAt: s.At, Certificates: make([]Certificate, len(list))}
	for i, one := range list {
		all.Certificates[i] = *one
	}
	return all, nil
}

// certificatesOf yields the certificates that the last probe of a check saw, with the place of
// each.
func certificatesOf(c tracker.Check) func(yield func(Certificate, CertificatePlace) bool) {
	return func(yield func(Certificate, CertificatePlace) bool) {
		// What a check that is paused showed once may be gone.
		if c.Last == nil || !c.Enabled {
			return
		}
		for i := range c.Last.Addresses {
			a := newAddressReport(c.Last.Addresses[i])
			if a.TLS == nil {
				continue
			}
			place := CertificatePlace{c.ID, a.Address, a.Port, c.Last.Started.UTC().Round(0)}
			if !yield(Certificate{SHA256: a.TLS.SHA256, Subject: a.TLS.Subject, Issuer: a.TLS.Issuer, NotAfter: a.TLS.NotAfter}, place) {
				return
			}
		}
	}
}
