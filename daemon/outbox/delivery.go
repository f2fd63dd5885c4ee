package outbox

import (
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// DeliveryState says how far a notification has come.
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

// DeliveryStates lists the states, in the order of a delivery's life.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{Queued, Sending, Retrying, Sent, Dead, Expired, Replaced}
}

// Final reports whether nothing more will happen to the delivery.
func (s DeliveryState) Final() bool {
	return s == Sent || s == Dead || s == Expired || s == Replaced
}

// An Outcome is what one attempt came to, as it is journaled. One that sent nothing because of the
// pace of its receiver is not journaled: see [notifiers.Paced].
type Outcome struct {
	Key      Key           `json:"key"`
	At       time.Time     `json:"at"`
	State    DeliveryState `json:"state"` // sent, retrying, dead, expired
	Attempts int           `json:"attempts"`
	NextAt   time.Time     `json:"next_at,omitzero"` // of retrying
	// Held: the other side said when to come again, which nothing may hurry.
	Held bool `json:"held,omitempty"`
	// Poisoned counts the attempts, this one and those right before it, that failed in a way that
	// trying again cannot heal.
	Poisoned int `json:"poisoned,omitempty"`
	// Unsure: the message may have arrived with this attempt or an earlier one.
	Unsure  bool              `json:"unsure,omitempty"`
	Receipt notifiers.Receipt `json:"receipt,omitzero"`
	// Receiver is the mark of who has got it, where the settings of the notifier decide that.
	Receiver string       `json:"receiver,omitempty"`
	Error    opaque.Words `json:"error,omitzero"`
	// DismissedAt is when somebody, DismissedBy, decided that a delivery that was given up
	// needs no more attention; zero: nobody did.
	DismissedAt time.Time `json:"dismissed_at,omitzero"`
	DismissedBy string    `json:"dismissed_by,omitempty"`
}

// A Delivery is a notification and what became of it.
type Delivery struct {
	Notification
	State    DeliveryState
	Attempts int
	NextAt   time.Time // when the next attempt is due
	Last     Outcome   // of the last attempt; zero before it

	number int // of the notification, counted by the book
	// patience is how long after the decision it is given up; 0: giveUpAfter.
	patience time.Duration
}

// Number returns the number of the notification, which its book counts from 1.
func (d *Delivery) Number() int { return d.number }

// Answer returns what the other side last said, or why it could not be asked.
func (d *Delivery) Answer() opaque.Words {
	if d.State == Sent {
		return d.Last.Receipt.Answer
	}
	return d.Last.Error
}

// wasGivenUp reports whether no attempt will be made any more and none has succeeded.
func (d *Delivery) wasGivenUp() bool { return d.State == Dead || d.State == Expired }

// Neglected reports whether the delivery was given up and nobody has dismissed it: people
// should know of it.
func (d *Delivery) Neglected() bool { return d.wasGivenUp() && d.Last.DismissedAt.IsZero() }

// waitsForAttempt reports whether the next attempt is not due yet. When the last thing
// that happened to the delivery lies ahead, a clock has been set back meanwhile,
// and nothing that was counted on it is worth waiting for.
func (d *Delivery) waitsForAttempt(now time.Time) bool {
	last := d.At
	if !d.Last.At.IsZero() {
		last = d.Last.At
	}
	return d.NextAt.After(now) && !last.After(now)
}
