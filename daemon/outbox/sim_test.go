package outbox_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/sms"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// A target is where a way of these tests leads.
type target string

func (t target) String() string { return string(t) }

// A check is one check with all that is true of it.
type check struct {
	id     config.CheckID
	state  incident.State
	roles  []config.RoleID
	remind time.Duration
	fresh  bool
}

// A receiver is how a notifier behaves.
type receiver struct {
	latency time.Duration
	err     error
	// recipients are what each is answered; nil: err is the answer to all.
	recipients []notifiers.Recipient
}

// answer is what an attempt comes to that leaves out the settled recipients.
func (r *receiver) answer(settled []string) (receipt notifiers.Receipt, err error) {
	if r.recipients == nil {
		return receipt, r.err
	}
	counts := map[notifiers.RecipientState]int{}
	for _, one := range r.recipients {
		if !slices.Contains(settled, one.Address) {
			receipt.Recipients = append(receipt.Recipients, one)
			counts[one.State]++
		}
	}
	switch {
	case counts[notifiers.RecipientRetrying] > 0:
		err = errors.New("come back later")
	case counts[notifiers.RecipientSent] == 0 && counts[notifiers.RecipientDead] > 0:
		err = notifiers.Permanent(errors.New("no such user"))
	}
	if len(counts) < 2 {
		receipt.Recipients = nil // all were answered alike
	}
	return receipt, err
}

// An attempt is under way; nobody knows yet how it ends.
type attempt struct {
	key     outbox.Key
	end     time.Time
	receipt notifiers.Receipt
	err     error
}

// A record is one line of the journal, as text.
type record struct {
	event, telling, outcome []byte
}

// A sim is the tracker's round with pure parts only: time is a number, a
// journal a slice, a receiver a row of answers. What it does is what
// daemon/tracker promises to do: plan, journal, apply, send.
type sim struct {
	now       time.Time
	rates     outbox.Rates
	book      *outbox.Book
	roles     map[config.RoleID][]config.Notify
	checks    map[config.CheckID]*check
	incidents map[incident.ID]incident.Incident // those that a newer one has replaced, too
	receivers map[config.NotifierID]*receiver
	flying    []attempt
	journal   []record
	share     func() float64
	limits    map[config.NotifierID]int
	windows   map[config.ScheduleID][2]time.Time // from, to
	silences  map[string][2]time.Time            // of a check or a role
	parents   map[config.CheckID][2]time.Time    // what a check depends on is down from, to
	monitor   config.RoleID                      // the daemon's own

	planned func()                                 // what was planned is applied
	told    func(outbox.Notification)              // it was decided, and journaled
	sending func(*outbox.Delivery)                 // an attempt begins
	settled func(*outbox.Delivery, outbox.Outcome) // an attempt has ended
}

func newSim() *sim {
	return &sim{
		now: epoch, rates: outbox.DefaultRates, book: outbox.NewBook(),
		roles: map[config.RoleID][]config.Notify{}, checks: map[config.CheckID]*check{},
		incidents: map[incident.ID]incident.Incident{}, receivers: map[config.NotifierID]*receiver{},
		share:  func() float64 { return 0.5 },
		limits: map[config.NotifierID]int{}, windows: map[config.ScheduleID][2]time.Time{},
		silences: map[string][2]time.Time{}, parents: map[config.CheckID][2]time.Time{},
		planned: func() {}, told: func(outbox.Notification) {}, sending: func(*outbox.Delivery) {},
		settled: func(*outbox.Delivery, outbox.Outcome) {},
	}
}

