package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// mostParts is how many kinds of trouble the sentence names; the rest is said below it.
const mostParts = 3

// sentence says how everything is, "2 servers are down, 1 certificate ends in 6 days, 9,987
// checks are well"; rest says what it has no room for, or what is no trouble.
func (f *fleet) sentence() (sentence, rest string) {
	total, well := f.tally.all(), f.tally.of(incident.CheckOK)
	switch {
	case total == 0:
		return "No checks are configured", ""
	case well == total && total == 1:
		return "The only check is well", ""
	case well == total:
		return "All " + grouped(total) + " checks are well", ""
	}
	parts := f.troubleParts()
	var others []string
	if len(parts) > mostParts {
		parts, others = slices.Clip(parts[:mostParts]), parts[mostParts:]
	}
	others = append(others, checksThat(f.tally.of(incident.CheckMaintenance), "is in maintenance", "are in maintenance")...)
	others = append(others, checksThat(f.tally.of(incident.CheckPaused), "is paused", "are paused")...)
	parts = append(parts, checksThat(well, "is well", "are well")...)
	if len(parts) == 0 {
		parts, others = others, nil
	}
	return strings.Join(parts, ", "), strings.Join(others, ", ")
}

// troubleParts says each kind of trouble, the gravest first.
func (f *fleet) troubleParts() (parts []string) {
	servers, rest := f.downServers()
	if servers > 0 {
		parts = append(parts, counted(servers, "server is down", "servers are down"))
	}
	parts = append(parts, checksThat(rest, "is down", "are down")...)
	parts = append(parts, checksThat(f.tally.of(incident.CheckFailing), "has begun to fail", "have begun to fail")...)
	ends, first := f.endingCertificates()
	if ends > 0 {
		parts = append(parts, certificatesEnd(ends, first.Sub(f.At)))
	}
	parts = append(parts, checksThat(f.tally.of(incident.CheckDegraded)-ends, "is degraded", "are degraded")...)
	parts = append(parts, checksThat(f.tally.of(incident.CheckRecovering), "is recovering", "are recovering")...)
	return append(parts, checksThat(f.tally.of(incident.CheckUnknown), "is not known", "are not known")...)
}

// checksThat says of so many checks how they are; nothing of none.
func checksThat(n int, is, are string) []string {
	if n <= 0 {
		return nil
	}
	return []string{counted(n, "check "+is, "checks "+are)}
}

// downServers counts the servers all of whose checks that can be judged are down, and the
// checks that are down elsewhere.
func (f *fleet) downServers() (servers, rest int) {
	rest = f.tally.of(incident.CheckDown)
	for _, t := range f.servers {
		down := t.of(incident.CheckDown)
		if down > 0 && down == t.all()-t.of(incident.CheckPaused)-t.of(incident.CheckMaintenance)-t.of(incident.CheckUnknown) {
			servers++
			rest -= down
		}
	}
	return servers, rest
}

// endingCertificates counts the listed checks that are degraded because a certificate ends
// soon, and returns when the first of them ends.
func (f *fleet) endingCertificates() (n int, first time.Time) {
	for i := range f.Checks {
		c := &f.Checks[i]
		if c.State != incident.CheckDegraded || config.Cause(c.Cause) != config.CauseCertExpiresSoon || c.CertificateNotAfter == nil {
			continue
		}
		n++
		if first.IsZero() || c.CertificateNotAfter.Before(first) {
			first = *c.CertificateNotAfter
		}
	}
	return n, first
}

func certificatesEnd(n int, left time.Duration) string {
	when := " in " + roundDays(left)
	if n == 1 {
		return "1 certificate ends" + when
	}
	return grouped(n) + " certificates end, the first" + when
}

// roundDays returns a duration as people say it of days to come: rounded down, because
// nobody is glad of a day that is not there.
func roundDays(d time.Duration) string {
	const aDay = 24 * time.Hour
	if d < 2*aDay {
		return counted(int(d/time.Hour), "hour", "hours")
	}
	return counted(int(d/aDay), "day", "days")
}
