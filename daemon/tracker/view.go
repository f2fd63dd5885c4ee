package tracker

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A View is what is known, at one moment, for those who show it. The JSON keys
// are an interface.
type View struct {
	GeneratedAt   time.Time     `json:"generated_at"`
	Journal       JournalView   `json:"journal"`
	Checks        []CheckView   `json:"checks"`
	Notifications Notifications `json:"notifications"`
	// Incidents is for `incidents`, not part of status.
	Incidents []IncidentView `json:"-"`
}

// JournalView is the health of the journal.
type JournalView struct {
	Durable bool `json:"durable"`
	Damaged bool `json:"damaged"`
	// Error says why it is not durable, or else what is damaged, with the path;
	// empty: neither.
	Error string `json:"error"`
	// Clean: the daemon before this one closed it.
	Clean bool `json:"clean"`
	// TornBytes were cut off its end at the start: a write that a crash interrupted.
	TornBytes int64 `json:"torn_bytes"`
	// Quarantined are the paths of damaged files, which are kept.
	Quarantined []string `json:"quarantined"`
}

// Notifications counts deliveries.
type Notifications struct {
	Queued int `json:"queued"` // not delivered yet
	Held   int `json:"held"`   // of these: not sent yet, see DeliveryView.Held
	Dead   int `json:"dead"`
}

// CheckView is one check in `status --json`.
type CheckView struct {
	ID          config.CheckID      `json:"id"`
	Label       string              `json:"label"`
	Server      string              `json:"server"`
	Groups      []string            `json:"groups"`
	State       incident.CheckState `json:"state"`
	Phase       string              `json:"phase"`
	Cause       string              `json:"cause"`
	Hint        string              `json:"hint"`
	Since       *time.Time          `json:"since"`
	LastProbeAt *time.Time          `json:"last_probe_at"`
	NextProbeAt *time.Time          `json:"next_probe_at"`
	Incidents   []incident.ID       `json:"incidents"`
}

// IncidentView is one incident in `incidents --json`.
type IncidentView struct {
	ID         incident.ID      `json:"id"`
	Check      config.CheckID   `json:"check"`
	Condition  config.Condition `json:"condition"`
	Severity   config.Severity  `json:"severity"`
	State      incident.Status  `json:"state"`
	ClosedAs   string           `json:"closed_as"`
	Phase      config.Phase     `json:"phase"`
	Cause      config.Cause     `json:"cause"`
	Hint       string           `json:"hint"`
	Evidence   opaque.Words     `json:"evidence"`
	Address    string           `json:"address"`
	Groups     []string         `json:"groups"`
	StartedAt  time.Time        `json:"started_at"`
	ReportedAt *time.Time       `json:"reported_at"`
	EndedAt    *time.Time       `json:"ended_at"`
	Events     []EventView      `json:"events"`
	Deliveries []DeliveryView   `json:"deliveries"`
}

