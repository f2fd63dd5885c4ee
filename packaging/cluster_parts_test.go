//go:build systemd

package packaging_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// oneDecides: the others follow it. The check comes with the files, as any other.
func oneDecides(c *clusterOf) {
	c.awaitDecider()
	for _, name := range nodeHosts {
		c.machines[name].write("/etc/imapvigil/mail.hcl", mailCheck)
		c.machines[name].run("imapvigil", "reload")
	}
	c.awaitState("ok")
}

// notifiesOnce: one opening and one closing, whoever saw it. Root gets them as mail, too.
func notifiesOnce(c *clusterOf) {
	c.mail.run("systemctl", "stop", "dovecot")
	c.awaitPaged(opened, 1)
	c.awaitState("down")
	// Two are enough; the third may have been about to look.
	if from := c.pages(c.awaitDecider())[0].Incident.From; !regexp.MustCompile(`^(2 of 3 nodes: [a-z-]+, [a-z-]+|3 of 3 nodes: frankfurt, london, new-york)$`).MatchString(from) {
		c.t.Errorf("it is seen from %q", from)
	}
	c.mail.run("systemctl", "start", "dovecot")
	c.awaitPaged(closed, 1)
	c.awaitState("ok")
	c.hasPaged(1, 1, 0)
	c.machines[c.awaitDecider()].awaitMail("mail")
}

// blamesThePath: what one node alone sees fail is one incident, degraded, and no page.
func blamesThePath(c *clusterOf) {
	heal := c.cut("lon1.example.net", mailHost)
	c.awaitState("degraded")
	said := c.machines[nodeHosts[0]].run("sh", "-c", "imapvigil status mail || true")
	if !strings.Contains(said, "london") {
		c.t.Errorf("the status does not say from where: %s", said)
	}
	heal()
	c.awaitState("ok")
	all := c.incidents(nodeHosts[0])
	if last := all[len(all)-1]; len(all) != 2 || last.Condition != "location" || !strings.HasPrefix(last.From, "1 of 3 nodes: london") {
		c.t.Errorf("the incidents are %+v", all)
	}
	c.hasPaged(1, 1, 0)
}

// outlivesTheDecider: the one that takes its place sends the closing, and nothing twice.
func outlivesTheDecider(c *clusterOf) {
	c.mail.run("systemctl", "stop", "dovecot")
	c.awaitPaged(opened, 2)
	killed := c.awaitDecider()
	c.awaitSent(3) // else the next decider would send the last once more, under the same key
	c.machines[killed].kill("imapvigil")
	await(c.t, patience, "another node decides", func() bool {
		return slices.ContainsFunc(nodeHosts, func(name string) bool { return name != killed && c.status(name).Node.Role == "deciding" })
	})
	c.mail.run("systemctl", "start", "dovecot")
	c.awaitPaged(closed, 2)
	c.machines[killed].revive("imapvigil")
	c.awaitRole("following", killed)
	c.hasPaged(2, 2, 0)
}

// kill ends a service as a crash does, and for longer.
func (m *machine) kill(service string) {
	m.t.Helper()
	m.run("systemctl", "mask", "--runtime", service)
	m.run("systemctl", "kill", "--signal=KILL", service)
}

func (m *machine) revive(service string) {
	m.t.Helper()
	m.run("systemctl", "unmask", "--runtime", service)
	m.run("systemctl", "start", service)
}

// outlivesTheBus: without NATS servers each node decides alone, and its messages say so. Afterwards
// all of it is one incident, which began when the service ended.
func outlivesTheBus(c *clusterOf) {
	for _, name := range nodeHosts {
		c.machines[name].kill("imapvigil-bus")
	}
	c.awaitRole("alone", nodeHosts...)
	begun := time.Now()
	c.mail.run("systemctl", "stop", "dovecot")
	c.awaitPaged(opened, 5)
	for _, name := range nodeHosts {
		pages := c.pages(name)
		if from := pages[len(pages)-1].Incident.From; from != "seen by "+node(name)+" alone" {
			c.t.Errorf("%s pages what is %q", name, from)
		}
	}
	healed := time.Now()
	for _, name := range nodeHosts {
		c.machines[name].revive("imapvigil-bus")
	}
	c.awaitPaged(handedOver, 3)
	c.awaitPaged(opened, 6)
	all := c.incidents(c.awaitDecider())
	open := slices.DeleteFunc(slices.Clone(all), func(i oneIncident) bool { return i.State != "open" })
	if len(open) != 1 || open[0].StartedAt.Before(begun) || open[0].StartedAt.After(healed) {
		c.t.Errorf("an outage began at %v, and the bus was back at %v; of the incidents %+v these are open: %+v", begun, healed, all, open)
	}
	c.mail.run("systemctl", "start", "dovecot")
	c.awaitPaged(closed, 3)
	c.awaitState("ok")
	c.hasPaged(6, 3, 3)
}

// A truth is what a node shows of the cluster, but for what it decided while it was alone.
type truth struct {
	Decider   string
	Nodes     []nodeRow
	Checks    any
	Incidents []oneIncident
	Journal   []string
}

type nodeRow struct {
	Name, Location string
	Live, Deciding bool
	SameFiles      bool `json:"same_files"`
	Share          int
	Place, Behind  uint64
	Troubles       []string
}

func (t truth) String() string {
	return fmt.Sprintf("decider %s\nnodes %+v\nchecks %+v\nincidents %+v\njournal\n%s", t.Decider, t.Nodes, t.Checks, t.Incidents, strings.Join(t.Journal, "\n"))
}

func (c *clusterOf) truth(host string) truth {
	c.t.Helper()
	s := c.status(host)
	var nodes struct{ Nodes []nodeRow }
	c.answer(host, &nodes, "nodes")
	shared := slices.DeleteFunc(c.incidents(host), func(i oneIncident) bool {
		return i.ClosedAs == "handed over" // what it decided alone
	})
	return truth{s.Node.Decider, nodes.Nodes, s.Checks, shared, c.copied(host)}
}

// agreesOnAll: whichever node is asked, the answer is the same, and all have the same journal. Each
// is well.
func agreesOnAll(c *clusterOf) {
	var first, other truth
	defer func() {
		if c.t.Failed() {
			c.t.Logf("one says\n%s\nanother says\n%s", first, other)
		}
	}()
	await(c.t, patience, "all nodes are well, and say the same", func() bool {
		first = c.truth(nodeHosts[0])
		return !slices.ContainsFunc(nodeHosts[1:], func(name string) bool {
			other = c.truth(name)
			return !reflect.DeepEqual(first, other)
		}) && !slices.ContainsFunc(first.Nodes, func(n nodeRow) bool {
			return !n.Live || !n.SameFiles || n.Behind > 0 || len(n.Troubles) > 0
		})
	})
	var kinds []string
	for _, i := range first.Incidents {
		kinds = append(kinds, fmt.Sprint(i.Condition, " ", i.State, " ", i.ClosedAs))
	}
	want := []string{"service closed recovered", "location closed recovered", "service closed recovered", "service closed recovered"}
	if !slices.Equal(kinds, want) {
		c.t.Errorf("the incidents are %q, not %q", kinds, want)
	}
}
