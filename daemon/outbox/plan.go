package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Rates are how messages to people are gathered and spaced. Programs get one
// event a transition, at once.
type Rates struct {
	First  time.Duration // a first transition waits so long for others
	Every  time.Duration // at most one message so often
	Digest time.Duration // the same after a digest
	Large  int           // more items than this are a digest
}

// DefaultRates are those that users can count on.
var DefaultRates = Rates{First: 10 * time.Second, Every: time.Minute, Digest: 5 * time.Minute, Large: 20}

// Planned is what must be told now.
type Planned struct {
	Tell []Notification
	// Wake says of each subject when to ask again at the latest: zero when
	// something of it has changed, or has been told.
	Wake []time.Time
	// Held is what should be told and is not, and why.
	Held []Held
	// Undelivered are openings that could not be delivered, or were held, for so
	// long that others were asked for help.
	Undelivered []Undelivered
}

// Plan compares what is true with what was told. It changes nothing; the
// notifications are to be journaled and then applied to the Book. A subject that is
// left out is not told of; a message to people tells of those alone that are
// there.
func Plan(b *Book, w World, now time.Time) Planned {
	p := newPlanner(b, w, now)
	p.compareAll()
	for _, d := range p.order {
		if due := p.dueTime(d); due.After(now) {
			p.lookAgainAtAll(d.subjects, due)
			continue
		}
		p.decideDraft(d)
	}
	return p.Planned
}

// Again returns when to ask again at the latest; zero: when something happens.
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
	drafts map[Destination]*draft
	order  []*draft
	taken  map[config.NotifierID]int // of what max_per_hour allows
	index  map[incident.ID]*Subject
	places []Destination // of the notify blocks of the subject that is looked at
	// Where these notify blocks lead, whatever was told: of destinationsFor.
	blocks   []config.Notify
	ofBlocks []Destination
	alone    map[config.RoleID][]config.RoleID
	same     []*config.Notify // those of them that lead to one destination

	why      hold   // the reason for what needOf returned last
	explains bool   // keep reasons
	reasons  []Held // why destinations are not told
	upcoming []Upcoming
}

func newPlanner(b *Book, w World, now time.Time) *planner {
	p := &planner{book: b, world: w, now: now, drafts: map[Destination]*draft{}, taken: map[config.NotifierID]int{}}
	p.Wake = make([]time.Time, len(w.Subjects))
	return p
}

// compareAll drafts what the destinations of all subjects lack.
func (p *planner) compareAll() {
	for i := range p.world.Subjects {
		p.at = i
		p.compareSubject(&p.world.Subjects[i])
	}
}

// lookAgainAt notes that the subject that is looked at must be looked at again at a time,
// if not sooner; zero: nobody knows when.
func (p *planner) lookAgainAt(t time.Time) {
	if w := p.Wake[p.at]; !t.IsZero() && (w.IsZero() || t.Before(w)) {
		p.Wake[p.at] = t
	}
}

// lookAgainAtAll does for several subjects what lookAgainAt does for one.
func (p *planner) lookAgainAtAll(subjects []int, t time.Time) {
	for _, p.at = range subjects {
		p.lookAgainAt(t)
	}
}

// compareSubject compares an incident with what each destination was told of it: those
// that its notify blocks lead to now, and those that they once led to.
func (p *planner) compareSubject(s *Subject) {
	if !s.Fresh {
		p.lookAgainAt(s.FreshAt)
	}
	told := p.book.told[s.ID]
	blocks := p.withFallbacks(s, told)
	places := p.destinationsFor(s, told, blocks)
	for i, to := range places {
		if slices.Contains(places[:i], to) {
			continue // looked at with the first notify block that leads there
		}
		p.same = p.same[:0]
		for j := i; j < len(blocks); j++ {
			if places[j] == to {
				p.same = append(p.same, &blocks[j])
			}
		}
		p.compareDestination(s, p.same, entryFor(told, to))
	}
	for i := range told {
		// No notify block leads there any more, but whoever heard of the opening hears of the
		// end.
		if !slices.Contains(places, told[i].to) {
			p.compareDestination(s, nil, &told[i])
		}
	}
	if len(blocks)+len(told) == 0 {
		p.noteNobody(s)
	}
}

// entryFor returns what a destination was told; an empty entry if it was told nothing.
func entryFor(told []entry, to Destination) *entry {
	for i := range told {
		if told[i].to == to {
			return &told[i]
		}
	}
	return &entry{to: to}
}

// compareDestination drafts what one destination lacks about one incident. There are no
// notify blocks when the files no longer have one that leads there; a closing may still
// be owed.
func (p *planner) compareDestination(s *Subject, blocks []*config.Notify, e *entry) {
	d, reasons := p.book.pending[e.told.key], len(p.reasons)
	if d != nil && e.itemIn(d).Unannounced {
		d = nil // it tells of others
	}
	r, ok := p.joinNeeds(s, blocks, e, d != nil)
	if ok || d != nil {
		p.reasons = p.reasons[:reasons] // of other roles, or of what replaces the delivery
	}
	if !ok && d != nil {
		p.noteDelivery(s, d, e.itemIn(d))
	}
	switch {
	case !ok || d != nil && d.State == Sending:
		return
	// The end of the older incident is told before the opening of this one.
	case s.Open() && p.olderUnderWay(s, e.to):
		p.noteAll(s, blocks, r.need, HeldInOrder)
		return
	}
	dr := p.draftFor(blocks, e)
	if dr == nil {
		p.noteAll(s, blocks, r.need, HeldByNobody)
		return
	}
	p.addItem(dr, r, Item{
		Incident: s.ID, Transition: r.transition, Episode: s.Reported, Worsened: s.Worsened,
		Untold: r.untold, NoClosing: r.noClosing, Unannounced: r.unannounced, Acknowledged: acknowledgementIn(s, r.transition, dr.kind, e),
	}, d)
}

