package tracker

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Wishes are what people have asked for in one journal, and are to be asked no more in another one: that of
// a node which is alone takes them from the journal that all share, and this one from it when the node is back.
type Wishes struct {
	Silences         []outbox.Silence `json:"silences,omitempty"`
	Acknowledgements []Wish           `json:"acknowledgements,omitempty"`
}

// A Wish is the acknowledgement of an incident that another journal may have under another id.
type Wish struct {
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
	By        string           `json:"by,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	At        time.Time        `json:"at"` // when it was made
	Until     time.Time        `json:"until,omitzero"`
	// Finding is what the incident was about. What is worse was not acknowledged.
	Finding incident.Finding `json:"finding"`
	// Told are the destinations that the messages about the incident have reached.
	Told []outbox.Destination `json:"-"`
}

// Wishes returns what people have asked for: all silences that are remembered, and the acknowledgements of
// open incidents of checks.
func (s *Snapshot) Wishes() (w Wishes) {
	w.Silences = s.Silences
	for in := range s.Incidents() {
		if in.Incident.Open() && in.Incident.Acknowledged() && !isTrouble(in.Incident.Check) {
			w.Acknowledgements = append(w.Acknowledgements, s.wishOf(in))
		}
	}
	return w
}

func (s *Snapshot) wishOf(state *IncidentState) Wish {
	in := &state.Incident
	w := Wish{
		Check: in.Check, Condition: in.Condition, By: in.AckedBy, Reason: in.AckReason, At: lastWork(state.Events).madeAt(),
		Until: in.AckedUntil, Finding: in.ReportedFinding,
	}
	if w.Finding == (incident.Finding{}) { // of an older journal
		w.Finding = in.Finding
	}
	for d := range s.Deliveries(state) {
		if n := (outbox.Notification{NotifyID: d.NotifyID, Kind: d.Kind}); d.State == outbox.Sent {
			w.Told = append(w.Told, n.Destination())
		}
	}
	return w
}

// NewTo returns those of the wishes that a snapshot of another journal lacks.
func (w Wishes) NewTo(s *Snapshot) (lacking Wishes) {
	for _, silence := range w.Silences {
		at := slices.IndexFunc(s.Silences, func(known outbox.Silence) bool { return known.ID == silence.ID })
		if at < 0 && silence.Until.After(s.At) || at >= 0 && silence.Until.Before(s.Silences[at].Until) {
			lacking.Silences = append(lacking.Silences, silence)
		}
	}
	for _, a := range w.Acknowledgements {
		if !s.hasWish(&a) {
			lacking.Acknowledgements = append(lacking.Acknowledgements, a)
		}
	}
	return lacking
}

// hasWish reports whether an acknowledgement counts already.
func (s *Snapshot) hasWish(w *Wish) bool {
	c, known := s.Check(w.Check)
	return known && slices.ContainsFunc(c.Incidents, func(in incident.Incident) bool {
		return in.Condition == w.Condition && in.Open() && in.Acknowledged() && in.AckedBy == w.By && in.AckReason == w.Reason
	})
}

// A work is an event by which a person began to work on an incident, or ended it.
type work incident.Event

// lastWork returns the last of them; zero: there is none.
func lastWork(events []incident.Event) work {
	for _, e := range slices.Backward(events) {
		if e.Kind == incident.Acknowledged || e.Kind == incident.Unacknowledged {
			return work(e)
		}
	}
	return work{}
}

// madeAt returns when it was decided, in whatever journal.
func (w work) madeAt() time.Time {
	if !w.Since.IsZero() {
		return w.Since
	}
	return w.At
}

// TakeWishes takes what people have asked for in another journal, unless this one has something newer. It may
// be called again with the same. A silence that either journal has ended ends. An acknowledgement of what is not
// an incident here yet counts when it becomes one, unless it is seen well before.
func (t *Tracker) TakeWishes(ctx context.Context, w Wishes) error {
	return t.run(ctx, func(r *round) error {
		for _, s := range w.Silences {
			if err := t.takeSilence(r, s); err != nil {
				return err
			}
		}
		for _, a := range w.Acknowledgements {
			t.takeWish(r, a)
		}
		return nil
	})
}

// takeSilence takes a silence, or its end.
func (t *Tracker) takeSilence(r *round, s outbox.Silence) error {
	known, ok := t.silences[s.ID]
	if ok && !s.Until.Before(known.Until) || !ok && !s.Until.After(r.now) {
		return nil
	}
	if ok {
		known.Until, known.EndedBy = s.Until, s.EndedBy
		s = known
	}
	if err := writable(s.Until); err != nil {
		return err
	}
	s.Reason, s.By, s.EndedBy = boundReason(s.Reason), boundAuthor(s.By), boundAuthor(s.EndedBy)
	if !t.keep(r, s) {
		return errNotKept
	}
	return nil
}

// A topicOfWork is what an acknowledgement is about, in whatever journal.
type topicOfWork struct {
	check     config.CheckID
	condition config.Condition
}

// A wished is an acknowledgement that was taken from another journal.
type wished struct {
	Wish
	incident incident.ID // here, that it acknowledges; empty: none yet
}

// takeWish takes an acknowledgement.
func (t *Tracker) takeWish(r *round, w Wish) {
	if w.At.After(r.now) {
		w.At = r.now // by a clock that is ahead
	}
	over := !w.Until.IsZero() && !w.Until.After(r.now)
	if _, exists := t.cfg.Checks[w.Check]; !exists || over || writable(w.Until) != nil {
		return
	}
	topic := topicOfWork{w.Check, w.Condition}
	in, known := t.stateOf(w.Check).Incident(w.Condition)
	switch {
	case known && in.Open():
		last := lastWork(t.ledger.records[in.ID].events)
		same := last.Kind == incident.Acknowledged && last.By == boundAuthor(w.By) && last.madeAt().Equal(w.At)
		if same || last.madeAt().Before(w.At) {
			t.wished[topic] = &wished{w, in.ID}
		}
		if !same && last.madeAt().Before(w.At) && !in.Finding.WorseThan(w.Finding) {
			t.addEvents(r, []incident.Event{w.acknowledgementOf(in.ID, r.now)})
		}
	case known && !in.Live() && in.ClosedAt.After(w.At): // what was acknowledged is over
	default:
		t.wished[topic] = &wished{Wish: w}
	}
}

// acknowledgementOf returns the event that acknowledges an incident.
func (w *Wish) acknowledgementOf(id incident.ID, now time.Time) incident.Event {
	return incident.Event{
		Kind: incident.Acknowledged, At: now, Since: w.At, Incident: id, Check: w.Check, Condition: w.Condition,
		By: w.By, Reason: w.Reason, Until: w.Until,
	}
}

// withWishes returns the events of a result with the acknowledgements that were made before, of what is opened.
func (t *Tracker) withWishes(events []incident.Event, r *incident.Result) []incident.Event {
	if len(t.wished) == 0 {
		return events // nearly always
	}
	for c := range r.Observed.All() {
		topic := topicOfWork{r.Check, c}
		fails := slices.ContainsFunc(r.Findings, func(f incident.Finding) bool { return f.Condition == c })
		if w := t.wished[topic]; w != nil && w.incident == "" && !fails && !r.Doubts(c) {
			delete(t.wished, topic) // what was acknowledged may be over, and what comes is something else
		}
	}
	for _, e := range slices.Clone(events) {
		topic := topicOfWork{e.Check, e.Condition}
		w := t.wished[topic]
		switch {
		case w == nil || e.Kind != incident.Opened: // also of what is over: who was told hears of the end
		case w.incident != "":
			delete(t.wished, topic) // that was the incident before, or its episode
		case e.Finding.WorseThan(w.Finding), !w.Until.IsZero() && !w.Until.After(e.At):
			delete(t.wished, topic)
		default:
			w.incident = e.Incident
			events = append(events, w.acknowledgementOf(e.Incident, e.At))
		}
	}
	if slices.ContainsFunc(events, func(e incident.Event) bool {
		return e.Kind == incident.Opened && e.Condition == config.ConditionLocation
	}) {
		t.dropWaitingWishes(r.Check)
	}
	return events
}

// dropWaitingWishes drops the acknowledgements of a check that wait for an incident: only some nodes see it fail, which
// is told. When it comes to fail for all that is worse than what was acknowledged.
func (t *Tracker) dropWaitingWishes(check config.CheckID) {
	maps.DeleteFunc(t.wished, func(topic topicOfWork, w *wished) bool { return topic.check == check && w.incident == "" })
}

// toldElsewhere returns the destinations that another node has told of an incident.
func (t *Tracker) toldElsewhere(in *incident.Incident) []outbox.Destination {
	if w := t.wished[topicOfWork{in.Check, in.Condition}]; w != nil && w.incident == in.ID {
		return w.Told
	}
	return nil
}
