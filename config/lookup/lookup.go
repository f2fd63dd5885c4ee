// Package lookup finds what somebody means by a name on the command line: a check, a
// server, a group or a role. A name that stands for nothing is an error that says what is
// near, since a script would take silence for health.
//
// What is looked up is either a configuration ([Of]) or what the daemon said of its
// checks ([New]). Neither is changed.
package lookup

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// A Member is a check and where it belongs.
type Member struct {
	Check  config.CheckID
	Server config.ServerID // empty: outside servers
	Group  config.GroupID  // the innermost; empty: in none
}

// A Directory are the names that can be given. The zero Directory has none.
type Directory struct {
	members map[config.CheckID]Member
	servers map[config.ServerID]bool
	groups  map[config.GroupID]bool
	roles   map[config.RoleID]bool
}

// New makes a Directory of checks; a server or a group without any is not in it.
func New(members []Member) *Directory {
	d := &Directory{
		members: make(map[config.CheckID]Member, len(members)), servers: map[config.ServerID]bool{}, groups: map[config.GroupID]bool{},
		roles: map[config.RoleID]bool{},
	}
	for _, m := range members {
		d.members[m.Check] = m
		if m.Server != "" {
			d.servers[m.Server] = true
		}
		// Each group on the way to the check: europe/germany, and europe.
		for g := string(m.Group); g != "" && g != "."; g = path.Dir(g) {
			d.groups[config.GroupID(g)] = true
		}
	}
	return d
}

// Of makes a Directory of a configuration.
func Of(cfg *config.Config) *Directory {
	members := make([]Member, 0, len(cfg.Checks))
	for id, c := range cfg.Checks {
		m := Member{Check: id, Server: c.Server}
		if len(c.Path) > 0 {
			m.Group = c.Path[len(c.Path)-1]
		}
		members = append(members, m)
	}
	d := New(members)
	for id := range cfg.Servers {
		d.servers[id] = true
	}
	for id := range cfg.Groups {
		d.groups[id] = true
	}
	for id := range cfg.Roles {
		d.roles[id] = true
	}
	return d
}

// Find returns what a name stands for, whatever its kind: a check, or else a server, or
// else a group. The last part of a name is enough where it is the only one: "germany" for
// the group europe/germany, "imaps" for the check mx1/imaps.
func (d *Directory) Find(name string) (config.Ref, error) {
	if _, ok := d.members[config.CheckID(name)]; ok {
		return config.Ref{Check: config.CheckID(name)}, nil
	}
	if d.servers[config.ServerID(name)] {
		return config.Ref{Server: config.ServerID(name)}, nil
	}
	if id, ok := d.wholeGroup(name); ok {
		return config.Ref{Group: id}, nil
	}
	found := append(d.groupsCalled(name), d.checksCalled(name)...)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return config.Ref{}, ambiguous(name, found)
	}
	all := slices.Concat(sorted(d.members), sorted(d.servers), sorted(d.groups))
	return config.Ref{}, unknown("check, server or group", name, suggestNear(name, all))
}

// Check returns the check that a name stands for.
func (d *Directory) Check(name string) (config.CheckID, error) {
	if _, ok := d.members[config.CheckID(name)]; ok {
		return config.CheckID(name), nil
	}
	switch found := d.checksCalled(name); {
	case len(found) == 1:
		return found[0].Check, nil
	case len(found) > 1:
		return "", ambiguous(name, found)
	}
	return "", unknown("check", name, suggestNear(name, sorted(d.members)))
}

// Server returns the server with a name.
func (d *Directory) Server(name string) (config.ServerID, error) {
	if d.servers[config.ServerID(name)] {
		return config.ServerID(name), nil
	}
	return "", unknown("server", name, suggestNear(name, sorted(d.servers)))
}

// Group returns the group that a path stands for: "europe/germany", "europe.germany" as a
// reference in the files has it, or "germany" where only one group is called so.
func (d *Directory) Group(name string) (config.GroupID, error) {
	if id, ok := d.wholeGroup(name); ok {
		return id, nil
	}
	switch found := d.groupsCalled(name); {
	case len(found) == 1:
		return found[0].Group, nil
	case len(found) > 1:
		return "", ambiguous(name, found)
	}
	return "", unknown("group", name, suggestNear(name, sorted(d.groups)))
}

