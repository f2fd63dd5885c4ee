// Package outbox decides what each destination must still be told, and tells it.
//
// It is two things. The first is pure: [Plan] compares what is true of the
// incidents with what the [Book] says each [Destination] was told, and returns the
// difference as notifications; the Book is the fold of journaled notifications and their
// outcomes. Because the difference is taken anew each time, the end of a
// silence, a role change or a restart needs no special case. It knows what notify blocks
// ask for, how messages to people are gathered and spaced, escalation, help with
// what cannot be delivered, silences, schedules, maintenance and depends_on, and it
// says why a destination is not told ([Explain]). The second is the [Sender], the only
// caller of notifiers: a call is one attempt, and its outcome comes back as an input of
// the tracker.
//
// A caller may rely on this: nothing is sent that was not journaled first; a
// closing never overtakes its opening; the same notification keeps its key for ever.
// What holds it together: of one incident and one destination at most one notification
// is not final, and none is replaced while an attempt is under way.
package outbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A status is what one destination knows of one incident.
type status struct {
	open      bool // that it is open; else, with a episode, that it is closed
	episode   int  // the last opening it heard of; 0: none
	worsened  int
	at        time.Time // of the notification, reminders included
	key       Key
	noClosing bool
	partial   bool  // some recipients were refused for good, and have not heard
	item      int32 // which of the notification's items it is
	// acknowledged is when the acknowledgement was made that it has heard of, in nanoseconds
	// since 1970; 0: of none.
	acknowledged int64
}

// An entry is what a destination was told of an incident: told counts what is
// still being delivered, delivered only what has arrived.
type entry struct {
	to              Destination
	told, delivered status
	opened          time.Time        // when the opening was told first
	thread          notifiers.Thread // of the messages that arrived
}

// A Book is the fold of notifications and outcomes. It is owned by the tracker and
// changed by Apply, ApplyOutcome, Begin, Hurry and Hold alone.
type Book struct {
	told       map[incident.ID][]entry
	deliveries map[Key]*Delivery
	pending    map[Key]*Delivery      // not final
	queues     map[Destination]*queue // by place
	count      int                    // of notifications
	lastOn     map[Destination]pulse
	byIncident map[incident.ID][]Key
	hour       map[config.NotifierID][]*Delivery // told in the last hour, oldest first
	retrying   map[config.NotifierID]int         // how many deliveries are
	held       map[incident.ID][]Held            // by the last Plan; not journaled
}

// A pulse is the last notification of a destination: when, and of how much.
type pulse struct {
	at    time.Time
	items int
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		told:       map[incident.ID][]entry{},
		deliveries: map[Key]*Delivery{},
		pending:    map[Key]*Delivery{},
		queues:     map[Destination]*queue{},
		lastOn:     map[Destination]pulse{},
		byIncident: map[incident.ID][]Key{},
		hour:       map[config.NotifierID][]*Delivery{},
		retrying:   map[config.NotifierID]int{},
		held:       map[incident.ID][]Held{},
	}
}

// Apply folds one journaled notification.
func (b *Book) Apply(t Notification) {
	b.count++
	d := &Delivery{Notification: t, State: Queued, NextAt: t.At, number: b.count}
	b.deliveries[t.Key] = d
	to := t.Destination()
	if t.TellsNothing() {
		d.State = Replaced
	} else {
		b.pending[t.Key] = d
		l := b.queueOf(to)
		l.list = append(l.list, d)
		b.lastOn[to] = pulse{at: t.At, items: len(t.Items)}
		b.rememberSent(d)
	}
	for i, item := range t.Items {
		told := item.statusAfter(t)
		told.item = int32(i)
		b.entryOf(item.Incident, to).foldTold(told)
		if !item.Unannounced {
			b.byIncident[item.Incident] = append(b.byIncident[item.Incident], t.Key)
		}
	}
	// What has arrived or was given up meanwhile keeps its state.
	for _, key := range t.Replaces {
		if d, ok := b.pending[key]; ok {
			b.setState(d, Replaced)
		}
	}
}

// queueOf finds or starts the queue of a receiver. What it is told for several roles is
// one queue, since it must not hear of one incident's end after the next one's
// opening because the role was renamed in between.
func (b *Book) queueOf(to Destination) *queue {
	l := b.queues[to.place()]
	if l == nil {
		l = &queue{}
		b.queues[to.place()] = l
	}
	return l
}

// reviveDelivery makes a delivery that was given up pending again.
func (b *Book) reviveDelivery(d *Delivery) {
	b.pending[d.Key] = d
	// dropFinal may have taken it out of the list.
	if l := b.queueOf(d.Destination()); slices.Contains(l.list, d) {
		l.final--
	} else {
		l.list = append(l.list, d)
	}
}

