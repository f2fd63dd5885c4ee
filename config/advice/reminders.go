package advice

import (
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// warnOfReminders finds notifiers whose limit is lower than the number of reminders that one incident
// sends: a new alarm would have to wait behind the reminders.
func (a *adviser) warnOfReminders() {
	shortest := a.shortestReminders()
	for id, n := range a.config.Notifiers {
		remind, targets := a.remindersOf(id, shortest)
		if targets == 0 {
			continue
		}
		need := func(each time.Duration) int { return targets * int(each/remind) }
		said := func(messages int, when string) string {
			return fmt.Sprintf("with remind = %q one open incident sends %d messages %s by %s", config.FormatDuration(remind), messages, when, notifierReference(id))
		}
		if hourly := need(time.Hour); n.MaxPerHour > 0 && hourly > n.MaxPerHour {
			a.warn(ruleReminders, n.Pos, "max_per_hour is %d, and %s. New alarms would wait. Set max_per_hour to more, or remind to more.", n.MaxPerHour, said(hourly, "an hour"))
		}
		rationed, ok := n.Settings.(notifiers.Rationed)
		if !ok {
			continue
		}
		messages, each, whose := rationed.Ration()
		if all := need(each); messages > 0 && all > messages {
			a.warn(ruleReminders, n.Pos, "%s takes %d messages in %s, and %s. New alarms would be refused. Set remind to more, or use another notifier.", whose, messages, config.FormatDuration(each), said(all, "in that time"))
		}
	}
}

// shortestReminders returns for each role the shortest pause between reminders that any of its checks
// has for an incident that is down.
func (a *adviser) shortestReminders() map[config.RoleID]time.Duration {
	shortest := map[config.RoleID]time.Duration{}
	for _, check := range a.config.Checks {
		every := check.Policy.RemindEvery(config.SeverityDown)
		for _, role := range check.Roles {
			if known, ok := shortest[role]; every > 0 && (!ok || every < known) {
				shortest[role] = every
			}
		}
	}
	return shortest
}

// remindersOf returns the pause between the reminders that a notifier sends, and to how many targets it
// sends them.
func (a *adviser) remindersOf(id config.NotifierID, shortest map[config.RoleID]time.Duration) (remind time.Duration, targets int) {
	seen := map[string]bool{}
	for of, role := range a.config.Roles {
		every, reminds := shortest[of]
		for _, n := range role.Notify {
			if n.ID.Notifier != id || !reminds || len(n.On) > 0 && !slices.Contains(n.On, notifiers.Reminder) || seen[n.ID.Target] {
				continue
			}
			seen[n.ID.Target] = true
			if remind == 0 || every < remind {
				remind = every
			}
		}
	}
	return remind, len(seen)
}
