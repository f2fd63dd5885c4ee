// Package notifiers owns what a message is and what a channel that carries it
// must do. It knows nothing of checks, policies or who is to be told: by the
// time a [Message] exists, that has been decided and journaled.
//
// A caller may rely on this: a [Notifier] makes one attempt a call, ends with
// its context, never retries on its own, and says through its error whether
// trying again can help ([Permanent]) and when ([RetryAfter]).
//
// README.md beside this file says how to add a channel, in five steps.
package notifiers

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// Settings are what a notifier block says, as plain comparable values
// (pointers, maps and slices would make an unchanged block look changed).
type Settings interface {
	// Kind names the channel, whose traits are Kind().Traits().
	Kind() Kind
	// Open checks what can be checked without I/O and makes the notifier. It
	// belongs to the fallible half of a reload and has no effect of its own.
	Open() (Notifier, error)
	// DecodeTarget reads back a target of this kind that was written as JSON,
	// since a message can outlive the files that named its target.
	DecodeTarget(data []byte) (Target, error)
}

// Relayed are Settings whose messages go through a host that their administrator may
// run, and watch, himself.
type Relayed interface{ Relay() (host string) }

// A PortAdviser is Settings that know which port goes with which encryption.
// PortAdvice says in sentences what does not fit together; empty: nothing.
type PortAdviser interface{ PortAdvice() string }

// Exposed are Settings that may send messages unencrypted. IsExposed reports whether they
// do, to another machine than this.
type Exposed interface{ IsExposed() bool }

// A TargetChecker is Settings that do not suit every target of their kind, such as an incoming
// webhook, which has one room. CheckTarget returns what does not fit together; the error begins
// with the name of the notify block's attribute that it is about.
type TargetChecker interface{ CheckTarget(to Target) error }

// An Adviser is Settings that may be right and of no use yet, as where a program is not there.
// Advice says in sentences what is missing; empty: nothing. It may look at the disk.
type Adviser interface{ Advice() string }

// A Patient is Settings whose attempts may take longer than those of others.
type Patient interface{ Patience() time.Duration }

// Bound are Settings that decide themselves who gets the messages: with another key another team does, with
// another URL another room. Receiver returns what tells two receivers apart; it may be secret. Ends go to the
// receiver that has got the opening, also when the settings have changed meanwhile.
type Bound interface{ Receiver() opaque.Secret }

// A Target is what one notify block adds to its notifier: recipients, a
// channel. Implementations are comparable values.
type Target interface {
	// String names the target for people and is part of the destination's identity;
	// it holds no secret and is the same after a restart.
	String() string
}

// DecodeTarget reads a target of type T; it is all that most Settings need for
// their method of that name.
func DecodeTarget[T Target](data []byte) (Target, error) {
	var to T
	if err := json.Unmarshal(data, &to); err != nil {
		return nil, err
	}
	return to, nil
}

// A Notifier carries messages to targets of its kind. It is used by several
// goroutines at once.
type Notifier interface {
	// Notify makes one attempt. The same m.Key may come again after a crash or
	// an error; receivers that can, drop the double. Where only a part of the
	// recipients could be reached, the receipt says so of each; the error is nil
	// unless some of them are worth another attempt, which then leaves out those
	// in m.Settled.
	Notify(ctx context.Context, to Target, m Message) (Receipt, error)
	// Close releases what Open made (idle connections); calls under way end by
	// their own context.
	Close() error
}

// A Receipt is the proof of delivery that is kept with the incident.
type Receipt struct {
	// Answer is what the other side said: an SMTP reply with its queue id, a
	// Slack timestamp, an SMS sid, an HTTP status. Sanitised, since it is a
	// server's text.
	Answer opaque.Words `json:"answer,omitzero"`
	// Thread lets a later message about the same incident be put beside this
	// one: a Message-ID, a Slack ts. Empty where the channel has no threads.
	Thread string `json:"thread,omitempty"`
	// Recipients say what this attempt came to for each recipient, where a
	// message has several and they were not all answered alike, or the attempt was
	// for one of them alone; also when the attempt as a whole failed.
	Recipients []Recipient `json:"recipients,omitempty"`
}

// A Recipient is what became of a message for one of those whom it is for.
type Recipient struct {
	Address string         `json:"address"`
	State   RecipientState `json:"state"`
	// Answer is what the other side said of this recipient, sanitised.
	Answer opaque.Words `json:"answer,omitzero"`
}

// A RecipientState says how far a message has come for one recipient. The words
// are those of a delivery.
type RecipientState string

// The states of a recipient.
const (
	RecipientSent     RecipientState = "sent"
	RecipientRetrying RecipientState = "retrying" // refused for the time being
	RecipientDead     RecipientState = "dead"     // refused for good
)

// Permanent marks an error that trying again cannot heal (a wrong token, an
// unknown recipient).
func Permanent(err error) error {
	return classify(err, func(c *classified) { c.permanent = true })
}

// RetryAfter marks an error after which another attempt is worth making only
// when so much time has passed: the other side said so, or it would take more
// attempts for an attack.
func RetryAfter(err error, wait time.Duration) error {
	return classify(err, func(c *classified) { c.wait = wait })
}

// Unsure marks an error after which the message may have arrived all the same: it was sent,
// and no answer came.
func Unsure(err error) error {
	return classify(err, func(c *classified) { c.unsure = true })
}

// IsUnsure reports whether err was marked by [Unsure].
func IsUnsure(err error) bool {
	var c *classified
	return errors.As(err, &c) && c.unsure
}

// IsPermanent reports whether err was marked by [Permanent].
func IsPermanent(err error) bool {
	var c *classified
	return errors.As(err, &c) && c.permanent
}

// Wait returns the pause that the other side asked for; 0: it asked for none.
func Wait(err error) time.Duration {
	var c *classified
	if errors.As(err, &c) {
		return c.wait
	}
	return 0
}

type classified struct {
	err       error
	permanent bool
	unsure    bool
	wait      time.Duration
}

// classify adds a mark to those that an error has.
func classify(err error, mark func(*classified)) error {
	c := classified{}
	if had, ok := errors.AsType[*classified](err); ok {
		c = *had
	}
	c.err = err
	mark(&c)
	return &c
}

func (c *classified) Error() string { return c.err.Error() }
func (c *classified) Unwrap() error { return c.err }
