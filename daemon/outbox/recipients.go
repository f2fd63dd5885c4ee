package outbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// withRecipients folds what an attempt came to for each recipient into what is
// known of them from earlier ones: an Outcome says it of all, so that the last one
// of a delivery is enough. A message that somebody has got is sent, also when
// others can never get it; those are listed as dead, and their opening counts as
// undelivered (see [planner.undeliveredSince]).
func withRecipients(o Outcome, before, r notifiers.Receipt) Outcome {
	all := slices.Clone(before.Recipients)
	for _, said := range r.Recipients {
		i := slices.IndexFunc(all, func(known notifiers.Recipient) bool { return known.Address == said.Address })
		if i < 0 {
			all = append(all, said)
			continue
		}
		all[i] = said
	}
	if len(all) == 0 {
		return o
	}
	answeredAlike := len(r.Recipients) == 0 // those whom this attempt was for
	for i := range all {
		one := &all[i]
		if one.State != notifiers.RecipientRetrying {
			continue
		}
		if answeredAlike {
			one.Answer = o.Error
		}
		switch {
		case answeredAlike && o.State == Sent:
			one.State, one.Answer = notifiers.RecipientSent, r.Answer
		case o.State.Final():
			one.State = notifiers.RecipientDead
		}
	}
	o.Receipt.Recipients = all
	if countRecipients(all, notifiers.RecipientSent) > 0 {
		o.Receipt.Thread = cmp.Or(r.Thread, before.Thread)
	}
	if o.State.Final() && countRecipients(all, notifiers.RecipientSent) > 0 {
		o.State, o.NextAt, o.Held, o.Error = Sent, time.Time{}, false, opaque.Words{}
		o.Receipt.Answer = summariseAnswers(all, r)
	}
	return o
}

// summariseAnswers returns the answer to the last attempt, and adds those who were
// refused before it or given up with it.
func summariseAnswers(all []notifiers.Recipient, r notifiers.Receipt) opaque.Words {
	text := r.Answer.String()
	if r.Answer.IsZero() {
		text = fmt.Sprintf("%d of %d recipients got it", countRecipients(all, notifiers.RecipientSent), len(all))
	}
	for _, one := range all {
		named := slices.ContainsFunc(r.Recipients, func(said notifiers.Recipient) bool { return said.Address == one.Address })
		if one.State == notifiers.RecipientDead && (r.Answer.IsZero() || !named) {
			text += "; refused: " + one.Address + ": " + one.Answer.String()
		}
	}
	return opaque.Sanitise(text)
}

// countRecipients returns how many recipients are in a state.
func countRecipients(all []notifiers.Recipient, state notifiers.RecipientState) (n int) {
	for _, one := range all {
		if one.State == state {
			n++
		}
	}
	return n
}

// Recipients say what became of the message for each recipient, where they were not
// all answered alike.
func (d *Delivery) Recipients() []notifiers.Recipient { return d.Last.Receipt.Recipients }

// Refused lists the recipients who will never get the message.
func (d *Delivery) Refused() (refused []notifiers.Recipient) {
	for _, one := range d.Recipients() {
		if one.State == notifiers.RecipientDead {
			refused = append(refused, one)
		}
	}
	return refused
}

// Settled lists the recipients whom the next attempt leaves out, see
// [notifiers.Message]: those who have got the message, and those refused for good as
// long as another one waits. When all are refused for good, all are asked again, as
// often as a message that was refused as a whole.
func (d *Delivery) Settled() (addresses []string) {
	all := d.Recipients()
	waits := countRecipients(all, notifiers.RecipientRetrying) > 0
	for _, one := range all {
		if one.State == notifiers.RecipientSent || one.State == notifiers.RecipientDead && waits {
			addresses = append(addresses, one.Address)
		}
	}
	return addresses
}
