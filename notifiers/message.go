package notifiers

import (
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Transition is what a message tells about an incident. The words are those
// of a notify block's `on` and of the webhook's type.
type Transition string

// The transitions.
const (
	Opened    Transition = "opened"
	Changed   Transition = "changed"
	Closed    Transition = "closed"
	Reminder  Transition = "reminder"
	Escalated Transition = "escalated"
	Test      Transition = "test"
	// Acknowledged says that a person works on the incident.
	Acknowledged Transition = "acknowledged"
)

// A Message is what one notification says to one destination: about one incident
// where programs read, about one or more where people do. The words are chosen by the
// notifier; [Message.Subject] and [Message.Text] are what all channels share.
type Message struct {
	// Key is the idempotency key: the same on every attempt, different for
	// every message.
	Key string
	// At is when it was decided to tell this.
	At time.Time
	// Role is the id of the role that is told, RoleLabel what people call it.
	Role, RoleLabel string
	// Monitor names the machine that watches.
	Monitor string
	// Zone is where the people are who read it; nil: UTC.
	Zone *time.Location
	// Items are what is told, in the order in which it happened; exactly one
	// where programs read, none in a test message. [Message.Arranged] puts them in the
	// order in which people read them.
	Items []Item
	// TestEvery says how often such a test message comes, "week" or "month"; empty: somebody
	// asked for it.
	TestEvery string
	// Report is what a message is about that has no Items; nil: it is about incidents, or a test.
	Report *Report
	// Settled are the addresses of recipients, as in [Receipt.Recipients], for
	// whom an earlier attempt has sent this message or was refused for good.
	Settled []string
	// MentionSeverity is "down" where degraded incidents mention nobody; see [Message.MayMention].
	MentionSeverity string
	// Previous is Items[0].Thread.First.
	Previous Receipt
	// Own are the words of the notifier's own templates; [Message.Subject] and its like
	// return them.
	Own Words
}

// IsTest reports whether m is a test message, which is about no incident and no period.
func (m Message) IsTest() bool { return len(m.Items) == 0 && m.Report == nil }

// An Item is one transition of one incident.
type Item struct {
	Transition Transition
	Incident   Incident
	// OpeningUntold marks a closing whose opening this destination never got: the
	// one message has to say both.
	OpeningUntold bool
	// Earlier are incidents of the same check and condition whose end the same message
	// tells; [Message.Arranged] puts them here.
	Earlier []Incident
	// Thread is what has arrived at this destination about the incident.
	Thread Thread
}

// A Thread is the messages about one incident that have arrived at one destination. It is kept
// with the incident, through a restart, too.
type Thread struct {
	// First is the receipt of the first message whose receipt had a thread, and Last of the last
	// one: zero where no message has arrived, and without a thread where no receipt had one.
	First, Last Receipt
	// Alone says that the first message told of this incident alone: what is written of its end
	// can take the message's place.
	Alone bool
	// Receivers are the marks of those that got a message of what is open, each behind a space, where
	// the Settings are [Bound]; they are for who sends.
	Receivers string
}

// An Incident is what a message says about an incident: the state as it was
// when the message was decided.
type Incident struct {
	ID          string
	Check       string
	Label       string
	Server      string // id; empty for a check outside servers
	ServerLabel string
	Groups      []string // names, outermost first
	GroupLabels []string // what people call them
	Description string
	Runbook     string

	Condition string // service, certificate, ...
	Severity  string // degraded, down
	State     string // open, acknowledged, closed
	ClosedAs  string // recovered, removed, paused, changed, handed over, merged; empty while open
	HandedTo  string // the node that decides now, where it was handed over
	HandedAs  string // the id of the incident as which it goes on there; empty: there is none, as far as is known
	// HandedWell says that the node to which it was handed over sees the check well: also where it went on there.
	HandedWell bool

	// Acknowledgement says by whom, until when and why, where State is acknowledged.
	Acknowledgement Acknowledgement

	Phase     string
	Cause     string // its fixed word
	CauseText string // the same in plain words; empty: nobody knows them
	Hint      string
	Evidence  opaque.Words // the server's last words

	Host     string // as configured
	Port     int
	Security string
	Address  string // the address that was probed, where there is one
	Node     string // the machine that saw it
	// From says which of several nodes see it: "2 of 3 nodes: frankfurt, london". Empty: there is one.
	From string

	// Affected are the checks that fail because of this one, and are told of
	// here alone.
	Affected []string

	StartedAt time.Time
	// AgainAt is when an incident that had ended began anew: what people are
	// told counts from then; zero: it never ended.
	AgainAt    time.Time
	ReportedAt time.Time
	EndedAt    time.Time // zero while open

	URL string // where to read more; empty: there is no such page
	// AcknowledgeURL is where a person acknowledges without a login: whoever has it may do that
	// and nothing else. Empty: there is no such page.
	AcknowledgeURL string
	// AcknowledgeCode is the value of a button that acknowledges, where the service itself brings
	// back that it was pressed ([Listener]): at most 60 bytes of ASCII. Empty: there is nothing to
	// acknowledge.
	AcknowledgeCode string
}

// An Acknowledgement is what is known of the person who works on an incident.
type Acknowledgement struct {
	By, Reason string    // either may be empty
	Until      time.Time // zero: until the incident ends
}

// currentEpisode returns the incident as if it had begun when it last began anew:
// what people are told counts from then.
func (i Incident) currentEpisode() Incident {
	if !i.AgainAt.IsZero() {
		i.StartedAt = i.AgainAt
	}
	return i
}

// Duration returns how long the failure lasted, or has lasted at the given time.
func (i Incident) Duration(now time.Time) time.Duration {
	end := now
	if !i.EndedAt.IsZero() {
		end = i.EndedAt
	}
	return max(0, end.Sub(i.StartedAt))
}