// advance lets time pass until then, stopping wherever something is due.
func (s *sim) advance(until time.Time) {
	for {
		next := s.round()
		if next.IsZero() || next.After(until) {
			break
		}
		s.now = latest(s.now, next)
	}
	s.now = until
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// round does what is due now, until there is nothing left, and says when it
// wants to be called again.
func (s *sim) round() (next time.Time) {
	for {
		s.land()
		planned := outbox.Plan(s.book, s.world(), s.now)
		notifications, again := planned.Tell, planned.Again()
		s.book.Hold(s.world().Subjects, planned.Held)
		for _, t := range notifications {
			s.journal = append(s.journal, record{telling: text(t)})
			s.book.Apply(t)
			s.told(t)
		}
		if len(notifications) > 0 {
			s.planned()
		}
		s.send()
		next = again
		for _, a := range s.flying {
			next = sooner(next, a.end)
		}
		if _, due := s.book.Due(s.now, s.hold, s.topic); !due.IsZero() {
			next = sooner(next, due)
		}
		if next.IsZero() || next.After(s.now) {
			return next
		}
	}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func (s *sim) send() {
	due, _ := s.book.Due(s.now, s.hold, s.topic)
	for _, d := range due {
		s.book.Begin(d.Key)
		s.sending(d)
		r := s.receiver(d.NotifyID.Notifier)
		receipt, err := r.answer(d.Settled())
		s.flying = append(s.flying, attempt{d.Key, s.now.Add(r.latency), receipt, err})
	}
}

func (s *sim) hold(d *outbox.Delivery) bool {
	return d.Outdated(
		func(id incident.ID) bool { return s.checks[s.incidents[id].Check].fresh },
		func(id incident.ID) bool { return s.incidents[id].Open() },
	) || !slices.ContainsFunc(d.Items, func(i outbox.Item) bool {
		sub := &outbox.Subject{Incident: s.incidents[i.Incident]}
		if _, down := s.dependent(sub, s.now); down && !i.EndsTold() {
			return false
		}
		return slices.ContainsFunc(d.AskedBy(), func(role config.RoleID) bool {
			_, quiet := s.quiet(sub, role, s.now)
			return !quiet
		})
	})
}

func (s *sim) topic(id incident.ID) outbox.Topic {
	return outbox.Topic{Check: s.incidents[id].Check, Condition: s.incidents[id].Condition}
}

func (s *sim) stale(id incident.ID) bool {
	in := s.incidents[id]
	return in.Open() && !s.checks[in.Check].fresh
}

// land settles the attempts that have ended by now.
func (s *sim) land() {
	flying := s.flying
	s.flying = nil
	for _, a := range flying {
		if a.end.After(s.now) {
			s.flying = append(s.flying, a)
			continue
		}
		d, _ := s.book.Delivery(a.key)
		o := outbox.Conclude(*d, a.receipt, a.err, s.now, s.share())
		s.journal = append(s.journal, record{outcome: text(o)})
		s.book.Settle(o)
		if a.err == nil {
			s.book.Hurry(d.NotifyID.Notifier, s.now)
		}
		s.settled(d, o)
	}
}

func (s *sim) receiver(id config.NotifierID) *receiver {
	if s.receivers[id] == nil {
		s.receivers[id] = &receiver{}
	}
	return s.receivers[id]
}

func (s *sim) world() outbox.World {
	w := outbox.World{
		Rates: s.rates, Kind: kind, Quiet: s.quiet, Dependent: s.dependent, Within: s.within, Monitor: s.roles[s.monitor],
		RoleExists: func(id config.RoleID) bool { return len(s.roles[id]) > 0 },
		MaxPerHour: func(id config.NotifierID) int { return s.limits[id] },
	}
	for _, in := range s.incidents {
		w.Subjects = append(w.Subjects, s.subject(s.checks[in.Check], in))
	}
	outbox.Sort(w.Subjects)
	return w
}

func (s *sim) quiet(sub *outbox.Subject, role config.RoleID, at time.Time) (until time.Time, quiet bool) {
	for _, name := range []string{string(sub.Check), string(role)} {
		if span, ok := s.silences[name]; ok && !at.Before(span[0]) && at.Before(span[1]) {
			return span[1], true
		}
	}
	return time.Time{}, false
}

func (s *sim) dependent(sub *outbox.Subject, at time.Time) (until time.Time, down bool) {
	span, ok := s.parents[sub.Check]
	return span[1], ok && !at.Before(span[0]) && at.Before(span[1])
}

func (s *sim) within(id config.ScheduleID, at time.Time) (next time.Time, within bool) {
	span := s.windows[id]
	if at.Before(span[0]) {
		return span[0], false
	}
	return time.Time{}, at.Before(span[1])
}

// everyCheck gives the checks in an order that is always the same.
func (s *sim) everyCheck() []*check {
	return slices.SortedFunc(maps.Values(s.checks), func(a, b *check) int { return cmp.Compare(a.id, b.id) })
}

func (s *sim) subject(c *check, in incident.Incident) outbox.Subject {
	sub := outbox.Subject{Incident: in, Remind: c.remind, Fresh: c.fresh}
	for _, other := range s.incidents {
		if s.topic(other.ID) == s.topic(in.ID) && other.ID != in.ID && !other.Live() && other.Reported > 0 {
			sub.Before = append(sub.Before, other.ID)
		}
	}
	for _, role := range c.roles {
		sub.Notify = append(sub.Notify, s.roles[role]...)
	}
	return sub
}

// kind: the first word of a notifier's name.
func kind(id config.NotifierID) (notifiers.Kind, bool) {
	name, _, _ := strings.Cut(string(id), ".")
	k := notifiers.Kind(name)
	return k, slices.Contains([]notifiers.Kind{email.Kind, slack.Kind, sms.Kind, webhook.Kind}, k)
}

func (s *sim) happen(events ...incident.Event) {
	for _, e := range events {
		s.journal = append(s.journal, record{event: text(e)})
		s.fold(e)
	}
}

func (s *sim) fold(e incident.Event) {
	c, ok := s.checks[e.Check]
	if !ok {
		c = &check{id: e.Check}
		s.checks[e.Check] = c
	}
	c.state = incident.Apply(c.state, e)
	for in := range c.state.Incidents() {
		s.incidents[in.ID] = in
	}
}

// crash forgets everything but the first records of the journal, and the
// files; what was under way may have arrived or not, nobody will say.
func (s *sim) crash(keep int) {
	s.journal = s.journal[:keep]
	s.book, s.flying = outbox.NewBook(), nil
	clear(s.incidents)
	for _, c := range s.checks {
		c.state, c.fresh = incident.State{}, false
	}
	for _, r := range s.journal {
		switch {
		case r.event != nil:
			s.fold(parse[incident.Event](r.event))
		case r.telling != nil:
			s.book.Apply(parse[outbox.Notification](r.telling))
		default:
			s.book.Settle(parse[outbox.Outcome](r.outcome))
		}
	}
}

func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func parse[T any](b []byte) (v T) {
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	return v
}

// way makes the way that a short text describes: "sms.twilio:+1,after=15m,severity=down,on=opened|closed".
func way(role config.RoleID, spec string) (config.Notify, error) {
	head, rest, _ := strings.Cut(spec, ",")
	notifier, to, _ := strings.Cut(head, ":")
	to = strings.ReplaceAll(to, ";", ", ") // a list of addresses
	w := config.Notify{
		ID:     config.NotifyID{Role: role, Notifier: config.NotifierID(notifier), Target: to},
		Target: target(to),
	}
	for setting := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(setting, "=")
		switch name {
		case "after":
			after, err := time.ParseDuration(value)
			if err != nil {
				return w, err
			}
			w.After = after
		case "during":
			w.During = config.ScheduleID(value)
		case "severity":
			w.Severity = config.Severity(value)
		case "conditions":
			w.Conditions = strings.Split(value, "|")
		case "on":
			for t := range strings.SplitSeq(value, "|") {
				w.On = append(w.On, notifiers.Transition(t))
			}
		case "":
		default:
			return w, fmt.Errorf("what is %q?", setting)
		}
	}
	return w, nil
}

var errRefused = errors.New("connection refused")
