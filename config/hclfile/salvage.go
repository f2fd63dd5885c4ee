package hclfile

import (
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

// Salvage returns a configuration of those blocks of a Snapshot that can be used, and
// what is wrong with the rest. It is for one moment only: a daemon that starts while its
// files are broken watches with what was good last. Unlike [Load] it gives a
// configuration together with errors; what that configuration refers to is in it. A
// check is as it was meant or not there at all, since one that is watched otherwise
// would raise false alarms; only its login may be left out. People are told as far as
// they can be.
func Salvage(s *source.Snapshot) (*config.Config, []config.Diagnostic) {
	l := newLoader(s)
	l.salvaging = true
	l.guard(l.run)
	l.config.Digest, l.config.CommonDigest = s.Digest(), s.CommonDigest()
	// Blocks are made one by one, so one that is good may name one that is not.
	dropDangling(l.config)
	diags := l.Diagnostics()
	l.config.Incomplete = config.HasErrors(diags)
	return l.config, diags
}

// dropDangling takes out references to what could not be used. A check that
// nobody would be told about tells the daemon's own roles.
func dropDangling(c *config.Config) {
	for id, role := range c.Roles {
		role.Notify = slices.DeleteFunc(role.Notify, func(w config.Notify) bool { return c.Notifiers[w.ID.Notifier] == nil })
		if len(role.Notify) == 0 {
			delete(c.Roles, id)
		}
		for i, way := range role.Notify {
			if c.Schedules[way.During] == nil {
				role.Notify[i].During = "" // at all hours: a person too many is told, not none
			}
		}
	}
	c.Daemon.Roles = existing(c.Daemon.Roles, c.Roles)
	if len(c.Daemon.Roles) == 0 {
		c.Daemon.Roles = slices.Sorted(maps.Keys(c.Roles))
	}
	for _, check := range c.Checks {
		// Nobody on purpose, by [], stays nobody.
		told := len(check.Roles) > 0
		check.Roles = existing(check.Roles, c.Roles)
		if told && len(check.Roles) == 0 {
			check.Roles = c.Daemon.Roles
		}
		check.DependsOn = reachable(check.DependsOn, c)
	}
	for _, server := range c.Servers {
		server.DependsOn = reachable(server.DependsOn, c)
	}
	for i := range c.Maintenance {
		c.Maintenance[i].AppliesTo = reachable(c.Maintenance[i].AppliesTo, c)
	}
	c.Moved = slices.DeleteFunc(c.Moved, func(m config.Move) bool { return c.Checks[m.To] == nil })
	dropDanglingOnPages(c)
}

// dropDanglingOnPages does so with what pages and reports show. What narrows a view never
// widens it by what is left out: an access block without groups shows nothing.
func dropDanglingOnPages(c *config.Config) {
	c.Page.PublicGroups = existing(c.Page.PublicGroups, c.Groups)
	for i := range c.Page.Access {
		c.Page.Access[i].Groups = existing(c.Page.Access[i].Groups, c.Groups)
	}
	for i := range c.Reports {
		c.Reports[i].Roles = existing(c.Reports[i].Roles, c.Roles)
	}
	c.Reports = slices.DeleteFunc(c.Reports, func(r config.Report) bool {
		return len(r.Roles) == 0 || r.Group != "" && c.Groups[r.Group] == nil
	})
	c.Announcements = slices.DeleteFunc(c.Announcements, func(a config.Announcement) bool {
		return len(a.Groups) > 0 && len(existing(a.Groups, c.Groups)) == 0
	})
	for i := range c.Announcements {
		c.Announcements[i].Groups = existing(c.Announcements[i].Groups, c.Groups)
	}
	for i := range c.Corrections {
		c.Corrections[i].AppliesTo = reachable(c.Corrections[i].AppliesTo, c)
	}
}

// existing returns those names that there are.
func existing[K ~string, V any](names []K, all map[K]V) []K {
	return slices.DeleteFunc(slices.Clone(names), func(name K) bool {
		_, ok := all[name]
		return !ok
	})
}

func reachable(refs []config.Ref, c *config.Config) []config.Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r config.Ref) bool {
		return c.Groups[r.Group] == nil && c.Servers[r.Server] == nil && c.Checks[r.Check] == nil
	})
}

// Places returns the daemon block as far as it can be made out, whatever is wrong with
// it or with the rest of the files: where a daemon keeps its state and listens must be
// found most of all when its files have just been broken. What cannot be made out has
// its default. Roles and secrets are left out.
func Places(s *source.Snapshot) config.Daemon {
	l := newLoader(s)
	l.config.Daemon = defaultDaemon()
	l.guard(func() {
		var files []parsed
		for _, p := range parseAll(s.Files()) {
			if p.body != nil { // as far as the parser came
				files = append(files, p)
			}
		}
		l.defineLocals(files)
		for _, f := range files {
			l.declare(l.expand(f))
		}
		l.defineDaemon()
	})
	d := l.config.Daemon
	d.Roles, d.HeartbeatURL = nil, defaultDaemon().HeartbeatURL
	return d
}
