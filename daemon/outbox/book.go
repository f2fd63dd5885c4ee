// Package outbox decides what each way must still be told, and tells it.
//
// It is two things. The first is pure: [Plan] compares what is true of the
// incidents with what the [Book] says each way was told, and returns the
// difference as tellings; the Book is the fold of journaled tellings and their
// outcomes. Because the difference is taken anew each time, the end of a
// delay, a role change or a restart needs no special case. The second is the
// [Sender], the only caller of notifiers: one attempt a call, by way, the
// outcome comes back as an input of the tracker.
//
// A caller may rely on this: nothing is sent that was not journaled first; a
// closing never overtakes its opening; the same telling keeps its key for ever.
package outbox

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Key names a telling, and is the idempotency key of its message.
type Key string

// A Telling is the decision to tell one way something. It is journaled before
// it is sent.
type Telling struct {
	Key  Key            `json:"key"`
	At   time.Time      `json:"at"`
	Way  config.WayID   `json:"way"`
	Kind notifiers.Kind `json:"kind"`
	// To is the target as its notifier encodes it, so that a closing still
	// finds its way after the way has left the files.
	To    json.RawMessage `json:"to,omitempty"`
	Items []Item          `json:"items"`
	// Replaces are tellings, not delivered yet, that this one makes needless.
	Replaces []Key `json:"replaces,omitempty"`
}

// An Item is one transition of one incident.
type Item struct {
	Incident   incident.ID          `json:"incident"`
	Transition notifiers.Transition `json:"transition"`
	// Bout counts the openings of the incident, Worsened how often it had got
	// worse: what the way knows once this is told.
	Bout     int `json:"bout"`
	Worsened int `json:"worsened,omitempty"`
	// Untold: the opening never arrived, so this closing tells both.
	Untold bool `json:"untold,omitempty"`
}

// DeliveryState says how far a telling has come.
type DeliveryState string

// The states of a delivery.
const (
	Queued   DeliveryState = "queued"
	Sending  DeliveryState = "sending" // an attempt is under way; never journaled
	Retrying DeliveryState = "retrying"
	Sent     DeliveryState = "sent"
	Dead     DeliveryState = "dead"    // cannot be delivered
	Expired  DeliveryState = "expired" // could not be delivered in time
	Replaced DeliveryState = "replaced"
)

// Final reports whether nothing more will happen to the delivery.
func (s DeliveryState) Final() bool {
	return s == Sent || s == Dead || s == Expired || s == Replaced
}

// An Outcome is what one attempt came to, as it is journaled.
type Outcome struct {
	Key      Key               `json:"key"`
	At       time.Time         `json:"at"`
	State    DeliveryState     `json:"state"` // sent, retrying, dead, expired
	Attempts int               `json:"attempts"`
	NextAt   time.Time         `json:"next_at,omitzero"` // of retrying
	Receipt  notifiers.Receipt `json:"receipt,omitzero"`
	Error    opaque.Words      `json:"error,omitzero"`
}

// A Delivery is a telling and what became of it.
type Delivery struct {
	Telling
	State    DeliveryState
	Attempts int
	NextAt   time.Time // when the next attempt is due
	Last     Outcome   // of the last attempt; zero before it
}

// Answer is what the other side last said, or why it could not be asked.
func (d *Delivery) Answer() opaque.Words {
	if d.State == Sent {
		return d.Last.Receipt.Answer
	}
	return d.Last.Error
}

type bookKey struct {
	incident incident.ID
	way      config.WayID
}

// A status is what one way knows of one incident.
type status struct {
	transition notifiers.Transition // opened or closed; empty: nothing
	bout       int
	worsened   int
	at         time.Time // of the telling, reminders included
	key        Key
}

// open reports whether the way believes that the incident is open.
func (s status) open() bool { return s.transition == notifiers.Opened }

// An entry is what a way was told of an incident: told counts what is still on
// its way, sure only what arrived.
type entry struct {
	told, sure status
	thread     notifiers.Receipt // of the first message that arrived
}

// A Book is the fold of tellings and outcomes. It is owned by the tracker and
// changed by Apply, Settle and Begin alone.
type Book struct {
	told       map[bookKey]entry
	deliveries map[Key]*Delivery
	pending    map[Key]*Delivery // not final
	lastOn     map[config.WayID]pulse
	ways       map[incident.ID][]config.WayID // ways that were told of an incident
	byIncident map[incident.ID][]Key
}

// A pulse is the last telling of a way: when, and of how much.
type pulse struct {
	at    time.Time
	items int
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		told:       map[bookKey]entry{},
		deliveries: map[Key]*Delivery{},
		pending:    map[Key]*Delivery{},
		lastOn:     map[config.WayID]pulse{},
		ways:       map[incident.ID][]config.WayID{},
		byIncident: map[incident.ID][]Key{},
	}
}

