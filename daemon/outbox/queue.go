package outbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// How many attempts one receiver may have under way. A crash leaves so many messages
// at most of which nobody knows whether they have arrived, and which come again under
// their keys. People get one at a time: the next one starts when the outcome of the
// last is durable. Programs get one event a message, and 10,000 events at a receiver
// that takes 100 ms would take 17 minutes one after the other.
const (
	attemptsToPeople   = 1
	attemptsToPrograms = 16
)

// A queue is what waits to be delivered to one receiver, in the order of decision, and
// some that is final by now.
type queue struct {
	list  []*Delivery
	busy  int // attempts under way
	final int // of the list
}

// dropFinal lets go of what is final: at the front, where it gathers, and everywhere
// when it is most of the list.
func (l *queue) dropFinal() {
	for len(l.list) > 0 && l.list[0].State.Final() {
		l.list = l.list[1:]
		l.final--
	}
	if 2*l.final > len(l.list) {
		l.list = slices.DeleteFunc(l.list, func(d *Delivery) bool { return d.State.Final() })
		l.final = 0
	}
}

// maxAttempts returns how many attempts may be under way at a time. The list must not be
// empty.
func (l *queue) maxAttempts() int {
	if l.list[0].Kind.Traits().People { // all of a receiver are of one kind
		return attemptsToPeople
	}
	return attemptsToPrograms
}

// A Topic is what messages are kept in order about, at each receiver.
type Topic struct {
	Check     config.CheckID
	Condition config.Condition
}

// Due lists the deliveries whose next attempt may start now, oldest first, and
// when to ask again for the others (zero: after the next outcome, notification or
// observation). What hold reports true of waits for an observation. Of one topic
// nothing overtakes what is older: topic gives that of an incident.
func (b *Book) Due(now time.Time, hold func(*Delivery) bool, topic func(incident.ID) Topic) (due []*Delivery, again time.Time) {
	for to, l := range b.queues {
		if l.dropFinal(); len(l.list) == 0 {
			delete(b.queues, to)
			continue
		}
		free, others := l.maxAttempts()-l.busy, len(due)
		for i, d := range l.list {
			if free <= 0 {
				break // whatever else is due, the next outcome comes first
			}
			if d.State.Final() || d.State == Sending || slices.Contains(due[others:], d) {
				continue
			}
			if !d.waitsForAttempt(now) {
				if hold(d) {
					continue
				}
				d = l.nextInOrder(i, hold, topic)
			}
			switch {
			case d.State == Sending || slices.Contains(due[others:], d): // its outcome comes first
			case d.waitsForAttempt(now) && !d.mayTryBefore(l.list[i]):
				if again.IsZero() || d.NextAt.Before(again) {
					again = d.NextAt
				}
			default:
				due, free = append(due, d), free-1
			}
		}
	}
	// A map has no order; messages start in the order of decision.
	slices.SortFunc(due, func(x, y *Delivery) int { return cmp.Compare(x.number, y.number) })
	return due, again
}

// nextInOrder returns the delivery whose turn it is when one of a queue could start:
// itself, or the oldest one that it would overtake. One that is held, as for a role that
// is silenced, holds up nothing.
func (l *queue) nextInOrder(i int, hold func(*Delivery) bool, topic func(incident.ID) Topic) *Delivery {
	d := l.list[i]
	var topics map[Topic]bool // of d, when it is known to be needed
	for j := range i {
		older := l.list[j]
		if older.State.Final() {
			continue
		}
		if topics == nil {
			topics = topicsOf(d, topic)
		}
		if !slices.ContainsFunc(older.Items, func(item Item) bool { return topics[topic(item.Incident)] }) {
			continue
		}
		if older.State == Sending {
			return older
		}
		if !hold(older) {
			return l.nextInOrder(j, hold, topic)
		}
	}
	return d
}

// topicsOf returns the topics that a delivery tells of.
func topicsOf(d *Delivery, topic func(incident.ID) Topic) map[Topic]bool {
	topics := make(map[Topic]bool, len(d.Items))
	for _, item := range d.Items {
		topics[topic(item.Incident)] = true
	}
	return topics
}

// mayTryBefore reports whether a delivery that waits may be tried for the sake of a newer
// one: a new message tries once whether the channel works again, but the turn is
// that of the oldest about its topic. What the other side asked to wait waits.
func (d *Delivery) mayTryBefore(newer *Delivery) bool {
	return d != newer && !d.Last.Held && d.Last.At.Before(newer.At)
}
