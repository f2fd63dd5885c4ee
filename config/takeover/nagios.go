package takeover

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readNagios takes over objects of Nagios and those that read its files, and those of
// Icinga 2.
func (c *collector) readNagios(files []File) error {
	var classic, icinga []File
	for _, f := range files {
		if icingaObject.Match(f.Text) {
			icinga = append(icinga, f)
		} else {
			classic = append(classic, f)
		}
	}
	n := newNagios(parseNagios(classic))
	for _, o := range n.services {
		c.readNagiosService(n, o)
	}
	if n.dependencies > 0 {
		c.noteLost("Dependencies between services or hosts (%d). Write depends_on.", n.dependencies)
	}
	if n.contacts > 0 {
		c.noteLost("Contacts (%d). Write notifier blocks and notification_role blocks.", n.contacts)
	}
	if len(icinga) > 0 {
		return c.readIcinga(icinga)
	}
	return nil
}

// A nagios is what the objects of Nagios declare, by name.
type nagios struct {
	hosts    map[string]*object
	order    []string // of hosts
	services []*object
	commands map[string]string   // command lines
	members  map[string][]string // of host groups
	groups   map[string][]string // of hosts

	dependencies, contacts int
}

func newNagios(objects []*object) *nagios {
	n := &nagios{hosts: map[string]*object{}, commands: map[string]string{}, members: map[string][]string{}, groups: map[string][]string{}}
	for _, o := range objects {
		switch {
		case o.isTemplate():
		case o.kind == "host" && o.get("host_name") != "":
			n.hosts[o.get("host_name")] = o
			n.order = append(n.order, o.get("host_name"))
			for _, group := range commas(o.get("hostgroups")) {
				n.joinGroup(group, o.get("host_name"))
			}
		case o.kind == "service":
			n.services = append(n.services, o)
		case o.kind == "command":
			n.commands[o.get("command_name")] = o.get("command_line")
		case o.kind == "servicedependency", o.kind == "hostdependency":
			n.dependencies++
		case o.kind == "contact":
			n.contacts++
		}
	}
	for _, o := range objects {
		if o.kind == "hostgroup" {
			for _, host := range n.expand(o.get("members")) {
				n.joinGroup(o.get("hostgroup_name"), host)
			}
		}
	}
	return n
}

func (n *nagios) joinGroup(group, host string) {
	if !slices.Contains(n.members[group], host) {
		n.members[group] = append(n.members[group], host)
		n.groups[host] = append(n.groups[host], group)
	}
}

// expand returns the hosts that a list of names stands for; * is all, and ! leaves one out.
func (n *nagios) expand(list string) (hosts []string) {
	for _, name := range commas(list) {
		left, leaves := strings.CutPrefix(name, "!")
		switch {
		case leaves:
			hosts = slices.DeleteFunc(hosts, func(h string) bool { return h == left })
		case name == "*":
			hosts = append(hosts, n.order...)
		case n.hosts[name] != nil:
			hosts = append(hosts, name)
		}
	}
	return hosts
}

