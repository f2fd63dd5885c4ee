package hclfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers/email"
)

// advise warns of what is allowed and hardly meant.
func (l *loader) advise() {
	if len(l.config.Checks) == 0 {
		l.report(ruleNoChecks, l.daemonAt(), "Nothing is watched: there is no imap_check.")
	}
	l.adviseOnMonitorRoles()
	l.adviseOnRoles()
	l.adviseOnUnused()
	l.adviseOnOwnMail()
	l.adviseOnMailPorts()
	l.adviseOnHours()
	if l.config.Daemon.HeartbeatURL.IsZero() && !l.noHeartbeat && len(l.config.Roles) > 0 {
		l.report(ruleNoHeartbeat, l.daemonAt(), "If this machine dies, nobody is told of anything any more. Let something else expect a sign of life: daemon { heartbeat_url = ... }, or write heartbeat_url = \"\" to do without.")
	}
}

func (l *loader) adviseOnMonitorRoles() {
	if roles := l.config.Daemon.Roles; !l.monitorRoles && len(roles) > 0 {
		l.report(ruleMonitorRoles, l.daemonAt(), "daemon.notification_roles does not say who hears of the monitor's own trouble, so all roles do: %s.", enumerateIDs(roles))
	}
}

// adviseOnRoles names the checks that nobody chose people for, in one warning
// each: a thousand of them is one oversight.
func (l *loader) adviseOnRoles() {
	var without []*checkNode
	var reasons []string
	nobody := map[string][]*checkNode{} // by reason
	for _, node := range l.order {
		switch {
		case len(l.config.Checks[node.id].Roles) == 0:
			why := l.whyNobody(node)
			if nobody[why] == nil {
				reasons = append(reasons, why)
			}
			nobody[why] = append(nobody[why], node)
		case node.roles == nil:
			without = append(without, node)
		}
	}
	if len(without) > 0 {
		l.report(ruleNoRoles, header(without[0].block), "%s no notification_roles, here or in a defaults block above, so the daemon's own are told: %s.", have(without), enumerateIDs(l.config.Daemon.Roles))
	}
	for _, why := range reasons {
		l.report(ruleNobody, header(nobody[why][0].block), "%s no role to tell%s.", have(nobody[why]), why)
	}
}

// whyNobody says where it comes from that nobody is told of a check.
func (l *loader) whyNobody(node *checkNode) string {
	switch {
	case node.roles != nil:
		return ", as notification_roles = [] says at " + firstAt(node.roles.Range())
	case len(l.config.Roles) == 0:
		return ": there is no notification_role at all"
	}
	return ": daemon.notification_roles is empty"
}

// have begins a sentence about checks: the first few by name.
func have(nodes []*checkNode) string {
	const few = 5
	var names []string
	for _, n := range nodes[:min(few, len(nodes))] {
		names = append(names, string(n.id))
	}
	switch more := len(nodes) - few; {
	case len(nodes) == 1:
		return fmt.Sprintf("The check %s has", names[0])
	case more > 0:
		return fmt.Sprintf("%d checks (%s and %d more) have", len(nodes), strings.Join(names, ", "), more)
	}
	return fmt.Sprintf("%d checks (%s) have", len(nodes), strings.Join(names, ", "))
}

// adviseOnUnused names roles, notifiers and schedules that nothing refers to:
// people who would never be told.
func (l *loader) adviseOnUnused() {
	used := map[ref]bool{}
	for _, id := range l.config.Daemon.Roles {
		used[ref{"notification_role", string(id)}] = l.monitorRoles
	}
	for _, c := range l.config.Checks {
		for _, id := range c.Roles {
			used[ref{"notification_role", string(id)}] = true
		}
	}
	for _, role := range l.config.Roles {
		for _, way := range role.Notify {
			used[ref{"notifier", string(way.ID.Notifier)}] = true
			used[ref{"schedule", string(way.During)}] = true
		}
	}
	for _, root := range []string{"notification_role", "notifier", "schedule"} {
		for _, b := range l.named[root] {
			if r := (ref{root, b.id}); !used[r] {
				l.report(ruleUnused, header(b.block), "Nothing refers to %s.", r)
			}
		}
	}
}

// adviseOnMailPorts finds notifiers that would wait for TLS where mail servers
// speak first, or the other way around (RFC 8314 section 3.3).
func (l *loader) adviseOnMailPorts() {
	for _, b := range l.named["notifier"] {
		settings, _ := l.config.Notifiers[config.NotifierID(b.id)].Settings.(email.Settings)
		switch {
		case settings.Security == "tls" && settings.Port == 587:
			l.report(ruleMailPort, header(b.block), "With security = \"tls\" the connection begins with TLS, and on port 587 mail servers begin without. Write port = 465, or security = \"starttls\".")
		case settings.Security == "starttls" && settings.Port == 465:
			l.report(ruleMailPort, header(b.block), "With security = \"starttls\" the connection begins without TLS, and on port 465 mail servers begin with it. Write security = \"tls\", or port = 587.")
		}
	}
}

// adviseOnOwnMail finds roles that are told only through mail servers that are
// watched: when one is down, nobody hears of it.
func (l *loader) adviseOnOwnMail() {
	watched := map[string]config.CheckID{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(l.config.Checks))) {
		watched[strings.ToLower(l.config.Checks[id].Probe.Hostname)] = id
	}
	for _, b := range l.named["notification_role"] {
		var through []string
		for _, way := range l.config.Roles[config.RoleID(b.id)].Notify {
			settings, isEmail := l.config.Notifiers[way.ID.Notifier].Settings.(email.Settings)
			id, isWatched := watched[strings.ToLower(settings.Host)]
			if !isEmail || !isWatched {
				through = nil
				break
			}
			through = append(through, fmt.Sprintf("%s, whose host is watched by %s", ref{"notifier", string(way.ID.Notifier)}, id))
		}
		if len(through) > 0 {
			l.report(ruleOwnMail, header(b.block), "The only way to this role leads through what is watched: %s. When that is down, nobody here hears of it. Add a notify block that goes another way.", strings.Join(slices.Compact(through), ", "))
		}
	}
}
