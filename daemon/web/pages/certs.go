package pages

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/history"
)

// A certChart is the certificates that a check has shown: how long each is valid, and when it
// was seen, so that an old and a new one can be seen to overlap.
type certChart struct {
	Rows        []certRow
	Now         string // the place of now
	First, Last string // the ends of the picture
}

// A certRow is one certificate. Places are parts of the width.
type certRow struct {
	Subject, Issuer string
	Addresses       string
	Valid, Seen     bounds
	Ends            stamp
	Left            string
	State           shownState
	SHA256          string
}

// mostCerts is how many certificates are drawn, the last ones.
const mostCerts = 12

// certChart draws certificates; nil: there are none.
func (f *fleet) certChart(list []history.Certificate) *certChart {
	groups := groupCertificates(list)
	if len(groups) == 0 {
		return nil
	}
	groups = groups[max(0, len(groups)-mostCerts):]
	from, to := f.At.AddDate(0, -1, 0), f.At.AddDate(0, 1, 0)
	for _, g := range groups {
		if g.First.Before(from) {
			from = g.First
		}
		if g.NotAfter.After(to) {
			to = g.NotAfter
		}
	}
	// A certificate of a private authority may hold for 20 years: the picture shows two.
	if most := f.At.AddDate(2, 0, 0); to.After(most) {
		to = most
	}
	place := func(t time.Time) float64 {
		return max(0, min(100, 100*float64(t.Sub(from))/float64(to.Sub(from))))
	}
	span := func(a, b time.Time) bounds {
		return bounds{percentText(place(a)), percentText(max(0.6, place(b)-place(a)))}
	}
	chart := &certChart{Now: percentText(place(f.At)), First: f.clock.at(&from).Day(), Last: f.clock.at(&to).Day()}
	for i := len(groups) - 1; i >= 0; i-- {
		g := &groups[i]
		row := certRow{
			Subject: commonName(g.Subject), Issuer: commonName(g.Issuer), Addresses: g.addresses, Valid: span(g.NotBefore, g.NotAfter), Seen: span(g.First, g.Last),
			Ends: f.clock.at(&g.NotAfter), State: "ok", SHA256: g.SHA256[:min(16, len(g.SHA256))],
		}
		switch left := g.NotAfter.Sub(f.At); {
		case f.At.Sub(g.Last) > aDay:
			row.State, row.Left = noState, "not shown any more"
		case left <= 0:
			row.State, row.Left = "down", "expired"
		default:
			row.Left = roundDays(left) + " left"
			if left < 21*aDay {
				row.State = "degraded"
			}
		}
		chart.Rows = append(chart.Rows, row)
	}
	return chart
}

// A certGroup is one certificate at all addresses that showed it.
type certGroup struct {
	history.Certificate
	addresses string
}

// groupCertificates joins what the history keeps by address, the first seen first.
func groupCertificates(list []history.Certificate) (groups []certGroup) {
	at := map[string]int{}
	where := map[string][]string{}
	for i := range list {
		c := &list[i]
		where[c.SHA256] = append(where[c.SHA256], c.Address.String())
		n, known := at[c.SHA256]
		if !known {
			at[c.SHA256] = len(groups)
			groups = append(groups, certGroup{Certificate: *c})
			continue
		}
		if g := &groups[n]; c.Last.After(g.Last) {
			g.Last = c.Last
		}
		if g := &groups[n]; c.First.Before(g.First) {
			g.First = c.First
		}
	}
	for i := range groups {
		names := where[groups[i].SHA256]
		slices.Sort(names)
		groups[i].addresses = strings.Join(slices.Compact(names), ", ")
	}
	slices.SortStableFunc(groups, func(a, b certGroup) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.SHA256, b.SHA256))
	})
	return groups
}

// commonName returns how people call the owner of a certificate, or its whole name if it has
// none.
func commonName(name string) string {
	for part := range strings.SplitSeq(name, ",") {
		if cn, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok && cn != "" {
			return cn
		}
	}
	return name
}
