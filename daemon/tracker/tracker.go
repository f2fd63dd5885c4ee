// Package tracker owns the state of all incidents. One goroutine holds it;
// everybody else sends inputs and gets answers, so there is no lock and no
// order to guess.
//
// A round takes one input, drains what is queued, lets daemon/incident decide
// what is true and daemon/outbox what must be told, appends all of it to the
// journal at once, and only then answers, hands messages to the sender and
// publishes the new state. Inside a round the state is folded as it is decided;
// nobody can see it before the round is journaled, and a crash loses both.
//
// A caller may rely on this: nothing leaves the machine that the journal does
// not know, unless the journal itself is not durable, which the [Snapshot] says. A
// record that the journal would refuse is looked at before anything comes of it:
// it is not applied, an incident of the condition monitor says so, and its round
// goes on. When the journal's files are lost it gets the whole state.
//
// Where several nodes share one journal, one of them decides. The trackers of the others stand by
// ([Options.Standby]) and fold what it journals, so that each can go on at once. A tracker whose journal
// says that another node decides now ends, and nothing comes of its last round.
package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Journal is where a round is written before anything comes of it.
type Journal interface {
	Append(records ...journal.Record) error
	Replay() iter.Seq2[journal.Record, error]
	Status() journal.Status
	Size() int64
	Compact(state iter.Seq[journal.Record]) error
	// Wanted receives a value when the journal's files are lost and Compact has
	// to be called.
	Wanted() <-chan struct{}
	// Verify looks whether the files are lost.
	Verify()
}

// A Sender starts attempts; what they come to comes back through [Tracker.Attempted].
type Sender interface {
	Send(way config.NotifyID, to json.RawMessage, m notifiers.Message)
}

// Options are what a Tracker works with.
type Options struct {
	Journal Journal
	Sender  Sender
	Rates   outbox.Rates // zero: outbox.DefaultRates
	Node    string       // the name of this machine
	Log     *zap.Logger  // nil: none
	// Feed hears of what was journaled; nil: nobody does.
	Feed Feed
	// Outcomes hears what each attempt to deliver came to, when and as Feed hears of results;
	// nil: nobody does.
	Outcomes func(config.NotifyID, outbox.DeliveryState)
	// LinkToken returns the token of a link with which whoever has the message acknowledges an
	// incident until a time; nil: there are no such links.
	LinkToken func(id incident.ID, sentTo config.RoleID, until time.Time) string
	// ButtonCode returns the value of a button with which whoever reads a message of a notifier
	// acknowledges an incident; nil: there are no such buttons.
	ButtonCode func(id incident.ID, sentBy config.NotifierID) string
	// Resend repeats messages to a receiver that forgets: [outbox.Sender.Resend]. It must return at
	// once; nil: nothing is repeated.
	Resend func(to config.NotifyID, target json.RawMessage, messages []notifiers.Message)
	// MayResend says whether there is room for more on a notifier: [outbox.Sender.MayResend]; nil: always.
	MayResend func(config.NotifierID) bool
	// Wake has a check probed at once; nil: nobody can.
	Wake func(config.CheckID)
	// Clock says what befell the clocks of this machine and this process:
	// [clock.Watch.Read]; nil: nothing ever does.
	Clock func() clock.Reading
	// Standby: the tracker folds what another one decides, see [Tracker.Fold], until [Tracker.Begin].
	// Until then it decides, journals and sends nothing.
	Standby bool
	// Sure is asked before messages are sent whether this tracker is still the one that decides. An
	// error has them wait; journal.ErrReplaced ends Run. nil: it always is.
	Sure func(context.Context) error
	// CompactAt is how large the journal grows, in bytes, before it is written anew; 0: 16 MiB.
	CompactAt int64
	// Mark returns the words for who sees what is found, while this node is alone among several:
	// [incident.Finding.From]. Empty: it is not alone, and after [Tracker.HandOver] what it observes
	// is left to others. nil: there is one node only.
	Mark func() string
	// Successor returns as which incident of a check it goes on by now what this node has handed over to one of
	// them, or that the check is well. It must not wait; nil: nothing is handed over.
	Successor func(check config.CheckID, as incident.ID) (now incident.ID, well bool)
	// Salt makes the ids of the incidents that begin here other than those that another tracker
	// gives the same failures; empty: nobody else decides about them.
	Salt string
	// Jitter gives the random share in [0,1) of a retry's pause, which is
	// journaled with what comes of it; nil: math/rand.
	Jitter func() float64
}

