//go:build systemd

package packaging_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A nodeStatus is what the test reads of imapvigil status --json.
type nodeStatus struct {
	Node   struct{ Name, Role, Decider string }
	Checks []struct {
		ID, State string
		Locations []struct{ Node, Location, State, Standing string }
	}
}

func (c *clusterOf) status(host string) (s nodeStatus) {
	c.t.Helper()
	c.answer(host, &s, "status")
	return s
}

// answer reads what a command prints on a node. While the daemon restarts it is no JSON.
func (c *clusterOf) answer(host string, into any, command ...string) {
	c.t.Helper()
	said, _ := c.machines[host].try(append(append([]string{"imapvigil"}, command...), "--json")...)
	_ = json.Unmarshal([]byte(said), into)
}

// decider returns the host that decides for all; "" while the nodes do not agree on one.
func (c *clusterOf) decider() (host string) {
	c.t.Helper()
	for _, name := range nodeHosts {
		s := c.status(name)
		switch {
		case s.Node.Role == "deciding" && host == "" && s.Node.Decider == node(name):
			host = name
		case s.Node.Role != "following":
			return ""
		}
	}
	return host
}

// awaitDecider waits until the nodes agree on one.
func (c *clusterOf) awaitDecider() (host string) {
	c.t.Helper()
	await(c.t, patience, "one node decides", func() bool {
		host = c.decider()
		return host != ""
	})
	return host
}

// node is the name of the node on a host.
func node(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name
}

func (c *clusterOf) awaitState(state string) {
	c.t.Helper()
	await(c.t, patience, "mail is "+state, func() bool {
		for _, check := range c.status(nodeHosts[0]).Checks {
			if check.ID == "mail" {
				return check.State == state
			}
		}
		return false
	})
}

// awaitRole waits until hosts have a role.
func (c *clusterOf) awaitRole(role string, hosts ...string) {
	c.t.Helper()
	for _, host := range hosts {
		await(c.t, patience, host+" is "+role, func() bool { return c.status(host).Node.Role == role })
	}
}

// An event is what a program is given of a change of an incident.
type event struct {
	Type     string
	Incident oneIncident
}

type oneIncident struct {
	ID, Check, Condition, State string
	From                        string
	ClosedAs                    string     `json:"closed_as"`
	StartedAt                   time.Time  `json:"started_at"`
	EndedAt                     *time.Time `json:"ended_at"`
}

// What pages are told of the check: whether it opened, closed, or was handed over.
const (
	opened     = "opened"
	closed     = "closed as recovered"
	handedOver = "closed as handed over"
)

// pages lists what the pager on a host was told, from the first.
func (c *clusterOf) pages(host string) (list []event) {
	c.t.Helper()
	file, err := os.Open(c.machines[host].path("/var/lib/imapvigil/pages"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		c.t.Fatal(err)
	}
	defer file.Close()
	for pages := json.NewDecoder(file); ; {
		var e event
		switch err := pages.Decode(&e); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // one is being written
			return list
		case err != nil:
			c.t.Fatal(err)
		}
		list = append(list, e)
	}
}

// kind is what an event says, in the words above.
func (e event) kind() string {
	kind := strings.TrimPrefix(e.Type, "incident.")
	if e.Incident.ClosedAs != "" {
		kind += " as " + e.Incident.ClosedAs
	}
	return kind
}

// paged counts the pages of a kind on some hosts.
func (c *clusterOf) paged(kind string, hosts ...string) (n int) {
	c.t.Helper()
	for _, host := range hosts {
		for _, e := range c.pages(host) {
			if e.kind() == kind {
				n++
			}
		}
	}
	return n
}

// awaitPaged waits until so many pages of a kind were sent by all nodes.
func (c *clusterOf) awaitPaged(kind string, n int) {
	c.t.Helper()
	await(c.t, patience, fmt.Sprint(kind, " is paged, number ", n), func() bool { return c.paged(kind, nodeHosts...) >= n })
}

// hasPaged compares the numbers of pages of all nodes.
func (c *clusterOf) hasPaged(opening, closing, handing int) {
	c.t.Helper()
	o, r, h := c.paged(opened, nodeHosts...), c.paged(closed, nodeHosts...), c.paged(handedOver, nodeHosts...)
	if o != opening || r != closing || h != handing {
		c.t.Errorf("%d openings, %d closings and %d handings over were paged, not %d, %d and %d", o, r, h, opening, closing, handing)
		for _, host := range nodeHosts {
			c.t.Logf("%s: %+v", host, c.pages(host))
		}
	}
}

// awaitSent waits until all nodes know of so many pages that they were sent.
func (c *clusterOf) awaitSent(n int) {
	c.t.Helper()
	for _, host := range nodeHosts {
		await(c.t, patience, fmt.Sprint(host, " knows that ", n, " pages were sent"), func() bool {
			var list struct {
				Deliveries []struct{ Kind, State string }
			}
			c.answer(host, &list, "deliveries", "--all")
			sent := 0
			for _, d := range list.Deliveries {
				if d.Kind == "exec" && d.State == "sent" {
					sent++
				}
			}
			return sent == n
		})
	}
}

// incidents of the check, as a host lists them, from the oldest.
func (c *clusterOf) incidents(host string) []oneIncident {
	c.t.Helper()
	var list struct{ Incidents []oneIncident }
	c.answer(host, &list, "incidents", "mail")
	slices.SortFunc(list.Incidents, func(a, b oneIncident) int { return a.StartedAt.Compare(b.StartedAt) })
	return list.Incidents
}

// copied are the records of the journal that all nodes share, as a host has them on its disk. When they
// were written there is its own matter.
func (c *clusterOf) copied(host string) (list []string) {
	c.t.Helper()
	for r, err := range journal.Read(c.machines[host].path("/var/lib/imapvigil/shared")) {
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s", r.Kind, r.Data))
	}
	return list
}
