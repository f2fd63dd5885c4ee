package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// elsewhere returns the blocks other than checks in which two configurations differ, as
// references are written. Where a block stands in the files does not count.
func elsewhere(old, new *Config) []string {
	if old == nil || new == nil {
		return nil
	}
	names := slices.Concat(
		differing(byName(old.Reports), byName(new.Reports), reference[string]("report"), func(r *Report) any {
			return [...]any{r.Every, r.Group, zoneName(r.Zone), r.Roles, r.Public}
		}),
		// Times as moments, as below.
		differing(byName(old.Announcements), byName(new.Announcements), reference[string]("announcement"), func(a *Announcement) any {
			return [...]any{a.From.UnixNano(), a.Until.UnixNano(), a.Kind, a.Groups, a.Text}
		}),
		differing(byName(old.Corrections), byName(new.Corrections), reference[string]("correction"), func(c *Correction) any {
			return [...]any{c.AppliesTo, c.Start.UnixNano(), c.End.UnixNano(), c.CountAs, c.Reason}
		}),
		differing(old.Notifiers, new.Notifiers, notifierReference, func(n *Notifier) any { return [2]any{n.Settings, n.MaxPerHour} }),
		differing(old.Roles, new.Roles, roleReference, func(r *Role) any { return [...]any{r.Label, zoneName(r.Zone), withoutPlaces(r.Notify)} }),
		differing(old.Schedules, new.Schedules, reference[ScheduleID]("schedule"), func(s *Schedule) any { return [...]any{zoneName(s.Zone), s.Windows, s.Except} }),
		differing(old.Groups, new.Groups, func(id GroupID) string { return groupReference([]GroupID{id}) }, func(g *Group) any { return g.Label }),
		differing(nodesOf(old.Cluster), nodesOf(new.Cluster), reference[NodeID]("node"), func(n *Node) any { return [...]any{n.Location, n.Key, n.Decide} }),
		differing(old.Servers, new.Servers, reference[ServerID]("server"), func(s *Server) any { return [2]any{s.Label, s.DependsOn} }),
	)
	before, after := old.Daemon, new.Daemon
	before.Pos, after.Pos = Pos{}, Pos{}
	before.ListenPos, after.ListenPos = Pos{}, Pos{}
	// By name: reflect.DeepEqual would compare the data inside a time.Location.
	sameZone := zoneName(before.Zone) == zoneName(after.Zone)
	before.Zone, after.Zone = nil, nil
	for name, same := range map[string]bool{
		"daemon":      sameZone && reflect.DeepEqual(before, after),
		"maintenance": reflect.DeepEqual(planned(old.Maintenance), planned(new.Maintenance)),
		"cluster":     sameCluster(old.Cluster, new.Cluster),
		"history":     old.History == new.History,
		"page":        samePage(old.Page, new.Page),
	} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nodesOf returns the nodes of a cluster; none without one.
func nodesOf(c *Cluster) map[NodeID]*Node {
	if c == nil {
		return nil
	}
	return c.Nodes
}

// sameCluster reports whether two cluster blocks say the same, whatever nodes there are.
func sameCluster(old, new *Cluster) bool {
	if old == nil || new == nil {
		return old == new
	}
	before, after := *old, *new
	for _, c := range []*Cluster{&before, &after} {
		c.Nodes, c.Pos = nil, Pos{}
	}
	return reflect.DeepEqual(before, after)
}

// samePage reports whether two pages are the same, wherever they are written.
func samePage(old, new Page) bool {
	sameZone := zoneName(old.Zone) == zoneName(new.Zone)
	for _, p := range []*Page{&old, &new} {
		p.Zone, p.Access = nil, slices.Clone(p.Access)
		for i := range p.Access {
			p.Access[i].Pos = Pos{}
		}
	}
	return sameZone && reflect.DeepEqual(old, new)
}

// named is a block of which a Config has a list.
type named interface{ name() string }

func (r Report) name() string       { return r.Name }
func (a Announcement) name() string { return a.Name }
func (c Correction) name() string   { return c.Name }

func byName[V named](list []V) map[string]*V {
	all := make(map[string]*V, len(list))
	for i := range list {
		all[list[i].name()] = &list[i]
	}
	return all
}

// differing returns the names of the blocks of one kind that are not the same on both
// sides.
func differing[K comparable, V any](old, new map[K]*V, name func(K) string, essence func(*V) any) (names []string) {
	for id, was := range old {
		if is := new[id]; is == nil || !reflect.DeepEqual(essence(was), essence(is)) {
			names = append(names, name(id))
		}
	}
	for id := range maps.Keys(new) {
		if old[id] == nil {
			names = append(names, name(id))
		}
	}
	return names
}

func withoutPlaces(ways []Notify) []Notify {
	ways = slices.Clone(ways)
	for i := range ways {
		ways[i].Pos = Pos{}
	}
	return ways
}

// planned returns maintenances by name, with what can be compared of them.
func planned(list []Maintenance) map[string]any {
	all := map[string]any{}
	for _, m := range list {
		// Zones by name and times as moments: reflect.DeepEqual would compare the data
		// inside a time.Location as well.
		all[m.Name] = [...]any{zoneName(m.Zone), m.Start.UnixNano(), m.Duration, m.RRule, m.Weekly, m.Except, m.AppliesTo}
	}
	return all
}

func zoneName(zone *time.Location) string {
	if zone == nil {
		return ""
	}
	return zone.String()
}

func reference[K ~string](root string) func(K) string {
	return func(id K) string { return Reference(root, string(id)) }
}

func notifierReference(id NotifierID) string {
	kind, name, _ := strings.Cut(string(id), ".")
	return Reference("notifier", kind, name)
}
