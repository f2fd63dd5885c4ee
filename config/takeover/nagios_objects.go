package takeover

import (
	"regexp"
	"slices"
	"strings"
)

// nagiosObject begins an object of Nagios.
var nagiosObject = regexp.MustCompile(`(?m)^[ \t]*define[ \t]+(host|service|command|hostgroup|contact|timeperiod|servicegroup|contactgroup)[ \t]*\{`)

var (
	objectStart = regexp.MustCompile(`^define\s+([a-z]+)\s*\{(.*)$`)
	attribute   = regexp.MustCompile(`^(\S+)\s*(.*)$`)
)

// An object is one define block of Nagios (Object Definitions in its manual).
type object struct {
	kind  string
	names map[string]string
	from  []*object // templates, the nearest first
}

// parseNagios returns the objects of files, with their templates.
func parseNagios(files []File) (list []*object) {
	for _, f := range files {
		list = append(list, parseObjects(string(f.Text))...)
	}
	templates := map[[2]string]*object{}
	for _, o := range list {
		if name := o.names["name"]; name != "" {
			templates[[2]string{o.kind, name}] = o
		}
	}
	for _, o := range list {
		for _, name := range commas(o.names["use"]) {
			if t := templates[[2]string{o.kind, name}]; t != nil {
				o.from = append(o.from, t)
			}
		}
	}
	return list
}

func parseObjects(text string) (list []*object) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	var in *object
	for line := range strings.Lines(text) {
		line = withoutComment(line)
		if start := objectStart.FindStringSubmatch(line); in == nil && start != nil {
			in = &object{kind: start[1], names: map[string]string{}}
			line = strings.TrimSpace(start[2])
		}
		if in == nil || line == "" {
			continue
		}
		line, ends := strings.CutSuffix(line, "}")
		if m := attribute.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			in.names[m[1]] = strings.TrimSpace(m[2])
		}
		if ends {
			list = append(list, in)
			in = nil
		}
	}
	return list
}

// withoutComment returns a line without what follows ; that is not escaped, and nothing
// of a line that begins with #.
func withoutComment(line string) string {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return ""
	}
	for i := range len(line) {
		if line[i] == ';' && (i == 0 || line[i-1] != '\\') {
			line = line[:i]
			break
		}
	}
	return strings.TrimSpace(strings.ReplaceAll(line, `\;`, ";"))
}

// get returns an attribute, which may be inherited. What begins with + adds to what is
// inherited, and null takes it away (Object Inheritance).
func (o *object) get(name string) string { return o.inherit(name, 0) }

func (o *object) inherit(name string, depth int) string {
	value, written := o.names[name]
	if value == "null" {
		return ""
	}
	added, adds := strings.CutPrefix(value, "+")
	if written && !adds || depth > deepest || name == "name" || name == "register" {
		return value
	}
	for _, t := range o.from {
		if inherited := t.inherit(name, depth+1); inherited != "" {
			if adds {
				return added + "," + strings.TrimPrefix(inherited, "+")
			}
			return inherited
		}
	}
	return added
}

// first returns the first of several attributes that has a value: names have changed
// between versions.
func (o *object) first(names ...string) string {
	for _, name := range names {
		if value := o.get(name); value != "" {
			return value
		}
	}
	return ""
}

// isTemplate reports whether an object is only used by others.
func (o *object) isTemplate() bool { return o.names["register"] == "0" }

// commas splits a list.
func commas(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	return list
}
