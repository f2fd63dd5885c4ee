package verdict

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Probe is one probe of a check before it is judged: its conversations, and what
// else is known of the check at the time. It is a value; only daemon/selfcheck
// adds its marks to it.
type Probe struct {
	Check config.CheckID
	// Target is host:port as configured when the probe ran.
	Target string
	// Started is when the probe began, Ended when it was over; both carry the
	// monotonic clock of this process.
	Started, Ended time.Time
	// Conversations are those with each address, in the order of the name's
	// addresses. Where the name could not be looked up there is one without an
	// address, which failed in the phase dns.
	Conversations []Conversation
	// Logins are what is known of logins that were not tried in this probe.
	Logins Logins
	// SilentRecord is the record, "A" or "AAAA", that DNS did not answer for while it
	// answered for the other one, if no address of its family was tried; else "".
	SilentRecord string
	// Notes are remarks that are no failure, beside those of each conversation.
	Notes []incident.Note
}

// A Conversation is what one IMAP session with one address came to.
type Conversation struct {
	// Address is with whom it was, and what was measured. Its verdict (Health,
	// Phase, Cause, Hint, Evidence) is empty until [Judge] fills it in a copy.
	Address incident.Address
	// InDNS: DNS has the address now. Else it failed before, and is probed until it
	// is well or was gone for long enough.
	InDNS bool
	// LeftOut: this machine has no route for the family. It counts only where there
	// is nothing else.
	LeftOut bool

	// Failure is what ended it early; nil: it came to its end. Its Health is Unknown
	// where this machine could not hold the conversation at all.
	Failure *incident.Finding
	// Findings are what is wrong and did not end it.
	Findings []incident.Finding
	Notes    []incident.Note

	Login        Login // how the login ended
	BrokenBefore bool  // the service failed at the last login at this address

	Verified bool // TLS was completed, so that the certificate is judged
	Capable  bool // the capabilities are known
	// Late is by how much this process was late while the conversation was held; its
	// timings may be too long by as much.
	Late time.Duration

	// Unknown is why what it found is not believed; nil: it is.
	Unknown *Mark
	// Doubt is what could not be ruled out as the reason of its failure.
	Doubt Doubt
}

// Logins are what is known of the logins of a check that were not tried in a probe.
type Logins struct {
	// Paused: one was due, and has to wait after rejections of its account.
	Paused bool
	// NeverTried: no login of the check was ever tried.
	NeverTried bool
	// BadElsewhere: at another address the account was in trouble when its login was
	// tried last; BrokenElsewhere: the service failed there.
	BadElsewhere, BrokenElsewhere bool
}

// Login is how the login of a conversation ended.
type Login uint8

// The ends of a login.
const (
	NoLogin       Login = iota // not due, or its end says nothing
	LoginUntried               // due, but the account's turn was never ours
	LoginPaused                // the account has to wait after rejections
	LoginHeard                 // paused, and the rejection is taken from another check of the account
	LoginGood                  // logged in, and the mailbox as well where there is one
	LoginRejected              // refused in a way that repeated may get the monitor banned
	LoginFailed                // another trouble with the account
	LoginBroken                // the service failed at the login or the mailbox
)

// Tried reports whether the server was asked.
func (l Login) Tried() bool { return l >= LoginGood }

// Bad reports whether the account was observed to be in trouble.
func (l Login) Bad() bool { return l == LoginRejected || l == LoginFailed || l == LoginHeard }
