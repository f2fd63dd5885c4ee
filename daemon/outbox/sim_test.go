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
	"github.com/imapvigil/imapvigil/config/calendar"
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
	// It takes one message in this time, and its channel keeps the others back.
	pace time.Duration
	next time.Time
}

// paced is how long the channel keeps back a message now; it sends it, if that is 0.
func (r *receiver) paced(now time.Time) time.Duration {
	if r.pace > 0 && now.Before(r.next) {
		return r.next.Sub(now)
	}
	r.next = now.Add(r.pace)
	return 0
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
	windows   map[config.ScheduleID][]config.Window
	silences  []outbox.Silence
	parents   map[config.CheckID][2]time.Time // what a check depends on is down from, to
	monitor   config.RoleID                   // the daemon's own

	planned func()                                 // what was planned is applied
	done    func()                                 // there is nothing left to do at this moment
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
		limits: map[config.NotifierID]int{}, windows: map[config.ScheduleID][]config.Window{},
		parents: map[config.CheckID][2]time.Time{},
		planned: func() {}, done: func() {}, told: func(outbox.Notification) {}, sending: func(*outbox.Delivery) {},
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
			s.done()
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
		if wait := r.paced(s.now); wait > 0 {
			s.flying = append(s.flying, attempt{key: d.Key, end: s.now, err: notifiers.Paced(wait)})
			continue
		}
		receipt, err := r.answer(d.Settled())
		s.flying = append(s.flying, attempt{d.Key, s.now.Add(r.latency), receipt, err})
	}
}

func (s *sim) hold(d *outbox.Delivery) bool {
	w := s.surroundings()
	for _, item := range d.Items {
		in := s.incidents[item.Incident]
		w.Subjects = append(w.Subjects, s.subject(s.checks[in.Check], in))
	}
	return w.Holds(d, s.now)
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
		if !notifiers.IsPaced(a.err) || o.State.Final() {
			s.journal = append(s.journal, record{outcome: text(o)})
		}
		s.book.ApplyOutcome(o)
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
	w := s.surroundings()
	for _, in := range s.incidents {
		w.Subjects = append(w.Subjects, s.subject(s.checks[in.Check], in))
	}
	outbox.Sort(w.Subjects)
	return w
}

// surroundings is the world without the incidents.
func (s *sim) surroundings() outbox.World {
	w := outbox.World{
		Rates: s.rates, Monitor: s.roles[s.monitor], Roles: map[config.RoleID]*config.Role{}, Notifiers: channels(s.limits),
		Silences: s.silences, Services: map[config.CheckID]outbox.Service{},
	}
	for id, blocks := range s.roles {
		if len(blocks) > 0 {
			w.Roles[id] = &config.Role{ID: id, Notify: blocks}
		}
	}
	files := &config.Config{Checks: map[config.CheckID]*config.Check{}, Schedules: map[config.ScheduleID]*config.Schedule{}}
	for id := range s.checks {
		files.Checks[id] = s.config(id)
	}
	for id, span := range s.parents {
		// What it depends on is a check of its own, which is down for a while.
		parent := parentOf(id)
		files.Checks[parent] = &config.Check{ID: parent, Enabled: true}
		w.Services[parent] = outbox.Service{Observed: true, Incident: incident.Incident{
			ID: "p", Check: parent, Condition: config.ConditionService, Severity: config.SeverityDown, Reported: 1, ReportedAt: span[0],
			ClosedAs: incident.Recovered, EndedAt: span[1], ClosedAt: span[1],
		}}
	}
	for id, windows := range s.windows {
		files.Schedules[id] = &config.Schedule{ID: id, Zone: time.UTC, Windows: windows}
	}
	w.Calendar, w.Dependencies = calendar.New(files), outbox.NewDependencies(files)
	return w
}

func parentOf(id config.CheckID) config.CheckID { return "parent of " + id }

// config is a check as files have it.
func (s *sim) config(id config.CheckID) *config.Check {
	c := &config.Check{ID: id, Enabled: true}
	if _, ok := s.parents[id]; ok {
		c.DependsOn = []config.Ref{{Check: parentOf(id)}}
	}
	return c
}

// channels are the notifiers of these tests.
func channels(limits map[config.NotifierID]int) map[config.NotifierID]*config.Notifier {
	all := map[config.NotifierID]*config.Notifier{}
	for _, id := range []config.NotifierID{
		"email.mail", "email.ops", "email.all", "email.night", "email.down", "email.starts", "email.start", "email.end", "email.worse", "email.cert",
		"email.other", "sms.twilio", "sms.other", "slack.chat", "webhook.hook", "webhook.hook2", "webhook.pager", "webhook.slow", "webhook.fast", "webhook.boss",
		"webhook.own", "webhook.dead", "pager.duty",
	} {
		k, _ := kind(id)
		all[id] = &config.Notifier{ID: id, Settings: unopened{k}, MaxPerHour: limits[id]}
	}
	return all
}

// dutyPager is a program that wants to hear who works on an incident.
var dutyPager = notifiers.NewChannel(notifiers.Channel{Kind: "pager", Traits: notifiers.Traits{Acknowledged: true, Resolves: true}},
	nil, unopened{"pager"}, nil, func(target) ([]notifiers.Target, error) { return nil, nil })

// unopened are the settings of a channel that is never opened.
type unopened struct{ kind notifiers.Kind }

func (s unopened) Kind() notifiers.Kind { return s.kind }

func (unopened) Open() (notifiers.Notifier, error) { return nil, errors.New("nobody opens it") }

func (unopened) DecodeTarget([]byte) (notifiers.Target, error) { return target(""), nil }

// silence has nothing sent about a check, or to a role, until then.
func (s *sim) silence(name string, until time.Time) {
	scope := outbox.Scope{Check: config.CheckID(name)}
	if _, ok := s.roles[config.RoleID(name)]; ok {
		scope = outbox.Scope{Role: config.RoleID(name)}
	}
	s.silences = slices.DeleteFunc(s.silences, func(o outbox.Silence) bool { return o.Scope == scope })
	s.silences = append(s.silences, outbox.NewSilence(scope, "", s.now, until))
}

// window says when a schedule is open: once a week, from and to at full minutes.
func (s *sim) window(id config.ScheduleID, from, to time.Time) {
	w := config.Window{From: from.Hour()*60 + from.Minute(), To: to.Hour()*60 + to.Minute()}
	w.Days[from.Weekday()] = true
	s.windows[id] = []config.Window{w}
}

// everyCheck gives the checks in an order that is always the same.
func (s *sim) everyCheck() []*check {
	return slices.SortedFunc(maps.Values(s.checks), func(a, b *check) int { return cmp.Compare(a.id, b.id) })
}

func (s *sim) subject(c *check, in incident.Incident) outbox.Subject {
	sub := outbox.Subject{Incident: in, Config: s.config(c.id), Remind: c.remind, Fresh: c.fresh}
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
	return k, slices.Contains([]notifiers.Kind{email.Kind, slack.Kind, sms.Kind, webhook.Kind, dutyPager.Kind}, k)
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
			s.book.ApplyOutcome(parse[outbox.Outcome](r.outcome))
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
			for word := range strings.SplitSeq(value, "|") {
				w.Conditions |= config.ConditionSet(config.Condition(word))
			}
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
