package takeover

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// A service is one IMAP service, as another monitor names it.
type service struct {
	groups   []string // outermost first
	server   string   // its machine's name; empty: the host
	label    string   // of the machine
	parents  []string // machines that it is behind
	host     string
	name     string // of the service
	port     int
	security config.Security // empty: that of the port
	settings []setting       // of the check
	tls      []setting
	slow     []setting // thresholds
	notes    []string  // what of it was not taken over, and what to look at
}

// A setting is an attribute and its value as an expression of HCL.
type setting struct{ name, value string }

// A collector gathers what the files of another monitor have.
type collector struct {
	format   Format
	services []service
	lost     []string // sentences: what was not taken over
	kinds    []string // kinds of things that are no IMAP services, in the order in which they came
	skipped  map[string][]string
	advice   []string // further comments: what to do now
}

// note keeps that something of a service is not taken over.
func (s *service) note(format string, args ...any) {
	s.remark(notTakenOver + fmt.Sprintf(format, args...))
}

// check keeps what a person should look at.
func (s *service) check(format string, args ...any) {
	s.remark("Check: " + fmt.Sprintf(format, args...))
}

func (s *service) remark(text string) {
	if text = toLabel(text); !slices.Contains(s.notes, text) {
		s.notes = append(s.notes, text)
	}
}

const notTakenOver = "Not taken over: "

// set gives an attribute of the check a value; the last one counts.
func (s *service) set(name, value string) { s.settings = put(s.settings, name, value) }

func put(list []setting, name, value string) []setting {
	for i := range list {
		if list[i].name == name {
			list[i].value = value
			return list
		}
	}
	return append(list, setting{name, value})
}

// noteLost keeps that something is not taken over which belongs to no service.
func (c *collector) noteLost(format string, args ...any) {
	text := toLabel(fmt.Sprintf(format, args...))
	if !slices.Contains(c.lost, text) {
		c.lost = append(c.lost, text)
	}
}

// noteSkipped keeps that a thing is no IMAP service. Those of one kind are one sentence.
func (c *collector) noteSkipped(kind, name string) {
	if c.skipped == nil {
		c.skipped = map[string][]string{}
	}
	if _, known := c.skipped[kind]; !known {
		c.kinds = append(c.kinds, kind)
	}
	c.skipped[kind] = append(c.skipped[kind], toLabel(name))
}

// add keeps a service if its host is one; what is wrong with the host is told otherwise.
func (c *collector) add(s service) {
	host, err := hclfile.Hostname(strings.TrimSpace(s.host))
	switch {
	case strings.TrimSpace(s.host) == "":
		c.noteLost("%s: it names no host.", s.title())
		return
	case err != nil:
		c.noteLost("%s: %q cannot be a host. %s", s.title(), shorten(s.host), err)
		return
	case s.port < 1 || s.port > 65535:
		c.noteLost("%s: its port is 1 to 65535, not %d.", s.title(), s.port)
		return
	}
	s.host = host
	s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(name string) bool { return toLabel(name) == "" })
	if len(s.groups) > mostGroups {
		s.groups = s.groups[:mostGroups]
	}
	s.nameCertificate()
	for i := range c.services {
		if c.services[i].samePlace(&s) {
			c.services[i].mergeWith(&s)
			return
		}
	}
	if len(c.services) >= maxServices {
		c.noteLost("Everything after the first %d services.", maxServices)
		return
	}
	c.services = append(c.services, s)
}

// nameCertificate says which name the certificate of a host must be for that is only
// known by its address: imapvigil verifies it, and few are for an address.
func (s *service) nameCertificate() {
	_, err := netip.ParseAddr(s.host)
	named := slices.ContainsFunc(s.tls, func(a setting) bool { return a.name == "server_name" })
	if err != nil || named || s.security == config.Plain {
		return
	}
	for _, name := range []string{s.server, s.label, s.name} {
		s.serverName(name)
		if slices.ContainsFunc(s.tls, func(a setting) bool { return a.name == "server_name" }) {
			return
		}
	}
	s.check("The certificate must be for %s, and few are for an address: write the name in hostname, or in tls { server_name = ... }.", s.host)
}

// mostGroups is how deep groups are nested at most.
const mostGroups = 8

