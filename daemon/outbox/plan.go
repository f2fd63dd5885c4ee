package outbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Rates are how messages to people are gathered and spaced. Programs get one
// event a transition, at once.
type Rates struct {
	First  time.Duration // a first transition waits so long for company
	Every  time.Duration // at most one message so often
	Digest time.Duration // the same after a digest
	Large  int           // more items than this are a digest
}

// DefaultRates are those that users can count on.
var DefaultRates = Rates{First: 10 * time.Second, Every: time.Minute, Digest: 5 * time.Minute, Large: 20}

// A World is what Plan compares the Book with. Its functions answer from values
// that do not change while Plan runs; one that is nil answers never, or none.
type World struct {
	Rates    Rates
	Subjects []Subject
	// Kind tells the kind of a notifier that exists.
	Kind func(config.NotifierID) (notifiers.Kind, bool)
	// MaxPerHour bounds the messages of a notifier in any hour; 0: no bound.
	MaxPerHour func(config.NotifierID) int
	// Quiet tells whether nothing is sent about an incident to a role at a time,
	// and until when at least; zero: until something changes.
	Quiet func(s *Subject, role config.RoleID, at time.Time) (until time.Time, quiet bool)
	// Within tells whether a time is within a schedule, and else when the next
	// window begins; zero: never.
	Within func(id config.ScheduleID, at time.Time) (next time.Time, within bool)
	// Monitor are the ways of the daemon's own roles.
	Monitor []config.Way
	// Started is when this process did: nothing could be delivered before.
	Started time.Time
}

// A Subject is an incident that some way may have to hear of.
type Subject struct {
	incident.Incident
	// Ways of the roles that the check names now.
	Ways []config.Way
	// Remind is the pause between reminders; 0: none.
	Remind time.Duration
	// Fresh: it was found failing since this process started.
	Fresh bool
	// Company is until when people's opening waits for what is failing beside
	// it, Parent until when every opening waits for what it depends on.
	Company, Parent time.Time
}

// Planned is what must be told now.
type Planned struct {
	Tell []Telling
	// Wake says of each subject when to ask again at the latest: zero when
	// something of it has changed, or has been told.
	Wake []time.Time
	// Undelivered are openings that could not be delivered for so long that
	// others were asked for help.
	Undelivered []Undelivered
}

// Sort orders subjects by when they were reported, so that a message names
// them in the order in which they happened.
func Sort(subjects []Subject) {
	slices.SortFunc(subjects, func(a, b Subject) int {
		return cmp.Or(a.ReportedAt.Compare(b.ReportedAt), cmp.Compare(a.Check, b.Check), cmp.Compare(a.ID, b.ID))
	})
}

// Plan compares what is true with what was told. It changes nothing; the
// tellings are to be journaled and then applied to the Book. A subject that is
// left out is not told of; a message to people tells of those alone that are
// there.
func Plan(b *Book, w World, now time.Time) Planned {
	p := planner{book: b, world: w, now: now, drafts: map[config.WayID]*draft{}, taken: map[config.NotifierID]int{}}
	p.Wake = make([]time.Time, len(w.Subjects))
	for i := range w.Subjects {
		p.at = i
		p.subject(&w.Subjects[i])
	}
	for _, d := range p.order {
		if due := p.due(d); due.After(now) {
			p.wake(d.subjects, due)
			continue
		}
		p.tell(d)
	}
	return p.Planned
}

// Again is when to ask again at the latest.
func (p Planned) Again() (again time.Time) {
	for _, t := range p.Wake {
		if !t.IsZero() && (again.IsZero() || t.Before(again)) {
			again = t
		}
	}
	return again
}

type planner struct {
	Planned
	at     int // the subject that is looked at
	book   *Book
	world  World
	now    time.Time
	drafts map[config.WayID]*draft
	order  []*draft
	taken  map[config.NotifierID]int // of what max_per_hour allows
	index  map[incident.ID]*Subject
}

// later has the subject that is looked at looked at again; zero: nobody knows when.
func (p *planner) later(t time.Time) {
	if w := p.Wake[p.at]; !t.IsZero() && (w.IsZero() || t.Before(w)) {
		p.Wake[p.at] = t
	}
}

func (p *planner) wake(subjects []int, t time.Time) {
	for _, p.at = range subjects {
		p.later(t)
	}
}

// subject compares an incident with what each way was told of it: the ways that
// it has now, and those that it once had.
func (p *planner) subject(s *Subject) {
	told := p.book.told[s.ID]
	ways := p.helped(s, told)
	for i := range ways {
		p.pair(s, &ways[i], known(told, ways[i].ID))
	}
	for _, e := range told {
		if !slices.ContainsFunc(ways, func(w config.Way) bool { return w.ID == e.way }) {
			p.pair(s, nil, e)
		}
	}
}

func known(told []entry, way config.WayID) entry {
	for _, e := range told {
		if e.way == way {
			return e
		}
	}
	return entry{way: way}
}

// pair drafts what one way lacks about one incident. The way is nil when the
// files no longer have it; it may still be owed a closing.
func (p *planner) pair(s *Subject, way *config.Way, e entry) {
	d := p.book.pending[e.told.key]
	n, ok := p.need(s, way, e, d != nil)
	if !ok && d == nil {
		return
	}
	if until, quiet := p.quiet(s, e.way.Role, p.now); quiet {
		p.later(until) // also for what is held back until then
		return
	}
	if !ok || d != nil && d.State == Sending {
		return
	}
	if n.due.After(p.now) {
		p.later(n.due)
		return
	}
	if dr := p.draft(way, e); dr != nil {
		p.add(dr, Item{
			Incident: s.ID, Transition: n.transition, Bout: s.Reported, Worsened: s.Worsened, Untold: n.untold,
		}, d, n.due)
	}
}

func (p *planner) quiet(s *Subject, role config.RoleID, at time.Time) (time.Time, bool) {
	if p.world.Quiet == nil {
		return time.Time{}, false
	}
	return p.world.Quiet(s, role, at)
}

// due is when a draft goes out: at once where programs read; where people do,
// after it has waited for company and the last message is long enough ago.
func (p *planner) due(d *draft) time.Time {
	if !d.kind.ReadByPeople() {
		return p.now
	}
	due := d.since.Add(p.world.Rates.First)
	last, told := p.book.lastOn[d.way]
	if !told || last.at.After(p.now) { // from a clock that has been set back since
		return due
	}
	pause := p.world.Rates.Every
	if last.items > p.world.Rates.Large {
		pause = p.world.Rates.Digest
	}
	return latest(due, last.at.Add(pause))
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
