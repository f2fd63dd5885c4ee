package outbox

import (
	"cmp"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// The retry rules that users can count on.
const (
	firstPause    = time.Second
	longestPause  = 15 * time.Minute
	giveUpAfter   = 72 * time.Hour
	poisonRetries = 3
	shortestPace  = 100 * time.Millisecond // a notifier that asks for less is asked again and again
)

// Backoff returns the pause after the given number of failed attempts (1 and up): full
// jitter, a random share in [0,1) of an exponential bound from 1 s to 15 min.
func Backoff(attempts int, share float64) time.Duration {
	bound := longestPause
	// From 2^10 s on (17 minutes) the bound is longestPause; a shift without end would
	// overflow.
	if shift := attempts - 1; shift < 10 {
		bound = min(firstPause<<max(shift, 0), longestPause)
	}
	return time.Duration(share * float64(bound))
}

// Conclude decides what an attempt means for its delivery. It is pure; share
// is the random number of the jitter. The last attempt is made when giveUpAfter
// is over, however long the other side asked to wait.
func Conclude(d Delivery, r notifiers.Receipt, err error, at time.Time, share float64) Outcome {
	if notifiers.IsPaced(err) && at.Before(d.givenUpAt()) {
		return postpone(d, at.Add(max(notifiers.Wait(err), shortestPace)), at)
	}
	return withRecipients(concludeAll(d, r, err, at, share), d.Last.Receipt, r)
}

// concludeAll decides what an attempt means for a message as a whole, whatever its
// recipients were answered one by one.
func concludeAll(d Delivery, r notifiers.Receipt, err error, at time.Time, share float64) Outcome {
	o := Outcome{Key: d.Key, At: at, State: Sent, Attempts: d.Attempts + 1, Receipt: r}
	if err == nil {
		return o
	}
	o.Error, o.Receipt = opaque.Sanitise(err.Error()), notifiers.Receipt{}
	o.Unsure = d.Last.Unsure || notifiers.IsUnsure(err)
	// One after the other: what a captive portal or a proxy says in the middle of an outage is
	// no verdict on the message.
	if notifiers.IsPermanent(err) {
		o.Poisoned = d.Last.Poisoned + 1
	}
	end := d.givenUpAt()
	switch {
	case o.Poisoned >= poisonRetries:
		o.State = Dead
	case !at.Before(end):
		o.State = Expired
	default:
		wait := notifiers.Wait(err)
		o.State, o.Held = Retrying, wait > 0
		o.NextAt = at.Add(max(Backoff(o.Attempts, share), wait))
		if o.NextAt.After(end) {
			o.NextAt = end
		}
	}
	return o
}

// givenUpAt returns when the last attempt is made.
func (d *Delivery) givenUpAt() time.Time { return d.At.Add(cmp.Or(d.patience, giveUpAfter)) }

// postpone returns the outcome of a call that sent nothing, because the receiver would get more than
// it takes: what is known of the delivery stays, and no attempt is counted.
func postpone(d Delivery, until, at time.Time) Outcome {
	o := d.Last
	o.Key, o.At, o.Attempts, o.NextAt, o.Held = d.Key, at, d.Attempts, until, true
	// Nothing has failed where no attempt was made.
	o.State = Queued
	if o.Attempts > 0 {
		o.State = Retrying
	}
	if end := d.givenUpAt(); o.NextAt.After(end) {
		o.NextAt = end
	}
	return o
}
