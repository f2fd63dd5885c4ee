package notifiertest

import (
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A Fault is what a receiver does wrong.
type Fault int

// The faults.
const (
	None   Fault = iota
	Stall        // takes what it is sent and says nothing
	HangUp       // closes the connection in the middle
	Busy         // asks to come later: HTTP 429, SMTP 451
	Broken       // has a trouble of its own: HTTP 500, SMTP 421
	Refuse       // will never take this message: HTTP 400, SMTP 550
	Echo         // refuses, and sends back all that it was sent, secrets included
	Rude         // accepts with hostile words: see [HostileWords]
	Scorn        // refuses with hostile words

	// Those below only receivers that speak HTTP know.

	Lie      // refuses in the service's own words, with a status that says success
	Portal   // status 200 with a page to log in on, as hotels and proxies have them
	Mute     // a status that says success, and nothing else
	Redirect // sends the client to another server
	Huge     // says success, and has a body of 100 MB, of which the most comes too late
	GzipBomb // the same in 10 MB, which are 10 GB once they are unpacked
)

// HostileWords are what a server may say to hurt whoever reads it.
const HostileWords = "<!channel> \x1b[2J\x00 <https://evil.example|click> \u202egnp.exe"

// A Received is one message as the receiver got it. The zero Received is a request that
// shows nobody anything.
type Received struct {
	Key  string // the idempotency key, where the channel carries one
	Text string // all that is shown or handed on

	// Thread is what it stands beside, a part of [notifiers.Receipt.Thread]; empty: nothing.
	Thread string
	// Updates is the message that it changes, a part of [notifiers.Receipt.Thread], or
	// another name of it; empty: it is a message of its own.
	Updates string
	// Once is the name by which the receiver drops a message that comes twice, whatever the
	// second one says; empty: it shows both.
	Once string
	// Quiet says that it arrives without a sound.
	Quiet bool
	// Mention are those whom it calls, in the receiver's form; empty: nobody.
	Mention string
}

// A Receiver is the other side of a channel.
type Receiver interface {
	// Behave sets the fault from now on.
	Behave(Fault)
	// Reached yields a value each time that a fault took effect.
	Reached() <-chan struct{}
	// Received gives the messages that were accepted.
	Received() []Received
}

// A Channel is a notifier's settings with the receiver to which they lead.
type Channel struct {
	Settings notifiers.Settings
	Target   notifiers.Target
	// Written is the notify block that Target is made of.
	Written  notifiers.Values
	Receiver Receiver
	// Canary is a secret of the settings.
	Canary string
	// Pause is what Busy asks for; 0 where the protocol has no word for it.
	Pause time.Duration
	// Keyless says that the channel has no place for the idempotency key.
	Keyless bool
	// Abilities are those of these settings, where others of the kind have more; nil: the kind's.
	Abilities *notifiers.Abilities
	// Trusts are the faults that the channel takes for deliveries since no answer of its
	// receivers proves more, with the reason. Only Lie, Portal, Mute, Huge and GzipBomb can be.
	Trusts map[Fault]string
	// LieIsPermanent says that the refusal of Lie is one that no other attempt heals.
	LieIsPermanent bool
}