// entryOf returns the entry of a destination, a new one if there is none. The pointer is
// good until the next call.
func (b *Book) entryOf(id incident.ID, to Destination) *entry {
	list := b.told[id]
	i := slices.IndexFunc(list, func(e entry) bool { return e.to == to })
	if i < 0 {
		i = len(list)
		// An incident has few entries, which are large: append would double their room.
		list = append(make([]entry, 0, i+1), list...)
		b.told[id] = append(list, entry{to: to})
	}
	return &b.told[id][i]
}

// foldTold notes the newest thing that the destination was told.
func (e *entry) foldTold(s status) {
	// What follows in the same episode keeps the time of its opening, from which FallbackAfter
	// is counted.
	if s.open && (!e.told.open || e.told.episode != s.episode) {
		e.opened = s.at
	}
	e.told = s
}

// itemIn returns the item of a delivery, the newest that was decided for the destination, that tells
// it of the incident. Looking for it would take too long where one message is about 10,000 incidents.
func (e *entry) itemIn(d *Delivery) (item Item) {
	if i := int(e.told.item); i < len(d.Items) { // always, unless the journal was edited by hand
		item = d.Items[i]
	}
	return item
}

// statusAfter returns what a destination knows once the item has arrived.
func (i Item) statusAfter(t Notification) status {
	return status{
		open: i.Transition != notifiers.Closed, episode: i.Episode, worsened: i.Worsened,
		at: t.At, key: t.Key, noClosing: t.NoClosing || i.NoClosing, acknowledged: nanoseconds(i.Acknowledged),
	}
}

// Begin marks that an attempt is under way, so that no second one starts and
// no notification overtakes it. It is not journaled: after a crash the delivery is
// due again.
func (b *Book) Begin(key Key) {
	if d, ok := b.pending[key]; ok {
		b.setState(d, Sending)
	}
}

// AttemptUnderWay reports whether any attempt is.
func (b *Book) AttemptUnderWay() bool {
	for _, l := range b.queues {
		if l.busy > 0 {
			return true
		}
	}
	return false
}

// setState keeps the indices by state in step.
func (b *Book) setState(d *Delivery, state DeliveryState) {
	to := d.Destination()
	b.countState(to, d.State, -1)
	b.countState(to, state, 1)
	if d.State = state; state.Final() {
		delete(b.pending, d.Key)
		if l := b.queues[to.place()]; l != nil {
			l.final++
		}
	}
}

// countState adds by, 1 or -1, to the number of deliveries in a state, where such a number is
// kept.
func (b *Book) countState(to Destination, state DeliveryState, by int) {
	switch l := b.queues[to.place()]; {
	case state == Retrying:
		b.retrying[to.Notifier] += by
	case state == Sending && l != nil:
		l.busy += by
	}
}

// ApplyOutcome folds one journaled outcome.
func (b *Book) ApplyOutcome(o Outcome) {
	d, ok := b.pending[o.Key]
	if !ok {
		// Only Redeliver and Dismiss give an outcome to a delivery that was given up.
		d, ok = b.deliveries[o.Key]
		switch {
		case !ok || !d.wasGivenUp():
			return
		case !o.DismissedAt.IsZero():
			d.Last = o
			return
		case o.State != Retrying:
			return
		}
		b.reviveDelivery(d)
	}
	d.Attempts, d.NextAt, d.Last = o.Attempts, o.NextAt, o
	b.setState(d, o.State)
	if o.State == Sent {
		b.foldReceipt(d, o.Receipt)
	}
}

// foldReceipt notes that a delivery has arrived.
func (b *Book) foldReceipt(d *Delivery, r notifiers.Receipt) {
	for _, item := range d.Items {
		if item.Unannounced {
			continue
		}
		e := b.entryOf(item.Incident, d.Destination())
		e.delivered = item.statusAfter(d.Notification)
		e.delivered.partial = len(d.Refused()) > 0
		e.foldThread(d, r)
		e.foldReceiver(item.Transition, d.Last.Receiver)
	}
}

// foldThread notes a message to put later ones beside. Those may be put beside the first, so that
// one stays.
func (e *entry) foldThread(d *Delivery, r notifiers.Receipt) {
	if e.thread.First.Thread == "" {
		e.thread.First, e.thread.Alone = r, len(d.Items) == 1
	}
	if r.Thread != "" || e.thread.Last.Thread == "" {
		e.thread.Last = r
	}
}

