package advice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Written is what the files say beyond the configuration that was made of them.
type Written struct {
	Daemon       config.Pos // of the daemon block, else the files as a whole
	MonitorRoles bool       // daemon.notification_roles is written
	NoHeartbeat  bool       // daemon.heartbeat_url is written and empty
	// HeartbeatOfMachine tells that daemon.heartbeat_url is made with env, and may differ from
	// machine to machine.
	HeartbeatOfMachine bool
	Page               config.Pos                 // of the page block, else the files as a whole
	NoOperators        bool                       // page.operators is written and empty
	History            config.Pos                 // of the history block, else the files as a whole
	Now                time.Time                  // zero: what is over is not found
	Hours              map[config.ScheduleID]bool // whose windows may be repeated in a message
	// Roles says where the notification_roles stand that hold for a check; false: the
	// daemon's own hold.
	Roles func(config.CheckID) (config.Pos, bool)
}

// An adviser looks through one configuration.
type adviser struct {
	config  *config.Config
	written Written
	diags   []config.Diagnostic
}

// Of returns the warnings about a configuration, in no order.
func Of(cfg *config.Config, written Written) []config.Diagnostic {
	a := &adviser{config: cfg, written: written}
	if len(cfg.Checks) == 0 {
		a.warn(ruleNoChecks, written.Daemon, "There is no imap_check block, so nothing is checked.")
	}
	if roles := cfg.Daemon.Roles; !written.MonitorRoles && len(roles) > 1 {
		a.warn(ruleMonitorRoles, written.Daemon, "Problems of imapvigil itself go to all roles: %s. Set daemon { notification_roles = [...] } to choose.", enumerateFirst(roles))
	}
	a.warnOfMissingRoles()
	a.warnOfUnused()
	a.warnOfOwnMail()
	a.warnOfMailPorts()
	a.warnOfIncomplete()
	a.warnOfExposed()
	a.warnOfUncoveredHours()
	a.warnOfReminders()
	a.warnOfPage()
	a.warnOfHistory()
	a.warnOfPast()
	a.warnOfIdleCorrections()
	a.warnOfCluster()
	if cfg.Daemon.HeartbeatURL.IsZero() && !written.NoHeartbeat && len(cfg.Roles) > 0 {
		a.warn(ruleNoHeartbeat, written.Daemon, "%s, no alerts are sent at all. Have an external dead man's switch (healthchecks.io, Uptime Kuma push) expect a ping: daemon { heartbeat_url = \"https://...\" }. heartbeat_url = \"\" turns this warning off.", a.endOfAlerts())
	}
	return a.diags
}

// endOfAlerts returns what ends all alerts, as the beginning of a sentence.
func (a *adviser) endOfAlerts() string {
	if a.config.Cluster != nil {
		return "If all nodes that may decide fail"
	}
	return "If this machine dies"
}

// warnOfMissingRoles names the checks that nobody chose people for: all of them in one
// warning, since a thousand of them is one oversight.
func (a *adviser) warnOfMissingRoles() {
	var without []*config.Check
	nobody := map[string][]*config.Check{} // by reason
	for _, check := range a.config.Checks {
		_, chosen := a.written.Roles(check.ID)
		switch {
		case len(check.Roles) == 0 && chosen: // [] is on purpose
		case len(check.Roles) == 0:
			why := a.whyNobody()
			nobody[why] = append(nobody[why], check)
		case !chosen:
			without = append(without, check)
		}
	}
	if len(without) > 0 && len(a.config.Roles) > 1 { // one role alone is no choice
		sortAsWritten(without)
		a.warn(ruleNoRoles, without[0].Pos, "%s no notification_roles, here or in a defaults block above, so those of the daemon are notified: %s.", beginWithChecks(without), enumerateFirst(a.config.Daemon.Roles))
	}
	for why, checks := range nobody {
		sortAsWritten(checks)
		a.warn(ruleNobody, checks[0].Pos, "%s no notification_roles, and %s: nobody is notified. Set notification_roles; [] turns this warning off.", beginWithChecks(checks), why)
	}
}

// sortAsWritten sorts checks as they stand in the files; those of one dynamic block stand
// in one place, and are in natural order.
func sortAsWritten(checks []*config.Check) {
	slices.SortFunc(checks, func(x, y *config.Check) int {
		if c := x.Pos.Before(y.Pos); c != 0 {
			return c
		}
		return config.NaturalOrder(x.ID, y.ID) // slow, and rarely needed
	})
}

// whyNobody returns why nobody is notified of checks that name no role.
func (a *adviser) whyNobody() string {
	if len(a.config.Roles) == 0 {
		return "there is no notification_role block"
	}
	return "daemon.notification_roles is empty"
}

