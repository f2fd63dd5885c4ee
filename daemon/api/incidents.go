package api

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Incidents is what `incidents --json` prints. The keys are an interface.
type Incidents struct {
	Incidents []Incident `json:"incidents"`
}

// Incident is one incident in `incidents --json`.
type Incident struct {
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
	From       string           `json:"from,omitempty"`        // which of several nodes see it
	HandedTo   string           `json:"handed_to,omitempty"`   // the node that decides now
	HandedAs   incident.ID      `json:"handed_as,omitempty"`   // the incident as which it goes on there
	HandedWell bool             `json:"handed_well,omitempty"` // that node sees the check well
	Also       incident.ID      `json:"also,omitempty"`        // of a node that is alone: by which all nodes know it
	Groups     []string         `json:"groups"`
	StartedAt  time.Time        `json:"started_at"`
	ReportedAt *time.Time       `json:"reported_at"`
	EndedAt    *time.Time       `json:"ended_at"`
	Events     []Event          `json:"events"`
	Deliveries []Delivery       `json:"deliveries"`
	// Acknowledged says who works on it; missing: nobody does.
	Acknowledged *Acknowledgement `json:"acknowledged,omitempty"`
	// Held are the destinations that are not told now, and why. Only who asks for one
	// incident is told; nil otherwise.
	Held []Held `json:"held,omitzero"`
}

// IsCalled reports whether an id is that of the incident, or one by which all nodes know it.
func (i *Incident) IsCalled(id incident.ID) bool { return id != "" && (i.ID == id || i.Also == id) }

// Event is one event of an incident.
type Event struct {
	Kind     incident.Kind `json:"kind"`
	At       time.Time     `json:"at"`
	Since    *time.Time    `json:"since,omitempty"`
	Phase    config.Phase  `json:"phase,omitempty"`
	Cause    config.Cause  `json:"cause,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	From     string        `json:"from,omitempty"` // which of several nodes see it
	To       string        `json:"to,omitempty"`   // the node that it was handed over to
	As       incident.ID   `json:"as,omitempty"`   // the incident as which it goes on there
	Well     bool          `json:"well,omitempty"` // that node sees the check well
	ClosedAs string        `json:"closed_as,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	By       string        `json:"by,omitempty"`    // who acknowledged it, took that back, or wrote the note
	Until    *time.Time    `json:"until,omitempty"` // of an acknowledgement
	// Text is that of a note, and Public whether it stands on the public page, too.
	Text   string `json:"text,omitempty"`
	Public bool   `json:"public,omitempty"`
}

// Delivery is one message to one destination about an incident. Role is the
// first of Roles, which are all that asked for it.
type Delivery struct {
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
	// NextAttemptAt is when it is tried again, of what is retrying.
	NextAttemptAt *time.Time `json:"next_attempt_at,omitempty"`
	// Replaced: a newer message was sent in its place, so it will not be.
	Replaced bool `json:"replaced,omitempty"`
	// DismissedAt and DismissedBy: somebody has decided that it needs no more attention,
	// although it was given up.
	DismissedAt *time.Time `json:"dismissed_at,omitempty"`
	DismissedBy string     `json:"dismissed_by,omitempty"`
	// Recipients are what each was answered, where they were not all answered alike.
	Recipients []notifiers.Recipient `json:"recipients,omitempty"`
}

// NewIncidents turns a snapshot into what `incidents --json` prints.
func NewIncidents(s *tracker.Snapshot) Incidents { return newIncidents(view{s, everybody}) }

func newIncidents(s view) Incidents {
	// JSON says [], not null.
	list := slices.AppendSeq([]Incident{}, incidentsIn(s))
	sortIncidents(list)
	return Incidents{Incidents: list}
}

// incidentsIn yields the incidents of a view, in no order.
func incidentsIn(s view) iter.Seq[Incident] {
	return func(yield func(Incident) bool) {
		for in := range s.Incidents() {
			if !yield(NewIncident(s.Snapshot, in)) {
				return
			}
		}
	}
}