// foldReceiver notes who has to hear of the end.
func (e *entry) foldReceiver(t notifiers.Transition, mark string) {
	switch known := e.thread.Receivers; {
	case t == notifiers.Closed:
		e.thread.Receivers = ""
	case t == notifiers.Acknowledged || mark == "" || slices.Contains(strings.Fields(known), mark):
	default:
		e.thread.Receivers += " " + mark
	}
}

// Hurry makes the deliveries that wait on a notifier due at once, since it has
// just answered well; not those that it asked to wait.
func (b *Book) Hurry(id config.NotifierID, now time.Time) {
	if b.retrying[id] == 0 {
		return
	}
	for _, d := range b.pending {
		if d.NotifyID.Notifier == id && d.State == Retrying && !d.Last.Held && d.NextAt.After(now) {
			d.NextAt = now
		}
	}
}

// HurryAll makes due at once what Hurry does, of all notifiers: what has failed on another machine may
// succeed here.
func (b *Book) HurryAll(now time.Time) {
	for id := range b.retrying {
		b.Hurry(id, now)
	}
}

// Waits reports whether anything waits to be delivered by a notifier.
func (b *Book) Waits(id config.NotifierID) bool {
	for _, d := range b.pending {
		if d.NotifyID.Notifier == id {
			return true
		}
	}
	return false
}

// Redeliver returns the outcome for ApplyOutcome with which a delivery that was given up
// is tried once more. It is an error if the delivery is unknown, is not given up, or a
// newer message to its destination has been decided.
func (b *Book) Redeliver(key Key, now time.Time) (Outcome, error) {
	d, ok := b.deliveries[key]
	switch {
	case !ok:
		return Outcome{}, fmt.Errorf("there is no delivery %s", key)
	case !d.wasGivenUp():
		return Outcome{}, fmt.Errorf("delivery %s is %s; only what is dead or expired can be sent again", key, d.State)
	}
	for _, item := range d.Items {
		// Sent now, it would tell an older state after a newer one.
		if b.entryOf(item.Incident, d.Destination()).told.key != key {
			return Outcome{}, fmt.Errorf("a newer message than %s has been decided for %s", key, d.NotifyID.Role)
		}
	}
	return Outcome{
		Key: key, At: now, State: Retrying, Attempts: d.Attempts, NextAt: now, Error: d.Last.Error,
		Poisoned: d.Last.Poisoned,
	}, nil
}

// Dismiss returns the outcome for ApplyOutcome with which a delivery that was given up is
// marked as needing no more attention. It is an error if the delivery is unknown, is not
// given up, or is dismissed.
func (b *Book) Dismiss(key Key, by string, now time.Time) (Outcome, error) {
	d, ok := b.deliveries[key]
	switch {
	case !ok:
		return Outcome{}, fmt.Errorf("there is no delivery %s", key)
	case !d.wasGivenUp():
		return Outcome{}, fmt.Errorf("delivery %s is %s; only what is dead or expired can be dismissed", key, d.State)
	case !d.Neglected():
		return Outcome{}, fmt.Errorf("delivery %s is dismissed already", key)
	}
	o := d.Last
	o.Key, o.State, o.DismissedAt, o.DismissedBy = key, d.State, now, by
	return o, nil
}

// Delivery returns a notification and what became of it.
func (b *Book) Delivery(key Key) (*Delivery, bool) {
	d, ok := b.deliveries[key]
	return d, ok
}

// Thread returns the messages about an incident beside which another one can be put; zero:
// none has arrived.
func (b *Book) Thread(id incident.ID, to Destination) notifiers.Thread {
	for _, e := range b.told[id] {
		if e.to == to {
			return e.thread
		}
	}
	return notifiers.Thread{}
}

// Of lists the deliveries that tell of an incident, oldest first.
func (b *Book) Of(id incident.ID) []*Delivery {
	list := make([]*Delivery, 0, len(b.byIncident[id]))
	for _, key := range b.byIncident[id] {
		list = append(list, b.deliveries[key])
	}
	return list
}

// Counts returns how many deliveries are under way, and how many were given up and are not
// dismissed.
func (b *Book) Counts() (queued, dead int) {
	for _, d := range b.deliveries {
		if d.Neglected() {
			dead++
		}
	}
	return len(b.pending), dead
}

// NothingOwed reports whether no destination is owed anything more about an incident that
// is over.
func (b *Book) NothingOwed(id incident.ID) bool {
	if len(b.held[id]) > 0 {
		return false
	}
	for _, e := range b.told[id] {
		// Owed are the outcome of what is under way, and the end to whoever has got the
		// opening.
		if b.pending[e.told.key] != nil || e.told.open && e.delivered.open && !e.told.noClosing {
			return false
		}
	}
	return true
}