// beginWithChecks returns the beginning of a sentence about checks: the first few by
// name.
func beginWithChecks(checks []*config.Check) string {
	const few = 5
	var names []string
	for _, check := range checks[:min(few, len(checks))] {
		names = append(names, string(check.ID))
	}
	switch more := len(checks) - few; {
	case len(checks) == 1:
		return fmt.Sprintf("The check %s has", names[0])
	case more > 0:
		return fmt.Sprintf("%d checks (%s and %d more) have", len(checks), strings.Join(names, ", "), more)
	}
	return fmt.Sprintf("%d checks (%s) have", len(checks), strings.Join(names, ", "))
}

// enumerateFirst returns the names of the first few roles: there may be one for each of
// a thousand customers.
func enumerateFirst(roles []config.RoleID) string {
	const few = 10
	var words []string
	for _, id := range roles[:min(few, len(roles))] {
		words = append(words, string(id))
	}
	if more := len(roles) - few; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// warnOfUnused names roles, notifiers and schedules that nothing refers to: people who
// would never be notified.
func (a *adviser) warnOfUnused() {
	roles, channels, schedules := map[config.RoleID]bool{}, map[config.NotifierID]bool{}, map[config.ScheduleID]bool{}
	for _, id := range a.config.Daemon.Roles {
		// Where nothing is written the daemon tells all roles, which is no use of any.
		roles[id] = a.written.MonitorRoles
	}
	for _, check := range a.config.Checks {
		for _, id := range check.Roles {
			roles[id] = true
		}
	}
	for _, role := range a.config.Roles {
		for _, notify := range role.Notify {
			channels[notify.ID.Notifier], schedules[notify.During] = true, true
		}
	}
	for _, report := range a.config.Reports {
		for _, id := range report.Roles {
			roles[id] = true
		}
	}
	const unused = "Nothing refers to %s."
	for id, role := range a.config.Roles {
		if !roles[id] {
			a.warn(ruleUnused, role.Pos, unused, config.Reference("notification_role", string(id)))
		}
	}
	for id, n := range a.config.Notifiers {
		if !channels[id] {
			a.warn(ruleUnused, n.Pos, unused, notifierReference(id))
		}
	}
	for id, schedule := range a.config.Schedules {
		if !schedules[id] {
			a.warn(ruleUnused, schedule.Pos, unused, config.Reference("schedule", string(id)))
		}
	}
}

func notifierReference(id config.NotifierID) string {
	kind, name, _ := strings.Cut(string(id), ".")
	return config.Reference("notifier", kind, name)
}

// warnOfMailPorts finds notifiers whose port and encryption do not fit together.
func (a *adviser) warnOfMailPorts() {
	for _, n := range a.config.Notifiers {
		if settings, ok := n.Settings.(notifiers.PortAdviser); ok {
			if advice := settings.PortAdvice(); advice != "" {
				a.warn(ruleMailPort, n.Pos, "%s", advice)
			}
		}
	}
}

// warnOfIncomplete finds notifiers that lack something which the files do not hold.
func (a *adviser) warnOfIncomplete() {
	for _, n := range a.config.Notifiers {
		if settings, ok := n.Settings.(notifiers.Adviser); ok {
			if advice := settings.Advice(); advice != "" {
				a.warn(ruleIncomplete, n.Pos, "%s", advice)
			}
		}
	}
}

// warnOfExposed finds notifiers whose messages others on the network can read.
func (a *adviser) warnOfExposed() {
	for _, n := range a.config.Notifiers {
		if settings, ok := n.Settings.(notifiers.Exposed); ok && settings.IsExposed() {
			a.warn(ruleExposed, n.Pos, "%s sends messages without encryption: others on the network can read and change them.", notifierReference(n.ID))
		}
	}
}

// warnOfOwnMail finds roles that get messages only through hosts that are watched: when one
// is down, nobody is notified of it.
func (a *adviser) warnOfOwnMail() {
	if len(a.config.Roles) == 0 {
		return
	}
	watched := map[string]config.CheckID{}
	for id, check := range a.config.Checks {
		host := strings.ToLower(check.Probe.Hostname)
		// The first of several checks names the host.
		if first, isWatched := watched[host]; !isWatched || id < first {
			watched[host] = id
		}
	}
	for _, role := range a.config.Roles {
		var through []string
		for _, notify := range role.Notify {
			relayed, ok := a.config.Notifiers[notify.ID.Notifier].Settings.(notifiers.Relayed)
			if !ok {
				through = nil
				break
			}
			// Letter case does not count in host names (RFC 4343).
			id, isWatched := watched[strings.ToLower(relayed.Relay())]
			if !isWatched { // one destination that does not depend on us is enough
				through = nil
				break
			}
			// A notify block with ten addresses is ten entries here, made one by Compact
			// below.
			through = append(through, fmt.Sprintf("%s, whose host is checked by %s", notifierReference(notify.ID.Notifier), id))
		}
		if len(through) > 0 {
			a.warn(ruleOwnMail, role.Pos, "All messages to this role go through a host that is checked here: %s. If that host is down, the message about it cannot be delivered. Add a notify block with another notifier.", strings.Join(slices.Compact(through), ", "))
		}
	}
}
