package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A statusEntry is one check, or several of which the same is to be said.
type statusEntry struct {
	name   string // of the check, the server, the group, ...
	server string // all checks are of this server; empty: they are not
	checks []*api.Check
}

// sameness is what is said of a check beside its name: checks are alike that have the same.
type sameness struct {
	state         incident.CheckState
	phase, cause  string
	acknowledged  string
	silenced      time.Time
	maintenance   string
	asking        string
	hasIncidents  bool
	allAreHandled bool
}

func samenessOf(c *api.Check) sameness {
	s := sameness{state: c.State, phase: c.Phase, cause: c.Cause, asking: c.Asking(), hasIncidents: len(c.Incidents) > 0, allAreHandled: isHandled(c)}
	if len(c.Acknowledged) > 0 {
		a := &c.Acknowledged[0]
		s.acknowledged = a.By + "\x00" + a.Reason
		if a.Until != nil {
			s.acknowledged += "\x00" + a.Until.String()
		}
	}
	if c.SilencedUntil != nil {
		s.silenced = *c.SilencedUntil
	}
	if c.Maintenance != nil {
		s.maintenance = c.Maintenance.Name
	}
	return s
}

// isHandled reports whether a person works on all open incidents of a check, of which it
// has any, or has silenced it.
func isHandled(c *api.Check) bool {
	return c.SilencedUntil != nil || len(c.Incidents) > 0 && len(c.Acknowledged) == len(c.Incidents)
}

func (e *statusEntry) firstCheck() *api.Check { return e.checks[0] }

// argument returns what names the entry on a command line: the server, where it stands for
// all of its checks, or else the first check.
func (e *statusEntry) argument() string {
	if e.server != "" && len(e.checks) > 1 {
		return e.server
	}
	return string(e.firstCheck().ID)
}

// single makes an entry of one check.
func single(c *api.Check) statusEntry {
	return statusEntry{name: string(c.ID), server: c.Server, checks: []*api.Check{c}}
}

// mostEntries is how many entries the status shows before it says the same of more checks
// at once.
const mostEntries = 20

// foldEntries returns the entries of checks, which are some of all that were asked for:
// those of a server that are alike, and no other of it, in one; and where many are left,
// those of a group that are alike, and at last all that are alike.
func foldEntries(checks, all []*api.Check) []statusEntry {
	entries := foldServers(checks, all)
	if len(entries) > mostEntries {
		entries = foldBy(entries, groupOf, func(group string, list []*api.Check) string {
			of := countIf(all, func(c *api.Check) bool { return groupOf(c) == group })
			return fmt.Sprintf("%s: %s%s", group, shareOfChecks(len(list), of), onServers(list))
		})
	}
	if len(entries) > mostEntries {
		entries = foldBy(entries, func(*api.Check) string { return "" }, func(_ string, list []*api.Check) string {
			return shareOfChecks(len(list), len(all)) + onServers(list)
		})
	}
	return entries
}

// shareOfChecks says how many of several checks are meant.
func shareOfChecks(n, of int) string {
	switch {
	case n != of:
		return fmt.Sprintf("%d of %s", n, plural(of, "check"))
	case n == 1:
		return "1 check"
	case n == 2:
		return "both checks"
	}
	return "all " + plural(n, "check")
}

// onServers says of how many servers checks are, if of more than one.
func onServers(checks []*api.Check) string {
	servers := map[string]bool{}
	for _, c := range checks {
		servers[c.Server] = true
	}
	delete(servers, "")
	if len(servers) < 2 {
		return ""
	}
	return fmt.Sprintf(" on %d servers", len(servers))
}

func countIf(checks []*api.Check, is func(*api.Check) bool) (n int) {
	for _, c := range checks {
		if is(c) {
			n++
		}
	}
	return n
}

// foldServers returns an entry for each server all of whose checks are alike, except those
// that are paused, and one for each check of the others.
func foldServers(checks, all []*api.Check) (entries []statusEntry) {
	alike := map[string]string{} // what is said of their number
	for _, list := range groupByKey(all, func(c *api.Check) string { return c.Server }) {
		n := len(list)
		list = slices.DeleteFunc(list, func(c *api.Check) bool { return c.State == incident.CheckPaused })
		same := func(c *api.Check) bool { return samenessOf(c) == samenessOf(list[0]) }
		if len(list) > 1 && list[0].Server != "" && countIf(list, same) == len(list) {
			alike[list[0].Server] = shareOfChecks(len(list), n)
		}
	}
	place := map[string]int{}
	for _, c := range checks {
		number, are := alike[c.Server]
		if !are {
			entries = append(entries, single(c))
			continue
		}
		at, known := place[c.Server]
		if !known {
			at = len(entries)
			place[c.Server] = at
			entries = append(entries, statusEntry{name: c.Server + ": " + number, server: c.Server})
		}
		entries[at].checks = append(entries[at].checks, c)
	}
	return entries
}

// groupByKey returns checks in lists of those with the same key, in the order of the first of
// each.
func groupByKey(checks []*api.Check, key func(*api.Check) string) (lists [][]*api.Check) {
	place := map[string]int{}
	for _, c := range checks {
		at, known := place[key(c)]
		if !known {
			at = len(lists)
			place[key(c)] = at
			lists = append(lists, nil)
		}
		lists[at] = append(lists[at], c)
	}
	return lists
}

// foldBy joins entries whose checks are alike and have the same key. What stays alone stays
// as it is.
func foldBy(entries []statusEntry, key func(*api.Check) string, name func(key string, checks []*api.Check) string) (folded []statusEntry) {
	type same struct {
		sameness
		key string
	}
	place, joined := map[same]int{}, map[int]bool{}
	for _, e := range entries {
		k := same{samenessOf(e.firstCheck()), key(e.firstCheck())}
		at, known := place[k]
		if !known {
			place[k] = len(folded)
			folded = append(folded, e)
			continue
		}
		joined[at] = true
		folded[at].checks = append(slices.Clip(folded[at].checks), e.checks...)
	}
	for at := range joined {
		e := &folded[at]
		if e.checks[0].Server != e.checks[len(e.checks)-1].Server {
			e.server = ""
		}
		e.name = name(key(e.firstCheck()), e.checks)
	}
	return folded
}

// groupOf returns the path of the group that a check is in.
func groupOf(c *api.Check) string {
	return cmp.Or(strings.Join(c.Groups, "/"), "(no group)")
}

// sortTroubles puts the worst first, and last what somebody has taken care of; else checks
// stand in the order of their groups and ids.
func sortTroubles(checks []*api.Check) {
	order := incident.CheckStates()
	handled := func(c *api.Check) int {
		if isHandled(c) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(checks, func(a, b *api.Check) int {
		return cmp.Or(
			slices.Index(order, a.State)-slices.Index(order, b.State), handled(a)-handled(b),
			cmp.Compare(groupOf(a), groupOf(b)), cmp.Compare(a.ID, b.ID),
		)
	})
}
