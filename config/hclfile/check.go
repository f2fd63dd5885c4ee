package hclfile

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// place is what an imap_check says about itself alone.
type place struct {
	label    string
	hostname string
	server   *ref
	group    *ref
	serverAt hcl.Range
	groupAt  hcl.Range
}

var placeTable = table[place]{
	newRow("label", textJudged("string", ruleCheckLabel, checkLabel), "the id", "What people call the check: letters of any script with their combining marks, digits and spaces",
		func(p *place, v value) { p.label = v.text }),
	newRow("hostname", hostname, "the server's", "An IPv4 address, an IPv6 address or a DNS name. A name with a dot is asked as it is, without the search list of /etc/resolv.conf; one without any dot uses the search list, with a warning. So are the hosts of daemon and notifier",
		func(p *place, v value) { p.hostname = v.text }),
	newRow("server", referenceTo("server"), "from nesting", "The server of a check that is written at the top level",
		func(p *place, v value) { p.server, p.serverAt = &v.refs[0], v.at }),
	newRow("group", referenceTo("group"), "from nesting", "The group of a check that is written at the top level",
		func(p *place, v value) { p.group, p.groupAt = &v.refs[0], v.at }),
}

func (l *loader) defineCheck(node *checkNode) {
	content := l.content(node.block, imapCheckBlock, "imap_check")
	var p place
	_, failed := decodeEach(l, placeTable, content, &p)
	server, group, placed := l.placeCheck(node, &p)
	t := l.termsAt(group, server)
	here := &level{blockNamed(node.block.Type, node.block.Labels), header(node.block)}
	ok := l.overlay(&t, content, here) && len(failed) == 0 && placed
	leftOut := false
	if l.salvaging {
		// The server counts, too: what it says may be what is wrong with the check.
		leftOut, ok = t.salvage()
		ok = ok && len(failed) == 0 && placed && (server == nil || !server.content.wrong)
	}
	t.Probe.FillDefaults()
	written := t.Quorum
	t.Quorum.FillDefaults(l.config.Cluster)
	// On the left of && so that it is checked, and reported, even if ok is false.
	ok = combination{l.Findings, &t, here, !l.snapshot.Options().NoCredentials}.fits() && ok
	ok = l.checkQuorum(combination{Findings: l.Findings, terms: &t, here: here}, written) && ok
	if p.hostname == "" && server != nil {
		p.hostname = server.server.Hostname
	}
	if p.hostname == "" && !hostIsWrong(content, failed, server) {
		l.Gather(ruleNoHostname, here.at, "%s", missingHostname(node, server))
		return
	}
	if !ok || p.hostname == "" || t.Probe.Security == "" {
		return // what is missing has been reported where it was written
	}
	if leftOut {
		l.config.LoginLeftOut[node.id] = true
	}
	t.Probe.Hostname = p.hostname
	l.config.Checks[node.id] = l.newCheck(node, &t, p.label, server, group)
}

// hostIsWrong reports whether a hostname, or the server that may have one, is written
// and wrong, which has been reported.
func hostIsWrong(content *contents, failed []string, server *serverNode) bool {
	wrong := func(name string) bool { return slices.Contains(failed, name) || slices.Contains(content.meant, name) }
	if server == nil {
		return wrong("hostname") || wrong("server")
	}
	return wrong("hostname") || slices.Contains(server.failed, "hostname") || slices.Contains(server.content.meant, "hostname")
}

func missingHostname(node *checkNode, server *serverNode) string {
	if server != nil {
		return fmt.Sprintf("Neither this check nor server %q says which host to connect to. Write hostname in the server, for all of its checks, or here.", server.name)
	}
	return fmt.Sprintf("Write which host %s connects to: hostname = \"imap.example.org\"", blockNamed(node.block.Type, node.block.Labels))
}

func (l *loader) newCheck(node *checkNode, t *terms, label string, server *serverNode, group *groupNode) *config.Check {
	chosen, isChosen := t.from.of("notification_roles")
	roles := l.config.Daemon.Roles
	if isChosen {
		roles = t.Roles
	}
	c := t.Check
	c.ID, c.Label, c.Path, c.Pos = node.id, label, group.path, diagnose.Position(header(node.block))
	c.Roles = addRoles(roles, t.also)
	node.roles = chosen.expr
	needed, _ := t.from.of("depends_on")
	node.dependsOn = needed.expr
	if label == "" {
		c.Label = string(node.id)
	}
	if server != nil {
		c.Server = server.id()
	}
	return &c
}

// placeCheck finds the server and the group of a check: from where it is
// written, or from its attributes, not from both.
func (l *loader) placeCheck(node *checkNode, p *place) (*serverNode, *groupNode, bool) {
	server, group := node.server, node.group
	ok := true
	if p.server != nil {
		switch {
		case server != nil:
			l.Report(rulePlace, p.serverAt, "This check is written inside server %q already.", server.name)
			ok = false
		case group != l.top:
			l.Report(rulePlace, p.serverAt, "This check is written inside %s already, and its server has a group of its own. Write the check at the top level or inside the server.", group.ref())
			ok = false
		}
		// Also after an error, so that the rest of the check is read as it was meant.
		server = l.servers[config.ServerID(p.server.id)]
	}
	if p.group != nil {
		switch {
		case server != nil:
			l.Report(rulePlace, p.groupAt, "The check belongs to server %q, and where that belongs the check does too.", server.name)
			ok = false
		case group != l.top:
			l.Report(rulePlace, p.groupAt, "This check is written inside %s already.", group.ref())
			ok = false
		}
		group = l.groups[config.GroupID(p.group.id)]
	}
	if server != nil { // whatever was wrong above, so that what is inherited is right
		group = server.group
	}
	return server, group, ok
}
