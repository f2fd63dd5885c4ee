package hclfile

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// home is a server, and the group that it is said to be in.
type home struct {
	config.Server
	group   *ref
	groupAt hcl.Range
}

var serverTable = table[home]{
	newRow("label", text, "the name", "What people call the server",
		func(h *home, v value) { h.Label = v.text }),
	newRow("hostname", hostname, "", "The IPv4 address, IPv6 address or DNS name that its checks connect to, as in imap_check",
		func(h *home, v value) { h.Hostname = v.text }),
	newRow("group", referenceTo("group"), "from nesting", "The group of a server that is written at the top level",
		func(h *home, v value) { h.group, h.groupAt = &v.refs[0], v.at }),
	newRow("depends_on", referencesTo("server", "imap_check"), "", "While one of these is down, incidents of this server's checks are recorded and not sent",
		func(h *home, v value) { h.DependsOn = configRefs(v.refs) }),
}

var groupTable = table[config.Group]{
	newRow("label", text, "the name", "What people call the group",
		func(g *config.Group, v value) { g.Label = v.text }),
}

// linkServers makes the servers and finds their groups. It comes before
// anything is inherited.
func (l *loader) linkServers() {
	for _, id := range slices.Sorted(maps.Keys(l.servers)) {
		s := l.servers[id]
		h := home{Server: config.Server{ID: id, Label: s.name, Pos: diagnose.Position(header(s.block))}}
		_, s.failed = decodeEach(l, serverTable, s.content, &h)
		if h.group != nil {
			if s.group != l.top {
				l.Report(rulePlace, h.groupAt, "This server is written inside %s already.", s.group.ref())
			} else {
				s.group = l.groups[config.GroupID(h.group.id)]
			}
		}
		h.Path = s.group.path
		s.server = &h.Server
		l.config.Servers[id] = s.server
	}
}

func (l *loader) defineGroups() {
	for _, id := range slices.Sorted(maps.Keys(l.groups)) {
		node := l.groups[id]
		g := &config.Group{ID: id, Label: node.block.Labels[0], Pos: diagnose.Position(header(node.block))}
		if node.label != nil {
			decode(l, groupTable, &contents{BodyContent: &hcl.BodyContent{Attributes: hcl.Attributes{"label": node.label}}}, g)
		}
		l.config.Groups[id] = g
		l.termsOfGroup(node)
	}
	for _, id := range slices.Sorted(maps.Keys(l.servers)) {
		l.termsOfServer(l.servers[id])
	}
	l.termsOfGroup(l.top) // so that defaults without any check are checked, too
}

// termsAt returns a copy of what holds where a check stands.
func (l *loader) termsAt(g *groupNode, s *serverNode) terms {
	if s != nil {
		return *l.termsOfServer(s)
	}
	return *l.termsOfGroup(g)
}

func (l *loader) termsOfGroup(g *groupNode) *terms {
	if g.terms == nil { // made once, for all checks of the group
		// The rest is filled in by FillDefaults, since it depends on other attributes.
		t := terms{Check: config.Check{Probe: config.DefaultProbe(), Policy: config.DefaultPolicy(), Enabled: true}}
		what := "the defaults"
		if g.parent != nil {
			t = *l.termsOfGroup(g.parent)
			what = "the defaults of " + g.ref().String()
		}
		g.terms = l.withDefaults(t, g.defaults, what)
	}
	return g.terms
}

func (l *loader) termsOfServer(s *serverNode) *terms {
	if s.terms == nil {
		s.terms = l.withDefaults(*l.termsOfGroup(s.group), s.defaults, "the defaults of "+ref{"server", s.name}.String())
	}
	return s.terms
}

func (l *loader) withDefaults(t terms, defaults *hcl.Block, what string) *terms {
	if defaults != nil {
		content := l.content(defaults, defaultsBlock, "defaults block")
		l.overlay(&t, content, &level{what, header(defaults)})
	}
	return &t
}
