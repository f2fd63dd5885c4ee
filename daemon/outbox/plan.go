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

// A World is what Plan compares the Book with.
type World struct {
	Rates    Rates
	Subjects []Subject
	// Kind tells the kind of a notifier that exists.
	Kind func(config.NotifierID) (notifiers.Kind, bool)
}

// A Subject is an incident that some way may have to hear of.
type Subject struct {
	incident.Incident
	// Ways of the roles that the check names now.
	Ways []config.Way
	// Remind is the pause between reminders; 0: none.
	Remind time.Duration
	// Fresh: the check was observed since this process started.
	Fresh bool
}

// Sort orders subjects by when they were reported, so that a message names
// them in the order in which they happened.
func Sort(subjects []Subject) {
	slices.SortFunc(subjects, func(a, b Subject) int {
		return cmp.Or(a.ReportedAt.Compare(b.ReportedAt), cmp.Compare(a.Check, b.Check), cmp.Compare(a.ID, b.ID))
	})
}

// Plan gives what must be told now, and when to ask again at the latest (zero:
// when something has changed). It changes nothing; the tellings are to be
// journaled and then applied to the Book.
func Plan(b *Book, w World, now time.Time) (tell []Telling, again time.Time) {
	p := planner{book: b, world: w, now: now, drafts: map[config.WayID]*draft{}}
	for i := range w.Subjects {
		p.subject(&w.Subjects[i])
	}
	for _, d := range p.order {
		if due := p.due(d); due.After(now) {
			p.later(due)
			continue
		}
		tell = append(tell, p.tellings(d)...)
	}
	return tell, p.again
}

type planner struct {
	book   *Book
	world  World
	now    time.Time
	again  time.Time
	drafts map[config.WayID]*draft
	order  []*draft
}

func (p *planner) later(t time.Time) {
	if p.again.IsZero() || t.Before(p.again) {
		p.again = t
	}
}

// subject compares an incident with what each way was told of it: the ways that
// it has now, and those that it once had.
func (p *planner) subject(s *Subject) {
	told := p.book.told[s.ID]
	for i := range s.Ways {
		e := entry{way: s.Ways[i].ID}
		for _, known := range told {
			if known.way == e.way {
				e = known
				break
			}
		}
		p.pair(s, &s.Ways[i], e)
	}
	for _, e := range told {
		if !slices.ContainsFunc(s.Ways, func(w config.Way) bool { return w.ID == e.way }) {
			p.pair(s, nil, e)
		}
	}
}

// pair drafts what one way lacks about one incident. The way is nil when the
// files no longer have it; it may still be owed a closing.
func (p *planner) pair(s *Subject, way *config.Way, e entry) {
	d := p.book.pending[e.told.key]
	n, ok := p.need(s, way, e, d != nil)
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
