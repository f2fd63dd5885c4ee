package takeover

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An icinga is what the files of Icinga 2 declare.
type icinga struct {
	templates map[[2]string]definition
	commands  map[string]definition
	constants scope
	hosts     []dict
	vague     map[string]bool // rules whose conditions are not all understood
}

// readIcinga takes over the objects of Icinga 2 that the rules make.
func (c *collector) readIcinga(files []File) error {
	in := &icinga{templates: map[[2]string]definition{}, commands: map[string]definition{}, constants: wellKnown(), vague: map[string]bool{}}
	var rules, hosts []definition
	others := 0
	for _, f := range files {
		list, constants, err := parseIcinga(f)
		if err != nil {
			return err
		}
		for name, value := range constants {
			in.constants[name] = value(in.constants)
		}
		for _, d := range list {
			switch name := textOf(d.name, in.constants); {
			case d.rule == "template":
				in.templates[[2]string{d.kind, name}] = d
			case d.kind == "CheckCommand":
				in.commands[name] = d
			case d.kind == "Host" && d.rule == "object":
				hosts = append(hosts, d)
			case d.kind == "Service":
				rules = append(rules, d)
			case d.kind == "Notification", d.kind == "User", d.kind == "Dependency", d.kind == "ScheduledDowntime":
				others++
			}
		}
	}
	for _, d := range hosts {
		in.hosts = append(in.hosts, in.build(d, in.constants, textOf(d.name, in.constants)))
	}
	for _, d := range rules {
		c.readIcingaRule(in, d)
	}
	if others > 0 {
		c.noteLost("Notifications, users, dependencies and downtimes (%d). Write notifier, notification_role and maintenance blocks, and depends_on.", others)
	}
	for _, name := range sortedKeys(in.vague) {
		c.noteLost("The service %q: its conditions are not all understood, so it may be missing for some hosts.", shorten(name))
	}
	return nil
}

// wellKnown are constants of Icinga 2 itself; of the directory of a plugin only the name
// of the file matters.
func wellKnown() scope {
	return scope{"NodeName": "NodeName", "PluginDir": "", "PluginContribDir": ""}
}

