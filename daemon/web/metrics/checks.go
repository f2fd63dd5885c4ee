package metrics

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// addressesOfCheck is how many addresses of a check have a series at most: a name may have
// thousands, and DNS is no place that should decide how much is stored.
const addressesOfCheck = 16

// writeChecks writes the families of each check.
func writeChecks(w *writer, checks []tracker.Check, counts *Counts, mode config.PageMetrics) {
	write := func(f *family, series func(*writer, tracker.Check)) {
		w.family(f)
		for _, c := range checks {
			series(w, c)
		}
	}
	write(&checkUp, writeUp)
	write(&checkDegraded, writeDegraded)
	write(&checkInfo, writeInfo)
	write(&stateSeconds, func(w *writer, c tracker.Check) { writeStates(w, c, counts) })
	var failures []failure // of one check after the other
	write(&probeFailures, func(w *writer, c tracker.Check) {
		failures = counts.failuresOf(failures[:0], c.ID)
		writeFailures(w, c, failures)
	})
	write(&certificateNotAfter, writeExpiry)
	write(&sloObjective, writeObjective)
	if mode == config.MetricsFull {
		write(&addressUp, writeAddresses)
		write(&phaseSeconds, writePhases)
	}
}

// known reports whether the last probe could judge the check.
func known(c tracker.Check) bool { return c.Enabled && c.Last != nil && !c.Unknown }

func writePlace(w *writer, c tracker.Check) {
	w.label("check", string(c.ID))
	w.label("server", string(c.Server))
	w.label("group", string(innermost(c.Check)))
}

// innermost returns the group that holds a check; empty: none does.
func innermost(c *config.Check) config.GroupID {
	if len(c.Path) == 0 {
		return ""
	}
	return c.Path[len(c.Path)-1]
}

func writeUp(w *writer, c tracker.Check) {
	if known(c) {
		writePlace(w, c)
		w.value(oneIf(c.Last.Health() != incident.Down))
	}
}

func writeDegraded(w *writer, c tracker.Check) {
	if known(c) {
		writePlace(w, c)
		w.value(oneIf(c.Last.Health() == incident.Degraded))
	}
}

func writeInfo(w *writer, c tracker.Check) {
	w.label("check", string(c.ID))
	w.label("label", c.Label)
	w.label("server", string(c.Server))
	w.label("group", string(innermost(c.Check)))
	w.value(1)
}

func writeStates(w *writer, c tracker.Check, counts *Counts) {
	sums, known := counts.secondsOf(c.ID)
	if !known {
		return // it came into the files just now
	}
	for s, d := range sums {
		w.label("check", string(c.ID))
		w.label("state", stateWords[s])
		w.value(d.Seconds())
	}
}

func writeFailures(w *writer, c tracker.Check, failures []failure) {
	for _, f := range failures {
		w.label("check", string(c.ID))
		w.label("phase", f.phase.String())
		w.label("cause", string(f.cause))
		w.value(float64(f.times))
	}
}

func writeExpiry(w *writer, c tracker.Check) {
	if c.Last == nil || !c.Enabled {
		return
	}
	var first time.Time
	for i := range c.Last.Addresses {
		if t := c.Last.Addresses[i].TLS; t != nil && (first.IsZero() || t.NotAfter.Before(first)) {
			first = t.NotAfter
		}
	}
	if !first.IsZero() {
		w.label("check", string(c.ID))
		w.value(float64(first.Unix()))
	}
}

func writeObjective(w *writer, c tracker.Check) {
	if c.Policy.SLO > 0 {
		w.label("check", string(c.ID))
		w.value(math.Round(c.Policy.SLO*1e8) / 1e10) // else 99.9 would be 0.9990000000000001
	}
}

func writeAddresses(w *writer, c tracker.Check) {
	if c.Last == nil || !c.Enabled {
		return
	}
	written := 0
	for i := range c.Last.Addresses {
		a := &c.Last.Addresses[i]
		if a.Health == incident.Unknown || !a.IP.IsValid() || seenBefore(c.Last.Addresses[:i], a.IP) {
			continue
		}
		if written++; written > addressesOfCheck {
			return
		}
		w.label("check", string(c.ID))
		w.label("family", addressFamily(a))
		w.address("address", a.IP)
		w.value(oneIf(a.Health != incident.Down))
	}
}

// seenBefore reports whether an address is among others. A series must not be there twice.
func seenBefore(others []incident.Address, ip netip.Addr) bool {
	return slices.ContainsFunc(others, func(a incident.Address) bool { return a.IP == ip })
}

func addressFamily(a *incident.Address) string {
	if a.IP.Is4() || a.IP.Is4In6() {
		return "ipv4"
	}
	return "ipv6"
}

func writePhases(w *writer, c tracker.Check) {
	if c.Last == nil || !c.Enabled {
		return
	}
	for p := range config.TimedPhases() {
		var longest time.Duration
		for i := range c.Last.Addresses {
			longest = max(longest, c.Last.Addresses[i].Timings[p])
		}
		if longest > 0 { // else it was not reached
			w.label("check", string(c.ID))
			w.label("phase", p.TimeKey())
			w.value(longest.Round(time.Microsecond).Seconds()) // more digits are noise, and a tenth of the answer
		}
	}
}