func (c *collector) readNagiosService(n *nagios, o *object) {
	name := cmp.Or(o.get("service_description"), o.get("name"), "a service")
	hosts := n.expand(o.get("host_name"))
	for _, group := range commas(o.get("hostgroup_name")) {
		left, leaves := strings.CutPrefix(group, "!")
		for _, host := range n.members[left] {
			if leaves {
				hosts = slices.DeleteFunc(hosts, func(h string) bool { return h == host })
			} else {
				hosts = append(hosts, host)
			}
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	command, _, _ := strings.Cut(o.get("check_command"), "!")
	if len(hosts) == 0 {
		if speaksIMAP(command, name) || namesPort(o.get("check_command")) {
			c.noteLost("The service %q: its hosts are not in these files: %s.", shorten(name), shorten(o.first("host_name", "hostgroup_name")))
		} else {
			c.noteSkipped("Services that are no IMAP services", name)
		}
		return
	}
	found := false
	for _, host := range hosts {
		found = c.readNagiosPair(n, o, n.hosts[host], name) || found
	}
	if !found {
		c.noteSkipped("Services that are no IMAP services", name)
	}
}

// readNagiosPair takes over a service of one host, and reports whether it is IMAP.
func (c *collector) readNagiosPair(n *nagios, o, host *object, name string) bool {
	id := host.get("host_name")
	s := service{
		server: id, label: host.first("display_name", "alias"), name: name,
		host: cmp.Or(host.get("address"), host.get("address6"), id), parents: commas(host.get("parents")),
	}
	if s.label == id {
		s.label = ""
	}
	program, args := n.commandLine(o, host)
	p, known := pluginOf(program)
	if !known || !s.readsPlugin(p, args) {
		return false
	}
	if groups := n.groups[id]; len(groups) > 0 {
		s.groups = groups[:1]
		if len(groups) > 1 {
			c.noteLost("Further host groups of %s: %s. A server is in one group, which may be in another.", shorten(id), shorten(strings.Join(groups[1:], ", ")))
		}
	}
	s.setPaces(paces{
		interval: number(o.first("check_interval", "normal_check_interval"), time.Minute),
		retry:    number(o.first("retry_interval", "retry_check_interval"), time.Minute), attempts: atoi(o.get("max_check_attempts")),
		remind: o.get("notification_interval"), remindUnit: time.Minute,
	})
	s.nagiosSwitches(o)
	c.add(s)
	return true
}

func (s *service) nagiosSwitches(o *object) {
	if o.get("active_checks_enabled") == "0" {
		s.set("enabled", "false")
	}
	if o.get("notifications_enabled") == "0" {
		s.set("notification_roles", "[]")
	}
	if text := toLabel(o.get("notes")); text != "" {
		s.set("description", quote(text))
	}
	s.runbook(o.get("notes_url"))
	for _, name := range []string{"contact_groups", "contacts"} {
		if value := o.get(name); value != "" {
			s.note("%s %s", name, shorten(value))
		}
	}
	for _, name := range []string{"check_period", "notification_period"} {
		if value := o.get(name); value != "" && !strings.Contains(strings.ToLower(value), "24x7") {
			s.note("%s %s. Write a schedule, and use it with during in a notify block.", name, shorten(value))
		}
	}
}

func atoi(text string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return n
}

// commandLine returns the program that a service's check_command runs, with its
// arguments. A command that is not in the files is taken to be what Nagios' sample has
// under its name.
func (n *nagios) commandLine(o, host *object) (program string, args []string) {
	parts := splitCommand(o.get("check_command"))
	if len(parts) == 0 {
		return "", nil
	}
	line, defined := n.commands[parts[0]]
	if !defined {
		return parts[0], usualArguments(parts[1:])
	}
	line = macro.ReplaceAllStringFunc(line, func(m string) string {
		return nagiosMacro(strings.Trim(m, "$"), parts[1:], o, host)
	})
	words := shellWords(line)
	if len(words) == 0 {
		return "", nil
	}
	return words[0], words[1:]
}

// splitCommand splits at each ! that is not escaped.
func splitCommand(text string) (parts []string) {
	const escaped = "\x00"
	for part := range strings.SplitSeq(strings.ReplaceAll(text, `\!`, escaped), "!") {
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(part, escaped, "!")))
	}
	return parts
}

var macro = regexp.MustCompile(`\$[A-Za-z0-9_]+\$`)

// nagiosMacro returns the value of a macro of a command line.
func nagiosMacro(name string, args []string, o, host *object) string {
	if number, ok := strings.CutPrefix(name, "ARG"); ok {
		if i := atoi(number); i >= 1 && i <= len(args) {
			return args[i-1]
		}
		return ""
	}
	if custom, ok := strings.CutPrefix(name, "_HOST"); ok {
		return ownVariable(host, custom)
	}
	if custom, ok := strings.CutPrefix(name, "_SERVICE"); ok {
		return ownVariable(o, custom)
	}
	switch name {
	case "HOSTADDRESS":
		return cmp.Or(host.get("address"), host.get("host_name"))
	case "HOSTADDRESS6":
		return host.get("address6")
	case "HOSTNAME":
		return host.get("host_name")
	case "HOSTALIAS":
		return host.get("alias")
	}
	return "" // $USER1$ is the directory of the plugins
}

// ownVariable returns a custom variable, whose name has any case.
func ownVariable(o *object, name string) string {
	for key, value := range o.names {
		if strings.EqualFold(key, "_"+name) {
			return value
		}
	}
	for _, t := range o.from {
		for key := range t.names {
			if strings.EqualFold(key, "_"+name) {
				return t.get(key)
			}
		}
	}
	return ""
}

// usualArguments makes a command line of the arguments of a command that is not known: a
// number is a port, a host before it is a host, and the rest is as it is.
func usualArguments(args []string) (line []string) {
	for i, arg := range args {
		switch {
		case arg == "":
		case isNumber(arg) && !slices.Contains(line, "-p"):
			line = append(line, "-p", arg)
		case i == 0 && strings.Contains(arg, ".") && !strings.ContainsAny(arg, " -"):
			line = append(line, "-H", arg)
		default:
			line = append(line, shellWords(arg)...)
		}
	}
	return line
}

func isNumber(text string) bool {
	_, err := strconv.Atoi(text)
	return err == nil
}

// shellWords splits a command line as a shell does; quotes keep spaces.
func shellWords(line string) (words []string) {
	var word strings.Builder
	in, quoted, escaped := false, rune(0), false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quoted != '\'':
			escaped, in = true, true
		case quoted != 0 && r == quoted:
			quoted = 0
		case quoted == 0 && (r == '"' || r == '\''):
			quoted, in = r, true
		case quoted == 0 && (r == ' ' || r == '\t'):
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}