// EventView is one event of an incident.
type EventView struct {
	Kind     incident.Kind `json:"kind"`
	At       time.Time     `json:"at"`
	Since    *time.Time    `json:"since,omitempty"`
	Phase    config.Phase  `json:"phase,omitempty"`
	Cause    config.Cause  `json:"cause,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	ClosedAs string        `json:"closed_as,omitempty"`
	Reason   string        `json:"reason,omitempty"`
}

// DeliveryView is one message to one destination about an incident. Role is the
// first of Roles, which are all that asked for it.
type DeliveryView struct {
	Key        outbox.Key           `json:"key"`
	Role       config.RoleID        `json:"role"`
	Roles      []config.RoleID      `json:"roles"`
	Notifier   string               `json:"notifier"`
	Kind       string               `json:"kind"`
	Target     string               `json:"target"`
	Transition string               `json:"transition"`
	State      outbox.DeliveryState `json:"state"`
	Attempts   int                  `json:"attempts"`
	At         time.Time            `json:"at"`
	Answer     opaque.Words         `json:"answer"`
	// Held says why it is not sent yet ("max_per_hour"), and Until when there is
	// room. It has no key: what it will say, and with what else, is not decided.
	Held  outbox.HeldReason `json:"held,omitempty"`
	Until *time.Time        `json:"until,omitempty"`
	// Recipients are what each was answered, where they were not all answered alike.
	Recipients []notifiers.Recipient `json:"recipients,omitempty"`
}

// viewEvery is how often a View is built at most, however many ask.
const viewEvery = time.Second

// View shows what is known, or was known less than a second ago. It is shared:
// nobody may change it.
func (t *Tracker) View(ctx context.Context) (View, error) {
	answer := make(chan View, 1)
	return ask(ctx, t, viewed{answer}, answer)
}

type viewed struct{ answer chan<- View }

func (in viewed) handle(t *Tracker, r *round) {
	r.replies = append(r.replies, func() {
		if r.now.Sub(t.shown.GeneratedAt) >= viewEvery {
			t.shown = t.view(r.now)
		}
		in.answer <- t.shown
	})
}

func (t *Tracker) view(now time.Time) View {
	v := View{GeneratedAt: now.UTC().Round(0), Journal: journalView(t.Journal.Status())}
	v.Notifications.Queued, v.Notifications.Dead = t.book.Counts()
	v.Notifications.Held = t.book.CountHeld()
	v.Notifications.Queued += v.Notifications.Held
	v.Checks = make([]CheckView, 0, len(t.cfg.Checks))
	for _, c := range t.cfg.Checks {
		v.Checks = append(v.Checks, t.checkView(c, now))
	}
	slices.SortFunc(v.Checks, func(a, b CheckView) int { return cmp.Compare(a.ID, b.ID) })
	v.Incidents = make([]IncidentView, 0, len(t.ledger))
	for _, rec := range t.ledger {
		if in := rec.incident; !in.Pending || !in.Unreported() {
			v.Incidents = append(v.Incidents, t.incidentView(rec))
		}
	}
	slices.SortFunc(v.Incidents, func(a, b IncidentView) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return v
}

func journalView(s journal.Status) JournalView {
	return JournalView{
		Durable: s.Durable, Damaged: s.Damaged, Error: s.Detail, Clean: s.Clean, TornBytes: s.TornBytes,
		Quarantined: append([]string{}, s.Quarantined...), // JSON says [], not null
	}
}

func (t *Tracker) checkView(cfg *config.Check, now time.Time) CheckView {
	v := CheckView{ID: cfg.ID, Label: cfg.Label, Server: string(cfg.Server), Groups: groups(cfg), Incidents: []incident.ID{}}
	if t.Next != nil && cfg.Enabled {
		v.NextProbeAt = moment(t.Next(cfg.ID))
	}
	c, ok := t.checks[cfg.ID]
	if !ok {
		c = &check{}
	}
	v.LastProbeAt = moment(c.last.Started)
	var worst *incident.Incident
	v.State, worst = stateOf(cfg, c)
	if _, worked := t.calendar.Maintenance(cfg, now); worked && cfg.Enabled {
		v.State = incident.CheckMaintenance
	}
	if v.State == incident.CheckPaused {
		return v // what was found before is not so any more, or not known to be
	}
	finding, bad := c.last.Worst()
	if bad && (finding.Cause != config.CauseLoginNotTried || v.State == incident.CheckUnknown) {
		v.Phase, v.Cause, v.Hint = finding.Phase.String(), string(finding.Cause), finding.Hint
	} else if worst != nil {
		v.Phase, v.Cause, v.Hint = worst.Finding.Phase.String(), string(worst.Finding.Cause), worst.Finding.Hint
	}
	v.Since = moment(since(c, v.State, worst))
	for in := range c.state.Incidents() {
		if in.Open() {
			v.Incidents = append(v.Incidents, in.ID)
		}
	}
	return v
}

// groups are the names of a check's groups, outermost first.
func groups(cfg *config.Check) []string {
	list := make([]string, 0, len(cfg.Path))
	for _, g := range cfg.Path {
		list = append(list, path.Base(string(g)))
	}
	return list
}

// stateOf says how a check is, and which incident says so; nil: none.
func stateOf(cfg *config.Check, c *check) (state incident.CheckState, gravest *incident.Incident) {
	if !cfg.Enabled {
		return incident.CheckPaused, nil
	}
	in, live := c.state.Gravest()
	if live {
		gravest = &in
	}
	switch {
	case c.unknown:
		return incident.CheckUnknown, gravest
	case live:
		return in.CheckState(), gravest
	case c.last.Check == "":
		return incident.CheckUnknown, nil
	}
	return incident.CheckOK, nil
}

func since(c *check, word incident.CheckState, worst *incident.Incident) time.Time {
	switch {
	case word == incident.CheckUnknown || worst == nil && word != incident.CheckOK:
		return c.since
	case word == incident.CheckRecovering:
		return worst.WellSince
	case worst != nil:
		return worst.FailingSince
	}
	ok := c.since
	for in := range c.state.Incidents() {
		if in.EndedAt.After(ok) {
			ok = in.EndedAt
		}
	}
	return ok
}

func (t *Tracker) incidentView(rec *record) IncidentView {
	in := rec.incident
	v := IncidentView{
		ID: in.ID, Check: in.Check, Condition: in.Condition, Severity: in.Severity, State: in.Status(),
		ClosedAs: string(in.ClosedAs), Phase: in.Finding.Phase, Cause: in.Finding.Cause, Hint: in.Finding.Hint,
		Evidence: in.Finding.Evidence, Address: in.Finding.Address, Groups: []string{},
		StartedAt: in.StartedAt.UTC(), ReportedAt: moment(in.ReportedAt), EndedAt: moment(in.EndedAt),
		Events: make([]EventView, 0, len(rec.events)), Deliveries: []DeliveryView{},
	}
	if cfg, ok := t.cfg.Checks[in.Check]; ok {
		v.Groups = groups(cfg)
	}
	for _, e := range rec.events {
		v.Events = append(v.Events, eventView(e))
	}
	for _, d := range t.book.Of(in.ID) {
		v.Deliveries = append(v.Deliveries, deliveryView(d, in.ID))
	}
	for _, h := range t.book.Held(in.ID) {
		v.Deliveries = append(v.Deliveries, t.heldView(h))
	}
	return v
}

func eventView(e incident.Event) EventView {
	v := EventView{Kind: e.Kind, At: e.At.UTC(), Since: moment(e.Since), ClosedAs: string(e.ClosedAs), Reason: e.Reason}
	if e.Finding != nil {
		v.Phase, v.Cause, v.Hint = e.Finding.Phase, e.Finding.Cause, e.Finding.Hint
	}
	return v
}

func deliveryView(d *outbox.Delivery, id incident.ID) DeliveryView {
	v := DeliveryView{
		Key: d.Key, Role: d.NotifyID.Role, Roles: d.AskedBy(), Notifier: string(d.NotifyID.Notifier), Kind: string(d.Kind), Target: d.NotifyID.Target,
		State: d.State, Attempts: d.Attempts, At: d.At.UTC(), Answer: d.Answer(),
		Recipients: d.Recipients(),
	}
	if !d.Last.At.IsZero() {
		v.At = d.Last.At.UTC()
	}
	if d.State == outbox.Replaced { // a newer message says all that this one would have said
		v.State, v.Answer = outbox.Expired, opaque.Sanitise("a newer message was sent in its place")
	}
	for _, item := range d.Items {
		if item.Incident == id {
			v.Transition = string(item.Transition)
		}
	}
	return v
}

func (t *Tracker) heldView(h outbox.Held) DeliveryView {
	why := fmt.Sprintf("held back: max_per_hour of %s is %d, and so many were sent in the last hour", h.NotifyID.Notifier, t.maxPerHour(h.NotifyID.Notifier))
	return DeliveryView{
		Role: h.NotifyID.Role, Roles: h.Roles, Notifier: string(h.NotifyID.Notifier), Kind: string(h.Kind), Target: h.NotifyID.Target,
		Transition: string(h.Transition), State: outbox.Queued, At: h.Since.UTC(), Answer: opaque.Sanitise(why),
		Held: h.Reason, Until: moment(h.Until),
	}
}

// moment is nil for a time that is not known, so that JSON says null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC().Round(0)
	return &utc
}
