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
package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
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

// maxRound is the most inputs that one round, and so one fsync, takes.
const maxRound = 4096

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
	// Wake has a check probed at once; nil: nobody can.
	Wake func(config.CheckID)
	// Clock says what befell the clocks of this machine and this process:
	// [clock.Watch.Read]; nil: nothing ever does.
	Clock func() clock.Reading
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
	cfg    *config.Config // nothing is decided and nothing is sent before the first
	checks map[config.CheckID]*check
	ledger map[incident.ID]*record
	active map[incident.ID]*record          // live, or some way is owed something
	about  map[config.CheckID][]incident.ID // the active ones of a check
	timed  map[config.CheckID]bool          // time alone decides something of it
	book   *outbox.Book
	agenda agenda
	stuck  map[incident.ID][]outbox.Undelivered
	logged map[incident.ID][]string                 // why destinations are not told, as the log says
	broken map[config.NotifierID]outbox.Undelivered // no delivery since
	worked map[config.NotifierID]time.Time          // when it last delivered
	noted  bool                                     // the journal knows what is broken
	// withdrawn: the last one that was broken has left the files.
	withdrawn bool
	holding   map[config.NotifierID]bool // have used up their max_per_hour
	retry     time.Time                  // when the next delivery is due
	published publisher
	kept      sharer // makes the last results of all checks small
	awaiting  map[config.CheckID][]awaited

	started      time.Time
	newest       time.Time            // record in the journal at the start
	calendar     *calendar.Calendar   // of cfg
	dependencies *outbox.Dependencies // of cfg
	silences     map[string]outbox.Silence

	compactNext time.Time
	renewing    bool      // the journal's files are lost, and it needs all that is known
	refusedAt   time.Time // when the journal last refused a record
	late        []error   // of records that it refused in the round before
	lastRound   time.Time
	clock       clock.Reading // in that round
}

// A check is what is known of one check while this process runs.
type check struct {
	state   incident.State
	last    *incident.Result  // of the last probe; nil before it
	since   time.Time         // of the current health, when nothing is live
	fresh   config.Conditions // found failing since the start, or the last suspend
	unknown bool              // the last probe could not judge
	served  bool              // the service was observed since the start
	woken   time.Time         // when it was probed for the sake of another

	place   int  // among the published checks, from 1; 0: it is not in the files
	changed bool // since the last snapshot
}

// A record is an incident with its events, as `incidents` shows it.
type record struct {
	incident incident.Incident
	events   []incident.Event

	place   int  // among the published incidents, from 1
	changed bool // since the last snapshot
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
		ledger:   map[incident.ID]*record{},
		active:   map[incident.ID]*record{},
		about:    map[config.CheckID][]incident.ID{},
		timed:    map[config.CheckID]bool{},
		book:     outbox.NewBook(),
		awaiting: map[config.CheckID][]awaited{},
		agenda:   newAgenda(),
		stuck:    map[incident.ID][]outbox.Undelivered{},
		logged:   map[incident.ID][]string{},
		broken:   map[config.NotifierID]outbox.Undelivered{},
		worked:   map[config.NotifierID]time.Time{},
		holding:  map[config.NotifierID]bool{},

		published: newPublisher(),

		started:  time.Now(),
		calendar: calendar.New(unconfigured), dependencies: outbox.NewDependencies(unconfigured),
		silences: map[string]outbox.Silence{},
	}
	t.published.next.Config = unconfigured
	if err := t.replay(); err != nil {
		return nil, fmt.Errorf("replaying the journal: %w", err)
	}
	t.breakOfBefore()
	return t, nil
}

// Run handles inputs until ctx ends, and then what is still queued.
func (t *Tracker) Run(ctx context.Context) error {
	defer close(t.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var batch []input
		select {
		case in := <-t.inputs:
			batch = append(batch, in)
		case <-timer.C:
		case <-t.Journal.Wanted():
			t.renewing = true
		case <-ctx.Done():
			for batch = t.drain(nil); len(batch) > 0; batch = t.drain(nil) {
				t.round(batch, time.Now())
			}
			t.leaveJournal()
			return nil
		}
		t.round(t.drain(batch), time.Now())
		timer.Reset(t.pause(time.Now()))
	}
}

