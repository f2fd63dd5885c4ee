package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// maxBatches bounds what waits to be repeated to one receiver: see [Sender.MayResend].
const maxBatches = 16

var (
	errNewer       = errors.New("a newer message is sent")
	errNotRepeated = errors.New("the notifier cannot repeat messages")
)

// ToRepeat lists the deliveries that told the destinations of an incident its present state, as far
// as they know it: of one that is open, or whose end a destination has yet to hear, the last that
// arrived; of one that is over the one that told its end. A destination to which an
// attempt about it is under way is left out.
func (b *Book) ToRepeat(in *incident.Incident) (list []*Delivery) {
	for i := range b.told[in.ID] {
		e := &b.told[in.ID][i]
		d, known := b.deliveries[e.delivered.key]
		newer := b.pending[e.told.key]
		switch {
		case !known, newer != nil && newer.State == Sending:
		// Also while its end cannot be told, or must not be: what was told stays as it is.
		case e.delivered.open && (in.Open() || newer != nil || e.told.open && !e.told.noClosing):
			list = append(list, d)
		case !e.delivered.open && !in.Open():
			list = append(list, d)
		}
	}
	return list
}

// A lane repeats messages to one receiver, one batch at a time, in a goroutine that ends
// when nothing waits. Its fields belong to the Sender's lock.
type lane struct {
	waiting []batch
	number  int            // of the last batch
	newer   map[string]int // of incidents that a message was sent about: the last batch then
	current batch          // what is being repeated
	cancel  context.CancelCauseFunc
}

// A batch is messages that are repeated with one call.
type batch struct {
	id       config.NotifyID
	to       json.RawMessage
	number   int
	messages []notifiers.Message
}

// Resend repeats messages to the receiver that they went to, and returns at once. It keeps
// out of the way of Send: a message about an incident that is sent later is not followed by the
// repetition of an older one, and waits for none. Where a notifier cannot repeat, has
// left the files, or has as much to do as is let wait, nothing happens.
func (s *Sender) Resend(id config.NotifyID, to json.RawMessage, messages []notifiers.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(messages) == 0 {
		return
	}
	place := Destination(id).place()
	l, running := s.lanes[place]
	if !running {
		l = &lane{newer: map[string]int{}}
		s.lanes[place] = l
		s.running.Go(func() { s.runLane(place, l) })
	}
	if len(l.waiting) >= maxBatches {
		return
	}
	l.number++
	l.waiting = append(l.waiting, batch{id: id, to: to, number: l.number, messages: messages})
}

// MayResend reports whether what is to be repeated on a notifier has room to wait. Where it has none,
// Resend drops it: whoever asks first comes again.
func (s *Sender) MayResend(id config.NotifierID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for place, l := range s.lanes {
		if place.Notifier == id && len(l.waiting) >= maxBatches {
			return false
		}
	}
	return true
}

// supersede keeps what is repeated to a receiver from following a message that is sent to it now.
// s.mu is held.
func (s *Sender) supersede(id config.NotifyID, m notifiers.Message) {
	l := s.lanes[Destination(id).place()]
	if l == nil {
		return
	}
	for _, item := range m.Items {
		l.newer[item.Incident.ID] = l.number
		if l.cancel != nil && l.current.tellsOf(item.Incident.ID) {
			l.cancel(errNewer)
		}
	}
}

func (b batch) tellsOf(incident string) bool {
	return slices.ContainsFunc(b.messages, func(m notifiers.Message) bool { return m.Items[0].Incident.ID == incident })
}

// runLane repeats what waits in a lane. What follows a batch that failed is dropped: it
// would most likely fail, too, and the next time comes soon.
func (s *Sender) runLane(place Destination, l *lane) {
	for {
		b, channel, ctx, ok := s.nextBatch(place, l)
		if !ok {
			return
		}
		err := s.resendBatch(ctx, channel, b)
		l.cancel(nil)
		superseded := errors.Is(context.Cause(ctx), errNewer)
		if err != nil && !superseded {
			s.mu.Lock()
			l.waiting = nil
			s.mu.Unlock()
		}
		if s.Resent != nil && !superseded && s.repeats.Err() == nil {
			s.Resent(b.id.Notifier, err)
		}
	}
}

// nextBatch takes the next batch of a lane, without what newer messages tell of; false: there is
// none, and the lane ends.
func (s *Sender) nextBatch(place Destination, l *lane) (b batch, c Channel, ctx context.Context, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok && len(l.waiting) > 0 && s.repeats.Err() == nil {
		b, l.waiting = l.waiting[0], l.waiting[1:]
		b.messages = slices.DeleteFunc(b.messages, func(m notifiers.Message) bool { return l.newer[m.Items[0].Incident.ID] >= b.number })
		// The channel of today: the settings may have changed since the batch was made.
		c, ok = s.channels[b.id.Notifier]
		ok = ok && len(b.messages) > 0
	}
	if !ok {
		delete(s.lanes, place)
		return b, c, nil, false
	}
	l.current = b
	ctx, l.cancel = context.WithCancelCause(s.repeats)
	return b, c, ctx, true
}

// resendBatch makes one attempt to repeat a batch, and ends whether the notifier does or not.
func (s *Sender) resendBatch(ctx context.Context, c Channel, b batch) error {
	n, able := c.Notifier.(notifiers.BatchResender)
	if !able {
		return errNotRepeated
	}
	_, err := s.bounded(ctx, attemptTimeout, func(ctx context.Context) (notifiers.Receipt, error) {
		target, err := c.Settings.DecodeTarget(b.to)
		if err != nil {
			return notifiers.Receipt{}, fmt.Errorf("reading the target: %w", err)
		}
		return notifiers.Receipt{}, n.Resend(ctx, target, b.messages)
	})
	return err
}
