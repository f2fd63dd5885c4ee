package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// ReportsLate is how long after its period a report is still worth sending: after that it is
// given up.
const ReportsLate = 7 * 24 * time.Hour

// reportsRemembered is how long it is remembered that a report was sent. No period ends more
// than a quarter of a year after it could be sent again.
const reportsRemembered = 200 * 24 * time.Hour

// A ReportNotice is the decision to send the report of a period to one destination. It is
// journaled before it is sent.
type ReportNotice struct {
	Key      Key             `json:"key"` // "report/NAME/PERIOD", and "/2" for the second destination
	At       time.Time       `json:"at"`
	NotifyID config.NotifyID `json:"way"`
	Roles    []config.RoleID `json:"roles,omitempty"`
	Kind     notifiers.Kind  `json:"kind"`
	To       json.RawMessage `json:"to"`
	Report   string          `json:"report"`
	From     time.Time       `json:"from"`
	Until    time.Time       `json:"until"` // not part of the period
}

// ReportKey returns what the keys of a report of a period begin with; period names it, as
// "2026-10".
func ReportKey(name, period string) Key {
	return Key("report/" + name + "/" + strings.ReplaceAll(period, " ", "_"))
}

// NewReportNotices returns the decisions to send a report to the email destinations of roles,
// each place once.
func NewReportNotices(cfg *config.Config, r *config.Report, period string, from, until, now time.Time) (list []ReportNotice, err error) {
	known := map[Destination]int{}
	for _, id := range r.Roles {
		role, ok := cfg.Roles[id]
		if !ok {
			continue
		}
		for i := range role.Notify {
			block := &role.Notify[i]
			n, ok := cfg.Notifiers[block.ID.Notifier]
			if !ok || n.Settings.Kind() != reportKind {
				continue
			}
			to := destinationOf(block.ID, reportKind)
			if at, twice := known[to]; twice {
				list[at].Roles = withRoles(list[at].Roles, id)
				continue
			}
			target, err := json.Marshal(block.Target)
			if err != nil {
				return nil, fmt.Errorf("writing the target of %s: %w", block.ID.Target, err)
			}
			known[to] = len(list)
			key := ReportKey(r.Name, period)
			if len(list) > 0 {
				key += Key(fmt.Sprintf("/%d", len(list)+1))
			}
			list = append(list, ReportNotice{
				Key: key, At: now, NotifyID: block.ID, Roles: []config.RoleID{id}, Kind: reportKind, To: target,
				Report: r.Name, From: from, Until: until,
			})
		}
	}
	return list, nil
}

// reportKind is the channel that reports are sent by: people read them at leisure, with files.
const reportKind notifiers.Kind = "email"

// A ReportDelivery is a report on its way to one destination, and what became of it.
type ReportDelivery struct {
	ReportNotice
	Delivery // without items
}

// A ReportBook is the fold of the reports that were decided and of their outcomes. It is apart
// from the [Book], so that no report can hold up, gather with or count as an alarm.
type ReportBook struct {
	deliveries map[Key]*ReportDelivery
	sending    int
}

// NewReportBook makes an empty one.
func NewReportBook() *ReportBook { return &ReportBook{deliveries: map[Key]*ReportDelivery{}} }

// Apply folds one journaled decision.
func (b *ReportBook) Apply(n ReportNotice) {
	d := &ReportDelivery{ReportNotice: n}
	d.Delivery = Delivery{
		Notification: Notification{Key: n.Key, At: n.At, NotifyID: n.NotifyID, Roles: n.Roles, Kind: n.Kind, To: n.To},
		State:        Queued, NextAt: n.At, number: len(b.deliveries) + 1,
		// The last attempt is made when the report has become too old, however late it was decided.
		patience: max(time.Hour, n.Until.Add(ReportsLate).Sub(n.At)),
	}
	b.deliveries[n.Key] = d
}

// Decided reports whether a report of a period was decided, to whomever.
func (b *ReportBook) Decided(key Key) bool {
	_, ok := b.deliveries[key]
	return ok
}

// Delivery returns a report on its way.
func (b *ReportBook) Delivery(key Key) (*ReportDelivery, bool) {
	d, ok := b.deliveries[key]
	return d, ok
}

// Next returns the report whose attempt may start now, one at a time, the oldest first, and when
// to ask again for the others; zero: after the next outcome or decision.
func (b *ReportBook) Next(now time.Time) (next *ReportDelivery, again time.Time) {
	if b.sending > 0 {
		return nil, again
	}
	for _, d := range b.List() {
		switch {
		case d.State.Final():
		case !d.waitsForAttempt(now):
			return d, time.Time{}
		case again.IsZero() || d.NextAt.Before(again):
			again = d.NextAt
		}
	}
	return nil, again
}

// Begin marks that an attempt is under way. It is not journaled.
func (b *ReportBook) Begin(key Key) {
	if d, ok := b.deliveries[key]; ok {
		d.State = Sending
		b.sending++
	}
}

// ApplyOutcome folds one journaled outcome.
func (b *ReportBook) ApplyOutcome(o Outcome) {
	d, ok := b.deliveries[o.Key]
	if !ok {
		return
	}
	if d.State == Sending {
		b.sending--
	}
	d.State, d.Attempts, d.NextAt, d.Last = o.State, o.Attempts, o.NextAt, o
}

// List lists the reports in the order in which they were decided.
func (b *ReportBook) List() []*ReportDelivery {
	list := make([]*ReportDelivery, 0, len(b.deliveries))
	for _, d := range b.deliveries {
		list = append(list, d)
	}
	slices.SortFunc(list, func(x, y *ReportDelivery) int {
		return cmp.Or(x.ReportNotice.At.Compare(y.ReportNotice.At), cmp.Compare(x.ReportNotice.Key, y.ReportNotice.Key))
	})
	return list
}

// Keep forgets what was sent or given up long ago, and lists the rest: applying their notices and
// their last outcomes gives the same book.
func (b *ReportBook) Keep(now time.Time) []*ReportDelivery {
	for key, d := range b.deliveries {
		if d.State.Final() && now.Sub(d.ReportNotice.At) > reportsRemembered {
			delete(b.deliveries, key)
		}
	}
	return b.List()
}