// Apply folds one journaled telling.
func (b *Book) Apply(t Telling) {
	d := &Delivery{Telling: t, State: Queued, NextAt: t.At}
	b.deliveries[t.Key], b.pending[t.Key] = d, d
	b.lastOn[t.Way] = pulse{at: t.At, items: len(t.Items)}
	for _, item := range t.Items {
		b.note(t, item)
	}
	for _, key := range t.Replaces {
		b.finish(key, Replaced)
	}
}

func (b *Book) note(t Telling, item Item) {
	k := bookKey{item.Incident, t.Way}
	e, known := b.told[k]
	if !known {
		b.ways[item.Incident] = append(b.ways[item.Incident], t.Way)
	}
	e.told = item.status(t)
	b.told[k] = e
	b.byIncident[item.Incident] = append(b.byIncident[item.Incident], t.Key)
}

// status is what a way knows once the item has arrived.
func (i Item) status(t Telling) status {
	s := status{transition: notifiers.Opened, bout: i.Bout, worsened: i.Worsened, at: t.At, key: t.Key}
	if i.Transition == notifiers.Closed {
		s.transition = notifiers.Closed
	}
	return s
}

// Begin marks that an attempt is under way, so that no second one starts and
// no telling overtakes it. It is not journaled: after a crash the delivery is
// due again.
func (b *Book) Begin(key Key) {
	if d, ok := b.pending[key]; ok {
		d.State = Sending
	}
}

// Settle folds one journaled outcome.
func (b *Book) Settle(o Outcome) {
	d, ok := b.pending[o.Key]
	if !ok {
		return
	}
	d.State, d.Attempts, d.NextAt, d.Last = o.State, o.Attempts, o.NextAt, o
	if o.State == Sent {
		b.arrived(d, o.Receipt)
	}
	if o.State.Final() {
		delete(b.pending, o.Key)
	}
}

func (b *Book) arrived(d *Delivery, r notifiers.Receipt) {
	for _, item := range d.Items {
		k := bookKey{item.Incident, d.Way}
		e := b.told[k]
		e.sure = item.status(d.Telling)
		if e.thread.Thread == "" {
			e.thread = r
		}
		b.told[k] = e
	}
}

func (b *Book) finish(key Key, state DeliveryState) {
	if d, ok := b.pending[key]; ok {
		d.State = state
		delete(b.pending, key)
	}
}

// Hurry makes the deliveries that wait on a notifier due at once, since it has
// just answered well.
func (b *Book) Hurry(id config.NotifierID, now time.Time) {
	for _, d := range b.pending {
		if d.Way.Notifier == id && d.State == Retrying && d.NextAt.After(now) {
			d.NextAt = now
		}
	}
}

// Delivery gives a telling and what became of it.
func (b *Book) Delivery(key Key) (*Delivery, bool) {
	d, ok := b.deliveries[key]
	return d, ok
}

// Previous is the receipt that a message about an incident can be put beside.
func (b *Book) Previous(id incident.ID, way config.WayID) notifiers.Receipt {
	return b.told[bookKey{id, way}].thread
}

// Of lists the deliveries that tell of an incident, oldest first.
func (b *Book) Of(id incident.ID) []*Delivery {
	list := make([]*Delivery, 0, len(b.byIncident[id]))
	for _, key := range b.byIncident[id] {
		list = append(list, b.deliveries[key])
	}
	return list
}

// Counts are the deliveries that are under way, and those that are dead.
func (b *Book) Counts() (queued, dead int) {
	for _, d := range b.deliveries {
		switch {
		case d.State == Dead, d.State == Expired:
			dead++
		case !d.State.Final():
			queued++
		}
	}
	return queued, dead
}

// perWay is how many attempts one way may have under way, so that a burst of
// events is not sent one by one and a slow receiver is not flooded.
const perWay = 4

// Due lists the deliveries whose next attempt may start now, oldest first, and
// when to ask again for the others (zero: after the next outcome or telling).
func (b *Book) Due(now time.Time) (due []*Delivery, again time.Time) {
	busy := map[config.WayID]int{}
	for _, d := range b.pending {
		switch {
		case d.State == Sending:
			busy[d.Way]++
		case d.NextAt.After(now):
			if again.IsZero() || d.NextAt.Before(again) {
				again = d.NextAt
			}
		default:
			due = append(due, d)
		}
	}
	slices.SortFunc(due, func(x, y *Delivery) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Key, y.Key)) })
	return slices.DeleteFunc(due, func(d *Delivery) bool {
		busy[d.Way]++
		return busy[d.Way] > perWay
	}), again
}

// Settled reports whether no way is owed anything more about an incident that
// is over.
func (b *Book) Settled(id incident.ID) bool {
	for _, way := range b.ways[id] {
		e := b.told[bookKey{id, way}]
		if b.pending[e.told.key] != nil || e.told.open() && e.sure.open() {
			return false
		}
	}
	return true
}
