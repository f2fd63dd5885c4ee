package tracker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A Trouble is something of the monitor itself that can be wrong. It has one
// incident of the condition monitor, which the daemon's own roles hear of.
type Trouble string

// Messages is the trouble of messages that are not being delivered.
const Messages Trouble = "messages"

// check returns the name under which the incidents of a trouble are kept: no check can be
// called so.
func (w Trouble) check() config.CheckID { return config.CheckID(ourselves + w) }

const ourselves = "imapvigil:"

func isTrouble(id config.CheckID) bool { return strings.HasPrefix(string(id), ourselves) }

// remindOfTrouble is the pause between reminders of a trouble.
const remindOfTrouble = 12 * time.Hour

// Report says that something of the monitor itself is wrong, or (nil) that it is
// no longer. It may be said again and again. Only Cause, Hint and Evidence of
// the finding are taken.
func (t *Tracker) Report(ctx context.Context, what Trouble, f *incident.Finding) error {
	return t.run(ctx, func(r *round) error {
		t.reportTrouble(r, what, f)
		return nil
	})
}

// reportTrouble decides what a finding about the monitor itself means; nil: nothing is
// wrong. It reports whether this is news.
func (t *Tracker) reportTrouble(r *round, what Trouble, f *incident.Finding) bool {
	if f != nil {
		f = &incident.Finding{
			Condition: config.ConditionMonitor, Health: incident.Degraded, Cause: f.Cause, Hint: f.Hint, Evidence: f.Evidence,
		}
	}
	events := incident.ObserveMonitor(t.stateOf(what.check()), what.check(), boundFinding(f), r.now)
	t.salted(events)
	for i := range events {
		if events[i].Kind == incident.Closed && what == Messages && t.channels.withdrawn {
			events[i].ClosedAs = incident.Removed // nobody has seen it deliver
		}
	}
	t.addEvents(r, events)
	return len(events) > 0
}

// undeliveredFinding returns the finding about openings that do not arrive, and about
// notifiers that have not delivered since one did not; nil: there are none.
func (t *Tracker) undeliveredFinding() *incident.Finding {
	var list []outbox.Undelivered
	for _, more := range t.stuck {
		list = append(list, more...)
	}
	for id, u := range t.channels.broken {
		if !slices.ContainsFunc(list, func(o outbox.Undelivered) bool { return o.NotifyID.Notifier == id }) {
			list = append(list, u)
		}
	}
	if len(list) == 0 {
		return nil
	}
	// The oldest one, and always the same one: maps have no order.
	first := slices.MinFunc(list, func(a, b outbox.Undelivered) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.NotifyID.Notifier, b.NotifyID.Notifier))
	})
	f := &incident.Finding{Cause: config.CauseUndelivered}
	role, notifier := first.NotifyID.Role, first.NotifyID.Notifier
	// The first sentence is the headline of the message.
	switch {
	case first.Refused:
		f.Hint = fmt.Sprintf("Some recipients of messages to %s by %s are refused.", role, notifier)
	case first.Held == outbox.HeldByLimit:
		f.Hint = fmt.Sprintf("Messages to %s by %s wait, because max_per_hour = %d is used up.", role, notifier, t.maxPerHour(notifier))
	default:
		f.Hint = fmt.Sprintf("Messages to %s by %s are not being delivered.", role, notifier)
	}
	switch others := countBlocks(list) - 1; {
	case others == 1:
		f.Hint += " One more destination does not get its messages."
	case others > 1:
		f.Hint += fmt.Sprintf(" %d more destinations do not get their messages.", others)
	}
	f.Hint += " See `imapvigil incidents " + string(first.Incident) + "`."
	if first.Until.After(first.Since) {
		f.Hint += " The other side asked to wait until " + first.Until.UTC().Format("2006-01-02 15:04 MST") + "."
	}
	if first.Held == "" && !first.Refused {
		f.Hint += fmt.Sprintf(" This ends when %s has delivered a message; `imapvigil notify-test %s` sends one.", notifier, role)
	}
	for _, d := range t.book.Of(first.Incident) {
		if d.NotifyID.Notifier == first.NotifyID.Notifier && d.NotifyID.Target == first.NotifyID.Target {
			f.Evidence = d.Answer()
		}
	}
	return f
}

// countBlocks returns how many notify blocks a list is about.
func countBlocks(list []outbox.Undelivered) int {
	ways := map[config.NotifyID]bool{}
	for _, u := range list {
		ways[u.NotifyID] = true
	}
	return len(ways)
}