// A Tracker is the one owner of incident state and the only writer of the
// journal.
type Tracker struct {
	Options
	inputs chan input
	done   chan struct{}

	// Owned by Run, and by Open before it.
	cfg       *config.Config // nothing is decided and nothing is sent before the first
	checks    map[config.CheckID]*check
	ledger    ledger
	timed     map[config.CheckID]bool // time alone decides something of it
	book      *outbox.Book
	reports   *outbox.ReportBook
	agenda    agenda
	stuck     map[incident.ID][]outbox.Undelivered
	logged    map[incident.ID][]string // why destinations are not told, as the log says
	channels  channels
	retry     time.Time // when the next delivery is due
	retryNext time.Time // when the next report is
	published publisher
	pacer     *pacer // read by everybody; nil unless it was opened as a standby
	kept      sharer // makes the last results of all checks small
	awaiting  waits
	repeats   repeats

	started      time.Time
	wokenFrom    time.Time            // wakePause before the tracker was made, so that no check was woken too lately
	newest       time.Time            // record in the journal at the start
	calendar     *calendar.Calendar   // of cfg
	dependencies *outbox.Dependencies // of cfg
	silences     map[string]outbox.Silence
	wished       map[topicOfWork]*wished // acknowledgements of another journal

	compactNext time.Time
	renewing    bool      // the journal's files are lost, and it needs all that is known
	refusedAt   time.Time // when the journal last refused a record
	late        []error   // of records that it refused in the round before
	lastRound   time.Time
	standby     bool          // it decides nothing yet
	begun       atomic.Bool   // Begin was called; read by Fold
	finishing   bool          // Finish was called: no attempt begins any more
	forgotten   time.Time     // when the standby last dropped what is old
	sureNext    time.Time     // before it, Sure is not asked again
	handedOver  bool          // and not alone since
	ended       error         // what callers are told, once done is closed
	clock       clock.Reading // in that round
}

// Open makes a Tracker and folds the journal into its state.
func Open(o Options) (*Tracker, error) {
	if o.Rates == (outbox.Rates{}) {
		o.Rates = outbox.DefaultRates
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Clock == nil {
		o.Clock = clock.Undisturbed
	}
	t := &Tracker{
		Options:  o,
		clock:    o.Clock(),
		inputs:   make(chan input, maxRound),
		done:     make(chan struct{}),
		cfg:      unconfigured,
		checks:   map[config.CheckID]*check{},
		ledger:   newLedger(),
		timed:    map[config.CheckID]bool{},
		book:     outbox.NewBook(),
		reports:  outbox.NewReportBook(),
		awaiting: waits{},
		agenda:   newAgenda(),
		stuck:    map[incident.ID][]outbox.Undelivered{},
		logged:   map[incident.ID][]string{},
		channels: newChannels(),

		published: newPublisher(),

		standby: o.Standby, ended: ErrStopped,
		started:   time.Now(),
		wokenFrom: time.Now().Add(-wakePause),
		calendar:  calendar.New(unconfigured), dependencies: outbox.NewDependencies(unconfigured),
		silences: map[string]outbox.Silence{}, wished: map[topicOfWork]*wished{},
	}
	t.published.next.Config = unconfigured
	if t.standby {
		t.pacer = newPacer()
	}
	if err := t.replay(); err != nil {
		return nil, fmt.Errorf("replaying the journal: %w", err)
	}
	if !t.standby {
		t.findBrokenUnnoted()
	}
	return t, nil
}

// unconfigured is the configuration before the first: what the journal still
// owes to people cannot be put into words, nor sent, before the files are read.
var unconfigured = &config.Config{}

func (t *Tracker) configured() bool { return t.cfg != unconfigured }
