package takeover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// write returns the services as HCL, in an order that people can find their way in: that
// of the files, with all checks of a server in one block.
func (c *collector) write() []byte {
	w := &writer{servers: nameList{}, short: shortNames(c.hosts())}
	for _, s := range c.services {
		server := w.top.group(s.groups).server(&s)
		server.checks = append(server.checks, s)
	}
	// All names first, so that a server can depend on one that comes later.
	byName := map[string]*serverOf{}
	w.top.each(func(s *serverOf) {
		name := identifier(s.name)
		if name == "" {
			name = identifier(w.short[s.host])
		}
		s.id = w.servers.take(name, "server")
		if s.name != "" && byName[s.name] == nil {
			byName[s.name] = s
		}
	})
	w.top.each(func(s *serverOf) {
		if s.depend(byName); len(s.parents) > 0 && s.dependsOn == nil {
			c.noteLost("The parents of %s: %s. depends_on names one server that is watched here.", s.name, strings.Join(s.parents, ", "))
		}
	})
	w.preamble(c)
	w.members(&w.top)
	w.adviseAtEnd(c.advice)
	return []byte(w.text.String())
}

// adviseAtEnd writes lines of HCL as a comment, in the layout of all files.
func (w *writer) adviseAtEnd(lines []string) {
	text, wrong := hclfile.Format("advice", []byte(strings.Join(lines, "\n")))
	if len(lines) == 0 || len(wrong) > 0 {
		return
	}
	w.line("")
	for line := range strings.Lines(string(text)) {
		w.line("%s", strings.TrimRight("# "+line, " \n"))
	}
}

func (c *collector) hosts() (list []string) {
	for i := range c.services {
		list = append(list, c.services[i].host)
	}
	return list
}

// A groupOf is a group with the servers and groups in it, in the order of the files.
type groupOf struct {
	name    string
	groups  []*groupOf
	servers []*serverOf
}

// A serverOf is a machine with its checks.
type serverOf struct {
	id                string // in the output
	name, label, host string
	parents           []string
	dependsOn         *serverOf
	checks            []service
}

func (g *groupOf) group(path []string) *groupOf {
	for _, name := range path {
		i := slices.IndexFunc(g.groups, func(in *groupOf) bool { return in.name == name })
		if i < 0 {
			i = len(g.groups)
			g.groups = append(g.groups, &groupOf{name: name})
		}
		g = g.groups[i]
	}
	return g
}

func (g *groupOf) server(s *service) *serverOf {
	for _, known := range g.servers {
		if known.host == s.host && known.name == s.server {
			return known
		}
	}
	known := &serverOf{name: s.server, label: s.label, host: s.host, parents: s.parents}
	g.servers = append(g.servers, known)
	return known
}

// each calls do for all servers in a group, in the order in which they are written.
func (g *groupOf) each(do func(*serverOf)) {
	for _, s := range g.servers {
		do(s)
	}
	for _, inner := range g.groups {
		inner.each(do)
	}
}

// depend sets what a server depends on. Of several parents one is enough to reach it, which
// depends_on cannot say; and a circle, which no monitor takes, is not written.
func (s *serverOf) depend(byName map[string]*serverOf) {
	if len(s.parents) != 1 {
		return
	}
	parent := byName[s.parents[0]]
	for up := parent; up != nil; up = up.dependsOn {
		if up == s {
			return
		}
	}
	s.dependsOn = parent
}

type writer struct {
	text    strings.Builder
	top     groupOf
	servers nameList // names of servers are unique in the whole configuration
	short   map[string]string
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.text, format+"\n", args...) }

// comment writes text as lines of a comment.
func (w *writer) comment(text string) {
	for line := range strings.SplitSeq(config.Wrap(toLabel(text), commentWidth), "\n") {
		w.line("# %s", line)
	}
}

const commentWidth = 76

var origins = map[Format]string{
	Gatus: "gatus", Kuma: "Uptime Kuma", Nagios: "Nagios or Icinga", Prometheus: "Prometheus and its blackbox exporter", Hosts: "a list of hosts",
}

// preamble says what this is, and what was left out that belongs to no service.
func (w *writer) preamble(c *collector) {
	w.comment("Taken over from " + origins[c.format] + " by imapvigil import. Read it through, then: imapvigil validate, and imapvigil test.")
	w.comment("Who is notified is not taken over: set notification_roles in a defaults block, or per group, server or check.")
	for _, text := range c.leftOut() {
		w.line("#")
		w.comment(text)
	}
	w.line("")
}

// members writes what stands in a group, or at the top.
func (w *writer) members(g *groupOf) {
	first := true
	apart := func() {
		if !first {
			w.line("")
		}
		first = false
	}
	names := nameList{}
	for _, s := range g.servers {
		apart()
		w.server(s)
	}
	for _, inner := range g.groups {
		apart()
		id := names.take(identifier(inner.name), "group")
		w.line("group %s {", quote(id))
		if label := toLabel(inner.name); label != id && label != "" {
			w.line("label = %s", quote(label))
			w.line("")
		}
		w.members(inner)
		w.line("}")
	}
}

func (w *writer) server(s *serverOf) {
	w.line("server %s {", quote(s.id))
	if label := toLabel(s.label); label != "" && label != s.id {
		w.line("label = %s", quote(label))
	}
	w.line("hostname = %s", quote(s.host))
	if s.dependsOn != nil {
		w.line("depends_on = [%s]", config.Reference("server", s.dependsOn.id))
	}
	names := nameList{}
	for i := range s.checks {
		w.line("")
		w.check(&s.checks[i], names)
	}
	w.line("}")
}

func (w *writer) check(s *service, names nameList) {
	id := names.take(s.id(), "imap")
	w.line("imap_check %s {", quote(id))
	for _, note := range s.notes {
		w.comment(note)
	}
	// The id says it already where the name adds nothing to it.
	if label := checkLabel(s.name); label != "" && identifier(label) != id && label != s.host {
		w.line("label = %s", quote(label))
	}
	w.line("port = %d", s.port)
	if s.security != "" {
		w.line("security = %s", quote(string(s.security)))
	}
	for _, a := range s.settings {
		w.line("%s = %s", a.name, a.value)
	}
	w.block("thresholds", s.slow)
	w.block("tls", s.tls)
	w.line("}")
}

// id names a check by what it does, as in "mx1/imaps".
func (s *service) id() string {
	how := s.security
	if how == "" {
		how = config.DefaultSecurity(uint16(s.port))
	}
	switch {
	case s.port == portIMAPS && how == config.TLSFromStart:
		return "imaps"
	case s.port == portIMAP && how == config.StartTLS:
		return "starttls"
	case s.port == portIMAP && how == config.Plain:
		return "imap"
	}
	return "imap-" + strconv.Itoa(s.port)
}

func (w *writer) block(name string, list []setting) {
	if len(list) == 0 {
		return
	}
	w.line("%s {", name)
	for _, a := range list {
		w.line("%s = %s", a.name, a.value)
	}
	w.line("}")
}

// printable returns a line without control characters; its spaces stay.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, line)
}

// quote returns a text as a string of the language. Control characters, which no
// attribute takes, become spaces.
func quote(text string) string { return hclfile.Quote(printable(text)) }