// olderUnderWay reports whether an attempt is under way about an older incident of
// the same topic whose end is not decided, since that waits for the outcome: what is
// newer waits for it, too, which is a minute at most.
func (p *planner) olderUnderWay(s *Subject, to Destination) bool {
	return slices.ContainsFunc(s.Before, func(id incident.ID) bool {
		return slices.ContainsFunc(p.book.told[id], func(e entry) bool {
			d := p.book.pending[e.told.key]
			return e.to.place() == to.place() && d != nil && d.State == Sending && e.told.open && !e.told.noClosing
		})
	})
}

// A request is what the roles of one destination ask for together.
type request struct {
	need
	roles     []config.RoleID
	noClosing bool
	ends      bool // the end of what was told, or is being delivered
}

// joinNeeds gathers what each notify block to one destination lacks now, without those whose
// roles are to hear nothing. The earliest and the most that is asked for counts.
func (p *planner) joinNeeds(s *Subject, blocks []*config.Notify, e *entry, underWay bool) (r request, ok bool) {
	if len(blocks) == 0 {
		return p.owedClosing(s, e, underWay)
	}
	wantsClosing := false
	for _, block := range blocks {
		n := p.needOf(s, block, e, underWay)
		needed := n.transition != ""
		wantsClosing = wantsClosing || asksFor(block, notifiers.Closed) && (needed || accepts(block, s))
		if !needed {
			p.noteNotNeeded(s, block, &n, e)
			// What is under way may be held from now on; it is looked at again when that ends.
			if !underWay {
				continue
			}
		}
		if h := suppressionOf(n.transition, e)(&p.world, s, block.ID.Role, p.now); h.holds() {
			p.lookAgainAt(h.until) // also for what is held back until then
			if needed {
				p.noteReason(s, block, &n, &h)
			}
			continue
		}
		if !needed {
			continue
		}
		if n.due.After(p.now) {
			p.lookAgainAt(n.due)
			p.noteReason(s, block, &n, &p.why)
			p.noteUpcoming(s, block, &n)
			continue
		}
		if r.need = r.joinWith(n); n.transition != notifiers.Closed || asksFor(block, notifiers.Closed) {
			r.roles = p.addRole(r.roles, block.ID.Role)
		}
		ok = true
	}
	if ok && len(r.roles) == 0 {
		r.roles = p.rolesToldLast(e) // of the opening
	}
	r.noClosing = !wantsClosing && !p.promised(s, e)
	r.ends = r.transition == notifiers.Closed && (e.told.open || !r.untold)
	return r, ok
}

// promised reports whether a destination gets the end of an incident although no notify block asks for that now:
// one did when the opening was told, or its alert would stay open for ever.
func (p *planner) promised(s *Subject, e *entry) bool {
	if e.told.open && e.told.episode == s.Reported && !e.told.noClosing {
		return true
	}
	kind, _ := p.world.kind(e.to.Notifier)
	return kind.Traits().Resolves
}

// addRole adds a role to a list. Lists of one role, which nearly all are, are made once.
func (p *planner) addRole(list []config.RoleID, role config.RoleID) []config.RoleID {
	if len(list) > 0 {
		return withRoles(list, role)
	}
	alone, ok := p.alone[role]
	if !ok {
		if p.alone == nil {
			p.alone = map[config.RoleID][]config.RoleID{}
		}
		alone = []config.RoleID{role}
		p.alone[role] = alone
	}
	return alone
}

// owedClosing returns what a destination lacks that no notify block leads to any more.
func (p *planner) owedClosing(s *Subject, e *entry, underWay bool) (r request, ok bool) {
	n := p.needOf(s, nil, e, underWay)
	needed := n.transition != ""
	if !needed && !underWay {
		return r, false
	}
	r = request{need: n, roles: p.rolesToldLast(e), ends: true}
	if h := suppressionOf(n.transition, e).forAll(&p.world, s, r.roles, p.now); h.holds() {
		p.lookAgainAt(h.until)
		if needed {
			p.noteReason(s, &config.Notify{ID: e.to.notifyID(r.roles[0])}, &n, &h)
		}
		return r, false
	}
	if n.due.After(p.now) {
		p.lookAgainAt(n.due)
		return r, false
	}
	return r, needed
}

// rolesToldLast lists the roles for which a destination was told last.
func (p *planner) rolesToldLast(e *entry) []config.RoleID {
	if d, ok := p.book.deliveries[e.told.key]; ok {
		return d.AskedBy()
	}
	return []config.RoleID{e.to.Role}
}

// dueTime returns when a draft goes out: at once where programs read; where people do,
// after it has waited for other transitions and the last message is long enough ago.
func (p *planner) dueTime(d *draft) time.Time {
	if !d.kind.Traits().People {
		return p.now
	}
	due := d.since.Add(p.world.Rates.First)
	if due.After(p.now) && d.hasEnd() {
		due = earliestKnown(due, p.heldSince(d.to))
	}
	last, told := p.book.lastOn[d.to]
	if !told || last.at.After(p.now) { // from a clock that has been set back since
		return due
	}
	pause := p.world.Rates.Every
	if last.items > p.world.Rates.Large {
		pause = p.world.Rates.Digest
	}
	return latest(due, last.at.Add(pause))
}

// earliestKnown returns the earlier of two times of which either may be zero, which is
// unknown.
func earliestKnown(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