func sortedKeys(set map[string]bool) (list []string) {
	for key := range set {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

func textOf(e expression, s scope) string {
	if e == nil {
		return ""
	}
	text, _ := asText(e(s))
	return text
}

// build makes an object of a definition and the templates that it imports.
func (in *icinga) build(d definition, s scope, name string) dict {
	object := dict{"name": name}
	s = withThis(s, object)
	var imports func(kind string, depth int) func(string)
	imports = func(kind string, depth int) func(string) {
		return func(name string) {
			if t, ok := in.templates[[2]string{kind, name}]; ok && depth < deepest {
				object.apply(t.body, s, imports(kind, depth+1))
			}
		}
	}
	object.apply(d.body, s, imports(d.kind, 0))
	return object
}

func withThis(s scope, this dict) scope {
	inner := scope{"this": this}
	for key, value := range s {
		if key != "this" {
			inner[key] = value
		}
	}
	return inner
}

// readIcingaRule takes over a service, or those that an apply rule makes.
func (c *collector) readIcingaRule(in *icinga, d definition) {
	found := false
	name := textOf(d.name, in.constants)
	if d.rule == "object" {
		service := in.build(d, in.constants, name)
		for _, host := range in.hosts {
			if isEqual(host["name"], service["host_name"]) {
				found = c.readIcingaPair(in, service, host, name) || found
			}
		}
	} else {
		for _, host := range in.hosts {
			found = c.applyRule(in, d, host, name) || found
		}
	}
	if !found {
		c.noteSkipped("Services that are no IMAP services, or of no host in these files", cmp.Or(name, d.key))
	}
}

// applyRule takes over the services that an apply rule makes for a host: one, or with
// for one for each element.
func (c *collector) applyRule(in *icinga, d definition, host dict, name string) (found bool) {
	s := scope{"host": host}
	for key, value := range in.constants {
		s[key] = value
	}
	if d.over == nil {
		return c.applyTo(in, d, host, s, name)
	}
	switch over := d.over(s).(type) {
	case dict:
		var keys []string
		for key := range over {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			s[d.key], s[d.value] = key, over[key]
			found = c.applyTo(in, d, host, s, name+key) || found
		}
	case []any:
		for _, one := range over {
			s[d.key] = one
			text, _ := asText(one)
			found = c.applyTo(in, d, host, s, name+text) || found
		}
	}
	return found
}

func (c *collector) applyTo(in *icinga, d definition, host dict, s scope, name string) bool {
	// With for, a rule needs no condition.
	assigned, ignored := d.over != nil && !slices.ContainsFunc(d.body, func(l statement) bool { return l.word == "assign" }), false
	for _, line := range d.body {
		if line.word != "assign" && line.word != "ignore" {
			continue
		}
		value := line.value(s)
		if isUnknown(value) && in.mayBeIMAP(d, host, s, name) {
			in.vague[cmp.Or(name, d.key)] = true
		}
		assigned = assigned || line.word == "assign" && isTrue(value)
		ignored = ignored || line.word == "ignore" && isTrue(value)
	}
	if !assigned || ignored {
		return false
	}
	return c.readIcingaPair(in, in.build(d, s, name), host, name)
}

// mayBeIMAP reports whether a rule would make a service that looks at IMAP.
func (in *icinga) mayBeIMAP(d definition, host dict, s scope, name string) bool {
	object := in.build(d, s, name)
	command, _ := asText(object["check_command"])
	p, args, known := in.program(command, object, host)
	trial := service{name: name}
	return known && trial.readsPlugin(p, args)
}

// readIcingaPair takes over a service of one host, and reports whether it is IMAP.
func (c *collector) readIcingaPair(in *icinga, object, host dict, name string) bool {
	id, _ := host["name"].(string)
	text := func(d dict, key string) string {
		value, _ := asText(d[key])
		return value
	}
	s := service{
		server: id, label: text(host, "display_name"), name: cmp.Or(text(object, "display_name"), name),
		host: cmp.Or(text(host, "address"), text(host, "address6"), id),
	}
	if s.label == id {
		s.label = ""
	}
	p, args, known := in.program(text(object, "check_command"), object, host)
	if !known || !s.readsPlugin(p, args) {
		return false
	}
	if groups, _ := host["groups"].([]any); len(groups) > 0 {
		first, _ := asText(groups[0])
		s.groups = []string{first}
		if len(groups) > 1 {
			c.noteLost("Further host groups of %s. A server is in one group, which may be in another.", shorten(id))
		}
	}
	seconds := func(key string) time.Duration { return number(text(object, key), time.Second) }
	attempts, _ := object["max_check_attempts"].(float64)
	s.setPaces(paces{interval: seconds("check_interval"), retry: seconds("retry_interval"), attempts: int(min(attempts, 10_000))})
	if object["enable_active_checks"] == false {
		s.set("enabled", "false")
	}
	if object["enable_notifications"] == false {
		s.set("notification_roles", "[]")
	}
	if notes := toLabel(text(object, "notes")); notes != "" {
		s.set("description", quote(notes))
	}
	s.runbook(text(object, "notes_url"))
	c.add(s)
	return true
}

// builtin are the commands of Icinga's template library for programs that may look at
// IMAP, and the names of their variables for the options of the program.
var builtin = map[string]string{"imap": "check_imap", "simap": "check_simap", "tcp": "check_tcp", "ssl": "check_ssl", "ssl_cert": "check_ssl_cert"}

var builtinVariables = map[string][]string{
	"-H": {"address"}, "-p": {"port"}, "-w": {"warning", "wtime", "warn"}, "-c": {"critical", "ctime", "critical"}, "-t": {"timeout"},
	"-e": {"expect"}, "-D": {"certificate_age", "certificate"}, "--sni": {"sni"}, "-P": {"protocol"}, "-n": {"cn"},
}

// program returns what a check command of Icinga 2 runs.
func (in *icinga) program(command string, object, host dict) (p plugin, args []string, known bool) {
	variables, _ := object["vars"].(dict)
	if d, ok := in.commands[command]; ok {
		return in.ownCommand(d, command, object, host)
	}
	name, ok := builtin[command]
	if !ok {
		return p, nil, false
	}
	hostVariables, _ := host["vars"].(dict)
	value := func(name string) any {
		if v, ok := variables[command+"_"+name]; ok {
			return v
		}
		return hostVariables[command+"_"+name]
	}
	for _, option := range sortedOptions(builtinVariables) {
		for _, variable := range builtinVariables[option] {
			if text, ok := asText(value(variable)); ok && text != "" {
				args = append(args, option, in.expand(text, object, host))
				break
			}
		}
	}
	for option, variable := range map[string]string{"-S": "ssl", "-4": "ipv4", "-6": "ipv6", "-s": "send"} {
		if isTrue(value(variable)) {
			args = append(args, option)
		}
	}
	// check_ssl and its like name the days apart.
	for option, variable := range map[string]string{"-w": "cert_valid_days_warn", "-c": "cert_valid_days_critical"} {
		if text, ok := asText(value(variable)); ok && command == "ssl" {
			args = append(args, option, text)
		}
	}
	p, known = pluginOf(name)
	if command == "ssl" {
		p.days = true
	}
	return p, args, known
}

func sortedOptions(table map[string][]string) (list []string) {
	for option := range table {
		list = append(list, option)
	}
	slices.Sort(list)
	return list
}

// ownCommand returns what an object CheckCommand of the files runs.
func (in *icinga) ownCommand(d definition, name string, object, host dict) (p plugin, args []string, known bool) {
	command := in.build(d, in.constants, name)
	var words []string
	switch line := command["command"].(type) {
	case []any:
		for _, one := range line {
			if text, ok := asText(one); ok {
				words = append(words, text)
				continue
			}
			// PluginDir + "/check_imap": the directory is not known here.
			words = append(words, "")
		}
	case string:
		words = shellWords(line)
	}
	if len(words) == 0 {
		return p, nil, false
	}
	p, known = pluginOf(words[0])
	merged := dict{"vars": merge(asDict(command["vars"]), asDict(object["vars"]))}
	arguments := asDict(command["arguments"])
	for _, word := range words[1:] {
		args = append(args, in.expand(word, merged, host))
	}
	var keys []string
	for key := range arguments {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		args = append(args, in.argument(key, arguments[key], merged, host)...)
	}
	return p, args, known
}

func asDict(value any) dict {
	d, _ := value.(dict)
	return d
}

// argument returns one argument of a command: its value, or nothing where that is not set.
func (in *icinga) argument(key string, value any, object, host dict) []string {
	if text, ok := asText(value); ok {
		if text = in.expand(text, object, host); text != "" {
			return []string{key, text}
		}
		return nil
	}
	d := asDict(value)
	if condition, ok := d["set_if"]; ok {
		text, isText := asText(condition)
		set := isTrue(condition)
		if isText {
			text = in.expand(text, object, host)
			set = text != "" && text != "false" && text != "0"
		}
		if !set {
			return nil
		}
	}
	written, ok := asText(d["value"])
	if !ok {
		return []string{key}
	}
	if written = in.expand(written, object, host); written == "" {
		return nil
	}
	return []string{key, written}
}

var icingaMacro = regexp.MustCompile(`\$[A-Za-z0-9_.]+\$`)

// expand fills in macros like $imap_port$, from the service and then from the host.
func (in *icinga) expand(text string, object, host dict) string {
	for range 3 { // a variable may hold a macro
		text = icingaMacro.ReplaceAllStringFunc(text, func(m string) string {
			name := strings.Trim(m, "$")
			for _, prefix := range []string{"host.vars.", "service.vars.", "host.", "service.", "vars."} {
				name = strings.TrimPrefix(name, prefix)
			}
			if name == "check_address" {
				name = "address"
			}
			for _, d := range []dict{asDict(object["vars"]), asDict(host["vars"]), host} {
				switch value := d[name].(type) {
				case bool:
					return fmt.Sprint(value)
				default:
					if text, ok := asText(value); ok {
						return text
					}
				}
			}
			return ""
		})
		if len(text) > maxText {
			return ""
		}
	}
	return text
}
