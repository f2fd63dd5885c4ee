package notifiers

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Kind is the first label of a notifier block. It stands in the journal.
type Kind string

// A Channel is one kind of notifier: its traits, and what can be written in its
// blocks. Its package declares it, beside its Settings, with [NewChannel].
type Channel struct {
	Kind Kind
	Doc  string // what it is, for the manual, without a full stop
	// Guide is the text of the kind's section in imapvigil-notifiers(7), as mdoc: from the
	// settings of the service, step by step, to the first test message.
	Guide string
	Traits
	Abilities

	Attributes       []Attribute // of a notifier block, beside those that all have
	NotifyAttributes []Attribute // of the notify blocks that use it: whom they reach

	// Settings makes the settings of a notifier block of what is written there.
	Settings func(Values) Settings
	// Targets makes the targets of a notify block, each of which is told on its own.
	Targets func(Values) ([]Target, error)
}

// Traits are what sets a channel apart from others, for those who decide what is
// sent on it, when and how often.
type Traits struct {
	// People says that people read the messages, which are gathered and spaced.
	// Programs get one event a transition, at once.
	People bool
	// Severity is the default of severity in a notify block; empty: "degraded".
	Severity string
	// MaxText is the longest text that is sent; own words of a notifier are held to it.
	MaxText Limit
	// PerHour is the default of max_per_hour in a notifier block; 0: no bound.
	PerHour int
	// Acknowledged says that the receiver is told that a person works on an incident, unless
	// its notify block says otherwise.
	Acknowledged bool
	// Resolves says that an alert stays open at the receiver until that is told the end, which it therefore is
	// whatever its notify block asks for.
	Resolves bool
	// OnlyAnnounced says that nobody is told the end of what he was never told: each message
	// rings. Notify marks an error with [Unsure] where the message may have arrived.
	OnlyAnnounced bool
	// Calls says that a message is a call by telephone. Nobody is called because of an end that is no
	// news: the incident goes on as another one.
	Calls bool
	// Place gives a target's form in which spellings that reach the same people are
	// equal; nil: only the same text is the same place.
	Place func(target string) string
}

// Abilities are what a channel can do beside carrying text, as the table of the manual
// says. Package notifiertest tries each.
type Abilities struct {
	Threads      bool // later messages about an incident stand beside its first one
	Updates      bool // the first message is changed when the incident ends
	DropsDoubles bool // the service drops a message that comes twice
	Acknowledges bool // people can acknowledge within the service
	Mentions     bool // a notify block can name people who are called by it
	Quiet        bool // ends arrive without a sound
	// Proof is what an answer must hold to count as a delivery: "message id".
	Proof string
}

// An Attribute describes what can be written in a block.
type Attribute struct {
	Name     string
	Type     Type
	Required bool
	Default  string // as the manual writes it; empty: none
	Doc      string // one or more sentences, without the last full stop

	Choices  []string      // of a Choice
	Min, Max int           // of a Number
	Shortest time.Duration // of a Span
	Longest  time.Duration // of a Span
	List     bool          // several values of the type, none twice
	NotEmpty bool          // a List of at least one
	Repeats  bool          // a List that keeps its order, in which a value may stand twice

	// Judge says what is wrong with a Template, as a [*wording.Fault] where it has a place.
	Judge func(source string) error
}

// A Type is what an attribute takes.
type Type int

// The types. What is a secret may come from credential and is never shown.
const (
	Text         Type = iota // one line
	Number                   // a whole number from Min to Max
	Bool                     // true or false
	Span                     // a duration, from Shortest to Longest
	Map                      // texts by their names
	Template                 // a text of several lines, in Go's text/template
	Choice                   // one of Choices
	Hostname                 // an IP address, or a DNS name that is looked up
	DomainName               // a name that is told to others and never looked up
	EmailAddress             // RFC 5322 mailbox
	PhoneNumber              // E.164
	People                   // a list of objects of id and name, each in the form of [JoinMap]
	URL                      // https, or http to this machine
	Certificates             // the name of a file; the value is what it holds, in PEM
	Secret                   // a secret of one line
	SecretText               // a text, perhaps of several lines, that may hold a secret
	SecretURL                // a URL that is a secret; without one, http may lead anywhere
	ServiceURL               // a URL that is a secret if it is that of a webhook: https, or http to this machine
	HookURL                  // a URL that is a secret: https, or http to this machine
	Headers                  // of an HTTP request, in the form of httpdo.JoinHeaders; a secret
	SecretMap                // texts by their names, in the form of [JoinMap]; a secret
	SecretURLs               // a list of URLs, in the form of [JoinList]; a secret
)

// IsSecret reports whether values of the type may be secrets.
func (t Type) IsSecret() bool { return t >= Secret }

// A Value is what was written for an attribute, in the field of its type.
type Value struct {
	Text     string
	Number   int
	Bool     bool
	Duration time.Duration
	List     []string
	Map      map[string]string
	Secret   opaque.Secret
}

// Values are what was written in a block, by the names of its attributes.
type Values map[string]Value

// A Row is an attribute and where its value goes.
type Row[T any] struct {
	Attribute
	Set func(*T, Value)
}

// NewChannel completes c with the tables of its two blocks and registers it, so that
// [Kind.Traits] knows it. initial are settings with their defaults.
func NewChannel[S Settings, T any](
	c Channel, settings []Row[S], initial S, notify []Row[T], targets func(T) ([]Target, error),
) Channel {
	c.Attributes, c.NotifyAttributes = attributesOf(settings), attributesOf(notify)
	c.Settings = func(values Values) Settings { return fill(initial, settings, values) }
	c.Targets = func(values Values) ([]Target, error) {
		var none T
		return targets(fill(none, notify, values))
	}
	// The kind stands in the journal, so it must mean one channel.
	if _, twice := registered[c.Kind]; twice {
		panic(fmt.Sprintf("notifiers: two channels are called %q", c.Kind))
	}
	registered[c.Kind] = &c
	return c
}

// attributesOf returns the attributes of a table, without what sets them.
func attributesOf[T any](rows []Row[T]) []Attribute {
	list := make([]Attribute, len(rows))
	for i, row := range rows {
		list[i] = row.Attribute
	}
	return list
}

// fill sets what was written for the rows of a table, and returns the result.
func fill[T any](into T, rows []Row[T], values Values) T {
	for _, row := range rows {
		// An attribute that is not written keeps the default that into has.
		if v, written := values[row.Name]; written {
			row.Set(&into, v)
		}
	}
	return into
}

// registered are the channels of this program. It is only written to while packages
// are initialised, so it needs no lock.
var registered = map[Kind]*Channel{}

// ChannelOf returns the channel of a kind, and whether this program has one.
func ChannelOf(k Kind) (Channel, bool) {
	c, ok := registered[k]
	if !ok {
		return Channel{}, false
	}
	return *c, true
}

// Traits returns the traits of a kind. The journal may hold notifications of a kind
// that this version does not have; they are taken to be for people.
func (k Kind) Traits() *Traits {
	if c, ok := registered[k]; ok {
		return &c.Traits
	}
	return &unknownTraits
}

var unknownTraits = Traits{People: true}

// PlaceOf returns a target in the form that [Traits.Place] describes.
func (t *Traits) PlaceOf(target string) string {
	if t.Place == nil {
		return target
	}
	return t.Place(target)
}
