package hclfile

import (
	"fmt"
	"strings"
)

// advise warns of what is allowed and hardly meant.
func (l *loader) advise() {
	l.adviseOnRoles()
	if len(l.config.Checks) == 0 && !l.failed {
		l.report(ruleNoChecks, l.daemonAt(), "Nothing is watched: there is no imap_check.")
	}
}

// adviseOnRoles names the checks that nobody chose people for, in one warning
// each: a thousand of them is one oversight.
func (l *loader) adviseOnRoles() {
	var without, nobody []*checkNode
	for _, node := range l.order {
		c := l.config.Checks[node.id]
		switch {
		case c == nil:
		case len(c.Roles) == 0:
			nobody = append(nobody, node)
		case !node.rolesWritten:
			without = append(without, node)
		}
	}
	if len(without) > 0 {
		l.report(ruleNoRoles, header(without[0].block), "%s no notification_roles, here or in a defaults block above, so the daemon's own are told: %s.", have(without), enumerateIDs(l.config.Daemon.Roles))
	}
	if len(nobody) > 0 {
		l.report(ruleNobody, header(nobody[0].block), "%s no role to tell.", have(nobody))
	}
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
