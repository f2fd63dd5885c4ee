package tracker

import (
	"context"
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
	Notes            []WrittenNote    `json:"notes,omitempty"`
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

// Wishes returns what people have asked for: all silences that are remembered, and the acknowledgements and notes of
// open incidents of checks.
func (s *Snapshot) Wishes() (w Wishes) {
	w.Silences = s.Silences
	for in := range s.Incidents() {
		if !in.Incident.Open() || isTrouble(in.Incident.Check) {
			continue
		}
		if in.Incident.Acknowledged() {
			w.Acknowledgements = append(w.Acknowledgements, s.wishOf(in))
		}
		w.Notes = append(w.Notes, notesOf(in)...)
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
	lacking.Notes = s.notesLacking(w.Notes)
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
// an incident here yet counts when it becomes one, unless it is seen well before. A note is added to the incident that
// there is, or left out.
func (t *Tracker) TakeWishes(ctx context.Context, w Wishes) error {
	return t.run(ctx, func(r *round) error {
		for _, s := range w.Silences {
			if err := t.takeSilence(r, s); err != nil {
				return err
			}
		}
		for _, a := range w.Acknowledgements {
			if err := t.takeWish(r, a); err != nil {
				return err
			}
		}
		for _, n := range w.Notes {
			if err := t.takeNote(r, n); err != nil {
				return err
			}
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
func (t *Tracker) takeWish(r *round, w Wish) error {
	w = w.bounded(r.now)
	_, exists := t.cfg.Checks[w.Check]
	makesSense := exists && config.AllConditions().Has(w.Condition) && !w.isOver(r.now) && writable(w.Until) == nil
	if !makesSense {
		return nil
	}
	topic := w.topic()
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
		return t.keepWish(r, w)
	}
	return nil
}

// bounded returns an acknowledgement with what another machine has put into it made safe to keep.
func (w Wish) bounded(now time.Time) Wish {
	w.By, w.Reason, w.Finding = boundAuthor(w.By), boundReason(w.Reason), *boundFinding(&w.Finding)
	if w.At.After(now) {
		w.At = now // by a clock that is ahead
	}
	return w
}

func (w *Wish) topic() topicOfWork { return topicOfWork{w.Check, w.Condition} }

// isOver reports whether the time of an acknowledgement is over.
func (w *Wish) isOver(now time.Time) bool { return !w.Until.IsZero() && !w.Until.After(now) }

// A waitingWish is an acknowledgement that waits for its incident, as it is journaled: whoever decides next has it,
// too. That it was used the incident says, which is acknowledged.
type waitingWish struct {
	Wish
	Dropped bool `json:"dropped,omitempty"` // it waits no longer, and acknowledges nothing
}

// keepWish has an acknowledgement wait for its incident.
func (t *Tracker) keepWish(r *round, w Wish) error {
	known := t.waitingWish(w.topic())
	switch {
	case known != nil && known.isAs(&w): // it was said before
		known.Told = w.Told
	case !r.addRecord(kindWish, r.now, waitingWish{Wish: w}):
		return errNotKept
	default:
		t.foldWish(waitingWish{Wish: w})
	}
	return nil
}

// isAs reports whether two acknowledgements say the same.
func (w *Wish) isAs(other *Wish) bool {
	return w.At.Equal(other.At) && w.Until.Equal(other.Until) && w.By == other.By && w.Reason == other.Reason && w.Finding == other.Finding
}

// waitingWish returns the acknowledgement that waits for an incident of a topic; nil: none does.
func (t *Tracker) waitingWish(topic topicOfWork) *wished {
	if w := t.wished[topic]; w != nil && w.incident == "" {
		return w
	}
	return nil
}

// dropWish forgets the acknowledgement of a topic.
func (t *Tracker) dropWish(r *round, topic topicOfWork) {
	if w := t.waitingWish(topic); w != nil {
		r.addRecord(kindWish, r.now, waitingWish{w.Wish, true})
	}
	delete(t.wished, topic)
}

// foldWish folds what was journaled of an acknowledgement that waits.
func (t *Tracker) foldWish(w waitingWish) {
	switch topic := w.topic(); {
	case !w.Dropped:
		t.wished[topic] = &wished{Wish: w.Wish}
	case t.waitingWish(topic) != nil:
		delete(t.wished, topic)
	}
}

// meetWish notes that an acknowledgement which waited is that of an incident now.
func (t *Tracker) meetWish(e incident.Event) {
	if w := t.waitingWish(topicOfWork{e.Check, e.Condition}); w != nil && w.At.Equal(e.Since) && w.By == e.By {
		w.incident = e.Incident
	}
}

// waitingWishes lists the acknowledgements that wait.
func (t *Tracker) waitingWishes(now time.Time) (list []waitingWish) {
	for _, w := range t.wished {
		if w.incident == "" && !w.isOver(now) {
			list = append(list, waitingWish{Wish: w.Wish})
		}
	}
	return list
}

// acknowledgementOf returns the event that acknowledges an incident.
func (w *Wish) acknowledgementOf(id incident.ID, now time.Time) incident.Event {
	return incident.Event{
		Kind: incident.Acknowledged, At: now, Since: w.At, Incident: id, Check: w.Check, Condition: w.Condition,
		By: w.By, Reason: w.Reason, Until: w.Until,
	}
}

// withWishes returns the events of a result with the acknowledgements that were made before, of what is opened.
func (t *Tracker) withWishes(r *round, events []incident.Event, seen *incident.Result) []incident.Event {
	if len(t.wished) == 0 {
		return events // nearly always
	}
	for c := range seen.Observed.All() {
		topic := topicOfWork{seen.Check, c}
		fails := slices.ContainsFunc(seen.Findings, func(f incident.Finding) bool { return f.Condition == c })
		if t.waitingWish(topic) != nil && !fails && !seen.Doubts(c) {
			t.dropWish(r, topic) // what was acknowledged may be over, and what comes is something else
		}
	}
	for _, e := range slices.Clone(events) {
		topic := topicOfWork{e.Check, e.Condition}
		w := t.wished[topic]
		switch {
		case w == nil || e.Kind != incident.Opened: // also of what is over: who was told hears of the end
		case w.incident != "": // that was the incident before, or its episode
			t.dropWish(r, topic)
		case e.Finding.WorseThan(w.Finding), w.isOver(e.At):
			t.dropWish(r, topic)
		default:
			events = append(events, w.acknowledgementOf(e.Incident, e.At))
		}
	}
	if slices.ContainsFunc(events, func(e incident.Event) bool {
		return e.Kind == incident.Opened && e.Condition == config.ConditionLocation
	}) {
		t.dropWaitingWishes(r, seen.Check)
	}
	return events
}

// dropWaitingWishes drops the acknowledgements of a check that wait for an incident: only some nodes see it fail, which
// is told. When it comes to fail for all that is worse than what was acknowledged.
func (t *Tracker) dropWaitingWishes(r *round, check config.CheckID) {
	for topic := range t.wished {
		if topic.check == check && t.waitingWish(topic) != nil {
			t.dropWish(r, topic)
		}
	}
}

// toldElsewhere returns the destinations that another node has told of an incident.
func (t *Tracker) toldElsewhere(in *incident.Incident) []outbox.Destination {
	if w := t.wished[topicOfWork{in.Check, in.Condition}]; w != nil && w.incident == in.ID {
		return w.Told
	}
	return nil
}
