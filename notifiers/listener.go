package notifiers

import "context"

// A Listener is a Notifier to which people can answer: a button of a message acknowledges. The
// daemon has one call of Listen running for as long as the notifier is in the files as it is.
type Listener interface {
	// Listen hears of presses until ctx ends, and then returns soon. It returns an error when the
	// service cannot be heard: [Permanent] where time does not heal that, [RetryAfter] where the
	// service says how long to wait. The caller begins again after a pause; Listen need not try by
	// itself what failed. No alarm depends on it.
	//
	// What acknowledge returns is for whoever pressed, in plain text. It is an error unless this
	// press has acknowledged; the words say so then, too.
	Listen(ctx context.Context, acknowledge func(ctx context.Context, p Press) (words string, err error)) error
}

// An Aimed Notifier wants to know where its messages go, before there are any: a press that comes
// from elsewhere is not for it. Aim is called with the targets of all notify blocks that use it,
// again after each reload; it does no I/O.
type Aimed interface{ Aim(targets []Target) }

// A Press is that somebody pressed the button of a message. Who may press has been looked at by the
// channel; what the code is worth has not.
type Press struct {
	Code string // the [Incident.AcknowledgeCode] of the message, as it came back
	By   string // who it was, as the service knows them; empty: it does not say
	Via  string // the service, as people call it: "Slack"
	// Monitor is the [Message.Monitor] of the message, where the button names it; else empty.
	Monitor string
}