func (t *Tracker) drain(batch []input) []input {
	for len(batch) < maxRound {
		select {
		case in := <-t.inputs:
			batch = append(batch, in)
		default:
			return batch
		}
	}
	return batch
}

// unconfigured is the configuration before the first: what the journal still
// owes to people cannot be put into words, nor sent, before the files are read.
var unconfigured = &config.Config{}

func (t *Tracker) configured() bool { return t.cfg != unconfigured }

// pause is how long the tracker may sleep when nothing comes in.
func (t *Tracker) pause(now time.Time) time.Duration {
	const longest = time.Hour
	if !t.configured() {
		return longest
	}
	next := t.agenda.due(now)
	for id := range t.timed {
		if due := incident.Due(t.state(id)); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	if due := t.retry; !due.IsZero() && (next.IsZero() || due.Before(next)) {
		next = due
	}
	if next.IsZero() {
		return longest
	}
	return min(longest, max(0, next.Sub(now)))
}

// A round is what one batch of inputs comes to.
type round struct {
	now     time.Time
	records []journal.Record
	refused []error       // one for each record that cannot be kept
	looked  []incident.ID // whether they must be told; kept for a log that shows everything
	replies []func()
	// For the feed, if there is one.
	results []incident.Result
	events  []incident.Event
}

func (t *Tracker) round(batch []input, now time.Time) {
	r := &round{now: now}
	t.noticeSuspend(now)
	for _, in := range batch {
		in(t, r)
	}
	var notifications []outbox.Notification
	if t.configured() {
		t.tick(r)
		notifications = t.plan(r)
		t.reportRefused(r)
	}
	t.persist(r)
	for _, telling := range notifications {
		t.told(telling)
	}
	t.logHeld(r)
	if t.configured() {
		t.send(r.now)
	}
	t.compact(r.now)
	for _, reply := range r.replies {
		reply()
	}
	t.feed(r)
}

// persist appends the round to the journal, all that can be kept.
func (t *Tracker) persist(r *round) {
	if len(r.records) == 0 {
		return
	}
	err := t.Journal.Append(r.records...)
	var refused *journal.RefusedError
	if errors.As(err, &refused) { // although it seemed to fit; the next round reports it
		t.late = append(t.late, refused)
	}
	switch {
	case errors.Is(err, journal.ErrNotDurable):
		t.Log.Error("the journal is not durable; alarms go on from memory", zap.Error(err))
	case err != nil:
		t.Log.Error("the journal did not take a record", zap.Error(err))
	}
}

// tick lets time decide, where it can.
func (t *Tracker) tick(r *round) {
	for id := range t.timed {
		state := t.state(id)
		switch due := incident.Due(state); {
		case due.IsZero():
			delete(t.timed, id)
		case !due.After(r.now):
			t.happen(r, incident.Tick(t.policy(id), state, r.now))
		}
	}
}

// send starts the attempts that are due. The journal knows each of them.
func (t *Tracker) send(now time.Time) {
	var due []*outbox.Delivery
	var w *outbox.World // in most rounds nothing is due, and it is not needed
	due, t.retry = t.book.Due(now, func(d *outbox.Delivery) bool {
		if w == nil {
			w = new(t.surroundings())
		}
		return t.holds(w, d, now)
	}, t.topic)
	for _, d := range due {
		t.book.Begin(d.Key)
		t.published.deliveryChanged(d)
		m := t.message(d)
		if m.IsTest() { // a damaged journal has lost what it tells of
			t.Log.Error("a message tells of incidents that are not known; it is not sent", zap.String("key", m.Key))
			t.settle(outbox.Outcome{Key: d.Key, At: now, State: outbox.Dead})
			continue
		}
		t.Sender.Send(d.NotifyID, d.To, m)
	}
}

// holds reports whether a delivery must not be sent just now.
func (t *Tracker) holds(w *outbox.World, d *outbox.Delivery, now time.Time) bool {
	w.Subjects = nil
	for _, item := range d.Items {
		if rec, known := t.ledger[item.Incident]; known {
			t.addSubject(w, rec.incident, now)
		}
	}
	return w.Holds(d, now)
}

// known gives what is known of a check, from now on.
func (t *Tracker) known(id config.CheckID) *check {
	c, ok := t.checks[id]
	if !ok {
		c = &check{place: placeIn(t.published.next.roster, id)}
		t.checks[id] = c
	}
	return c
}

// fresh: it was found failing since the start, or the last suspend. Of itself the monitor always
// knows, except for whether messages arrive: that it has to try first.
func (t *Tracker) fresh(id incident.ID) bool {
	rec, ok := t.ledger[id]
	switch {
	case ok && rec.incident.Check == Messages.check():
		return t.lastRound.Sub(t.started) >= outbox.FallbackAfter
	case !ok || isTrouble(rec.incident.Check):
		return true
	}
	c, ok := t.checks[rec.incident.Check]
	return ok && c.fresh.Has(rec.incident.Condition)
}

// topic is what messages about an incident are kept in order by. One that is not
// known stands for itself.
func (t *Tracker) topic(id incident.ID) outbox.Topic {
	if rec, ok := t.ledger[id]; ok {
		return outbox.Topic{Check: rec.incident.Check, Condition: rec.incident.Condition}
	}
	return outbox.Topic{Condition: config.Condition(id)}
}

func (t *Tracker) open(id incident.ID) bool {
	rec, ok := t.ledger[id]
	return ok && rec.incident.Open()
}

func (t *Tracker) state(id config.CheckID) incident.State {
	if c, ok := t.checks[id]; ok {
		return c.state
	}
	return incident.State{}
}

func (t *Tracker) policy(id config.CheckID) config.Policy {
	if c, ok := t.cfg.Checks[id]; ok {
		return c.Policy
	}
	return config.Policy{}
}

// happen folds events and has them journaled with the round. It returns false
// when one cannot be journaled: that one has not happened.
func (t *Tracker) happen(r *round, events []incident.Event) bool {
	all := true
	for _, e := range events {
		e = boundEvent(e)
		if !r.add(kindIncident+string(e.Kind), e.At, e) {
			all = false
			continue
		}
		t.fold(e)
		t.log(e)
		if t.Feed != nil {
			r.events = append(r.events, e)
		}
	}
	return all
}

// fold is what replay does too: it decides nothing.
func (t *Tracker) fold(e incident.Event) {
	if from, ok := t.checks[e.From]; ok && e.Kind == incident.Moved {
		from.state = from.state.Without(e.Condition)
		t.published.checkChanged(from)
	}
	c := t.known(e.Check)
	c.state = incident.Apply(c.state, e)
	t.published.checkChanged(c)
	t.agenda.touch(e.Incident)
	if e.Condition == config.ConditionService {
		t.touchNeighbours(e.Check)
	}
	if !incident.Due(c.state).IsZero() {
		t.timed[e.Check] = true
	}
	in, ok := c.state.Incident(e.Condition)
	if !ok || in.ID != e.Incident {
		return
	}
	rec, ok := t.ledger[in.ID]
	if !ok {
		rec = &record{}
		t.ledger[in.ID] = rec
	}
	t.retire(in.ID) // its check may have another name now
	rec.incident = in
	rec.events = append(rec.events, e)
	t.published.incidentChanged(rec)
	t.activate(rec)
}

// activate has an incident looked at when something happens to it.
func (t *Tracker) activate(rec *record) {
	id, check := rec.incident.ID, rec.incident.Check
	if _, ok := t.active[id]; !ok {
		t.about[check] = append(t.about[check], id)
	}
	t.active[id] = rec
}

// retire lets go of one that all have heard of.
func (t *Tracker) retire(id incident.ID) {
	rec, ok := t.active[id]
	if !ok {
		return
	}
	delete(t.active, id)
	check := rec.incident.Check
	if t.about[check] = slices.DeleteFunc(t.about[check], func(o incident.ID) bool { return o == id }); len(t.about[check]) == 0 {
		delete(t.about, check)
	}
}