// maxServices bounds what hosts and services multiply to.
const maxServices = 10_000

// samePlace reports whether two services are one for imapvigil, which looks at the
// greeting, the certificate and the time in one check.
func (s *service) samePlace(o *service) bool {
	return s.host == o.host && s.port == o.port && s.security == o.security && s.server == o.server && slices.Equal(s.groups, o.groups)
}

// mergeWith adds what another service of the same place looks at. What both say is that of the
// first.
func (s *service) mergeWith(o *service) {
	s.tls, s.slow = addSettings(s.tls, o.tls), addSettings(s.slow, o.slow)
	for _, a := range o.settings {
		if a.name == "expect_greeting" {
			s.settings = addSettings(s.settings, []setting{a})
		}
	}
	for _, note := range o.notes {
		s.remark(note)
	}
	if o.name != "" && o.name != s.name {
		s.check("%q is the same service, and a part of this check now.", toLabel(o.name))
	}
}

func addSettings(list, more []setting) []setting {
	for _, a := range more {
		if !slices.ContainsFunc(list, func(b setting) bool { return b.name == a.name }) {
			list = append(list, a)
		}
	}
	return list
}

// title names a service in a message.
func (s *service) title() string {
	return cmp.Or(strings.Join(slices.DeleteFunc(append(slices.Clone(s.groups), s.server, cmp.Or(s.name, s.host)), isEmpty), "/"), "a service")
}

func isEmpty(text string) bool { return text == "" }

// left lists what was not taken over, or should be looked at: first what belongs to no
// service. What holds for several services is one line.
func (c *collector) left() []string {
	list := c.leftOut()
	var notes []string
	titles := map[string][]string{}
	for i := range c.services {
		for _, note := range c.services[i].notes {
			if titles[note] == nil {
				notes = append(notes, note)
			}
			titles[note] = append(titles[note], toLabel(c.services[i].title()))
		}
	}
	for _, note := range notes {
		list = append(list, namesInShort(titles[note])+": "+note)
	}
	return list
}

// leftOut lists what was not taken over and belongs to no service.
func (c *collector) leftOut() (list []string) {
	for _, text := range c.lost {
		list = append(list, notTakenOver+text)
	}
	for _, kind := range c.kinds {
		list = append(list, fmt.Sprintf("%s%s: %s.", notTakenOver, kind, namesInShort(c.skipped[kind])))
	}
	return list
}

// namesInShort names a few of many.
func namesInShort(names []string) string {
	if more := len(names) - namesShown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namesShown], ", "), more)
	}
	return strings.Join(names, ", ")
}

// namesShown is how many names a line about what was left out has.
const namesShown = 12

// Ports of IMAP.
const (
	portIMAP  = 143
	portIMAPS = 993
)

func isIMAPPort(port int) bool { return port == portIMAP || port == portIMAPS }

// speaksIMAP reports whether a text, such as the name of a service, says that it is IMAP.
func speaksIMAP(texts ...string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), "imap") })
}

// namesPort reports whether a port of IMAP is among the arguments of a command.
func namesPort(command string) bool {
	words := strings.FieldsFunc(command, func(r rune) bool { return r == '!' || r == ' ' || r == ':' || r == '=' })
	return slices.Contains(words, "143") || slices.Contains(words, "993")
}

// secure sets how the connection becomes encrypted; empty: the monitor did not say. What
// the port says anyway is not written.
func (s *service) secure(how config.Security) {
	usual := config.DefaultSecurity(uint16(s.port))
	switch {
	case how == "" && usual == "":
		s.security = config.StartTLS
		s.check("It is not known how connections to port %d are encrypted: security = %q, %q or %q?", s.port, config.TLSFromStart, config.StartTLS, config.Plain)
	case how == "" && usual == config.StartTLS:
		s.check("STARTTLS is tried now, which was not tried before. If the server has none: security = %q.", config.Plain)
	case how != usual:
		s.security = how
	}
}

// splitPort returns the host and the port of an address; 0: there is none. An IPv6
// address may stand in brackets.
func splitPort(address string) (host string, port int) {
	if h, p, err := net.SplitHostPort(address); err == nil {
		if n, err := strconv.Atoi(p); err == nil {
			return h, n
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(address, "["), "]"), 0
}