// Role returns the notification role with a name. Only a Directory of a configuration has
// roles.
func (d *Directory) Role(name string) (config.RoleID, error) {
	if d.roles[config.RoleID(name)] {
		return config.RoleID(name), nil
	}
	return "", unknown("notification role", name, suggestNear(name, sorted(d.roles)))
}

// Checks returns the checks that names stand for, each once, in the order of their ids.
func (d *Directory) Checks(names ...string) ([]config.CheckID, error) {
	found := map[config.CheckID]bool{}
	for _, name := range names {
		ref, err := d.Find(name)
		if err != nil {
			return nil, err
		}
		for _, id := range d.Below(ref) {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// Below returns the checks that a reference is about, in the order of their ids.
func (d *Directory) Below(ref config.Ref) (list []config.CheckID) {
	for id, m := range d.members {
		switch {
		case ref.Check != "" && id == ref.Check, ref.Server != "" && m.Server == ref.Server, ref.Group != "" && isBelow(m.Group, ref.Group):
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// isBelow reports whether a group is another one, or inside of it.
func isBelow(id, of config.GroupID) bool {
	return id == of || strings.HasPrefix(string(id), string(of)+"/")
}

// wholeGroup returns the group whose whole path is given, with slashes or with dots.
func (d *Directory) wholeGroup(name string) (config.GroupID, bool) {
	for _, id := range []config.GroupID{config.GroupID(name), dotted(name)} {
		if d.groups[id] {
			return id, true
		}
	}
	return "", false
}

// dotted returns the path of a group that was written as a reference.
func dotted(name string) config.GroupID { return config.GroupID(strings.ReplaceAll(name, ".", "/")) }

// groupsCalled returns the groups whose path ends as a name does.
func (d *Directory) groupsCalled(name string) (list []config.Ref) {
	for _, id := range slices.Sorted(maps.Keys(d.groups)) {
		if endsAs(string(id), name) || endsAs(string(id), string(dotted(name))) {
			list = append(list, config.Ref{Group: id})
		}
	}
	return list
}

// checksCalled returns the checks of servers that have a name.
func (d *Directory) checksCalled(name string) (list []config.Ref) {
	for _, id := range slices.Sorted(maps.Keys(d.members)) {
		if endsAs(string(id), name) {
			list = append(list, config.Ref{Check: id})
		}
	}
	return list
}

func endsAs(id, name string) bool { return name != "" && strings.HasSuffix(id, "/"+name) }

func sorted[K ~string, V any](m map[K]V) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return names
}

// few is how many names a message lists.
const few = 10

// suggestNear returns the end of a message about a name that stands for nothing: what was meant,
// else what there is, where that is not too much.
func suggestNear(name string, names []string) string {
	last := map[string]string{} // what the last part of a name belongs to
	for _, n := range names {
		if i := strings.LastIndexByte(n, '/'); i >= 0 {
			last[n[i+1:]] = n
		}
	}
	if meant, ok := Nearest(name, names); ok {
		return "; did you mean " + meant + "?"
	}
	if meant, ok := Nearest(name, sorted(last)); ok {
		return "; did you mean " + last[meant] + "?"
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > few:
		return "; imapvigil status --all lists what there is"
	case len(names) > 1:
		return "; there are " + Enumerate(names, "and")
	}
	return "; there is " + Enumerate(names, "and")
}

func unknown(kind, name, end string) error { return fmt.Errorf("there is no %s %q%s", kind, name, end) }

// ambiguous returns the error that lists what a name can mean.
func ambiguous(name string, found []config.Ref) error {
	names := make([]string, 0, len(found))
	for _, ref := range found {
		names = append(names, cmp.Or(string(ref.Check), string(ref.Group)))
	}
	if more := len(names) - few; more > 0 {
		names = append(names[:few], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%q can be %s; write the whole name", name, Enumerate(names, "or"))
}