// sortIncidents puts the oldest first.
func sortIncidents(list []Incident) {
	slices.SortFunc(list, func(a, b Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
}

// NewIncident turns one incident of a snapshot into what `incidents --json` prints of it.
func NewIncident(s *tracker.Snapshot, state *tracker.IncidentState) Incident {
	in := state.Incident
	v := Incident{
		ID: in.ID, Check: in.Check, Condition: in.Condition, Severity: in.Severity, State: in.Status(),
		ClosedAs: string(in.ClosedAs), Phase: in.Finding.Phase, Cause: in.Finding.Cause, Hint: in.Finding.Hint,
		Evidence: in.Finding.Evidence, Address: in.Finding.Address, From: in.Finding.From, HandedTo: in.HandedTo, HandedAs: in.HandedAs, HandedWell: in.HandedWell, Also: s.Others[in.ID], Groups: []string{},
		StartedAt: in.StartedAt.UTC(), ReportedAt: moment(in.ReportedAt), EndedAt: moment(in.EndedAt),
		Events: make([]Event, 0, len(state.Events)), Deliveries: []Delivery{}, Acknowledged: newAcknowledgement(in),
	}
	if cfg, ok := s.Config.Checks[in.Check]; ok {
		v.Groups = cfg.GroupNames()
	}
	for i := range state.Events {
		v.Events = append(v.Events, newEvent(&state.Events[i]))
	}
	for d := range s.Deliveries(state) {
		v.Deliveries = append(v.Deliveries, newDelivery(d, in.ID))
	}
	for i := range state.Held {
		v.Deliveries = append(v.Deliveries, newHeld(s.Config, &state.Held[i]))
	}
	return v
}

func newEvent(e *incident.Event) Event {
	v := Event{Kind: e.Kind, At: e.At.UTC(), Since: moment(e.Since), ClosedAs: string(e.ClosedAs), To: e.To, As: e.As, Well: e.Well, Reason: e.Reason, By: e.By, Until: moment(e.Until)}
	if e.Kind == incident.Noted {
		v.Text, v.Reason, v.Public = e.Reason, "", e.Public
	}
	if e.Finding != nil {
		v.Phase, v.Cause, v.Hint, v.From = e.Finding.Phase, e.Finding.Cause, e.Finding.Hint, e.Finding.From
	}
	return v
}

func newDelivery(d *tracker.DeliveryState, of incident.ID) Delivery {
	v := Delivery{
		Key: d.Key, Role: d.NotifyID.Role, Roles: d.Roles, Notifier: string(d.NotifyID.Notifier), Kind: string(d.Kind),
		Target: d.NotifyID.Target, State: d.State, Attempts: d.Attempts, At: d.At.UTC(), Answer: d.Answer, Recipients: d.Recipients,
		NextAttemptAt: moment(d.NextAt), DismissedAt: moment(d.Dismissed), DismissedBy: d.DismissedBy,
	}
	if d.State == outbox.Replaced { // a newer message says all that this one would have said
		v.Replaced = true
		v.State, v.Answer = outbox.Expired, opaque.Sanitise("a newer message was sent in its place, or the incident was over before")
	}
	for _, item := range d.Items {
		// A message about several incidents may tell each of something else.
		if item.Incident == of {
			v.Transition = string(item.Transition)
		}
	}
	return v
}

func newHeld(cfg *config.Config, h *outbox.Held) Delivery {
	perHour := 0
	if n, ok := cfg.Notifiers[h.NotifyID.Notifier]; ok {
		perHour = n.MaxPerHour
	}
	why := fmt.Sprintf("held back: max_per_hour of %s is %d, and so many were sent in the last hour", h.NotifyID.Notifier, perHour)
	return Delivery{
		Role: h.NotifyID.Role, Roles: h.Roles, Notifier: string(h.NotifyID.Notifier), Kind: string(h.Kind), Target: h.NotifyID.Target,
		Transition: string(h.Transition), State: outbox.Queued, At: h.Since.UTC(), Answer: opaque.Sanitise(why),
		Held: h.Reason, Until: moment(h.Until),
	}
}
