package outbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

// A Subject is a reported incident that some way may have to hear of.
type Subject struct {
	incident.Incident
	// Ways of the roles that the check names now.
	Ways []config.Way
	// Remind is the pause between reminders; 0: none.
	Remind time.Duration
	// Fresh: the check was observed since this process started.
	Fresh bool
}

// Plan gives what must be told now, and when to ask again at the latest (zero:
// when something has changed). It changes nothing.
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

// A draft gathers what one way must hear.
type draft struct {
	way    config.WayID
	kind   notifiers.Kind
	to     json.RawMessage
	since  time.Time // when the first of it became due
	items  []Item
	voided []Key
}

// A need is one item that a way lacks, and since when.
type need struct {
	transition notifiers.Transition
	since      time.Time
	untold     bool
}

func (p *planner) later(t time.Time) {
	if p.again.IsZero() || t.Before(p.again) {
		p.again = t
	}
}

func (p *planner) subject(s *Subject) {
	for i := range s.Ways {
		p.pair(s, s.Ways[i].ID, &s.Ways[i])
	}
	for _, id := range p.book.ways[s.ID] {
		if !slices.ContainsFunc(s.Ways, func(w config.Way) bool { return w.ID == id }) {
			p.pair(s, id, nil)
		}
	}
}

// pair drafts what one way lacks about one incident. The way is nil when the
// files no longer have it; it may still be owed a closing.
func (p *planner) pair(s *Subject, id config.WayID, way *config.Way) {
	e := p.book.told[bookKey{s.ID, id}]
	d := p.book.pending[e.told.key]
	n, ok := p.need(s, way, e, d != nil)
	if !ok || (d != nil && d.State == Sending) {
		return
	}
	if n.since.After(p.now) {
		p.later(n.since)
		return
	}
	dr := p.draft(id, way, e)
	if dr == nil {
		return
	}
	if d != nil && !slices.Contains(dr.voided, d.Key) {
		dr.voided = append(dr.voided, d.Key)
	}
	dr.add(s, n)
}

func (d *draft) add(s *Subject, n need) {
	d.items = append(d.items, Item{
		Incident: s.ID, Transition: n.transition,
		Bout: s.Reported, Worsened: s.Worsened, Untold: n.untold,
	})
	if d.since.IsZero() || n.since.Before(d.since) {
		d.since = n.since
	}
}

// need compares one incident with what one way was told of it. What is on its
// way counts as told, unless the truth has moved on: then it is replaced by
// one message that says all.
func (p *planner) need(s *Subject, way *config.Way, e entry, underWay bool) (need, bool) {
	if s.Open() {
		return p.needOpen(s, way, e, underWay)
	}
	if s.Pending || !e.told.open() && !closingsOnly(s, way, e, p.now) {
		return need{}, false
	}
	untold := underWay && !e.sure.open()
	if e.told.open() && !e.sure.open() && !underWay {
		return need{}, false // the opening is dead: this way never heard of it
	}
	if way != nil && !wants(way, notifiers.Closed) {
		return need{}, false
	}
	return need{notifiers.Closed, s.ClosedAt, untold}, true
}

// ClosingsOnly is how long after its end a closing is told to a way that asks
// for closings and not for openings.
const ClosingsOnly = 10 * time.Minute

// Sort orders subjects by when they were reported, so that a message names
// them in the order in which they happened.
func Sort(subjects []Subject) {
	slices.SortFunc(subjects, func(a, b Subject) int {
		return cmp.Or(a.ReportedAt.Compare(b.ReportedAt), cmp.Compare(a.Check, b.Check), cmp.Compare(a.ID, b.ID))
	})
}

// closingsOnly: a way that asks for closings and not for openings hears of
// the ones that ended lately.
func closingsOnly(s *Subject, way *config.Way, e entry, now time.Time) bool {
	return way != nil && e.told == status{} && !wants(way, notifiers.Opened) && wants(way, notifiers.Closed) &&
		accepts(way, s) && now.Sub(s.ClosedAt) < ClosingsOnly
}

func (p *planner) needOpen(s *Subject, way *config.Way, e entry, underWay bool) (need, bool) {
	if way == nil {
		return need{}, false
	}
	switch {
	case !e.told.open():
		if !s.Fresh || !wants(way, notifiers.Opened) || !accepts(way, s) || way.After > 0 && s.Acknowledged() {
			return need{}, false
		}
		since := latest(s.ReportedAt, p.filteredUntil(s, way))
		if way.After > 0 {
			return need{notifiers.Escalated, since.Add(way.After), false}, true
		}
		return need{notifiers.Opened, since, false}, true
	case s.Worsened > e.told.worsened && wants(way, notifiers.Changed):
		n := need{notifiers.Changed, s.WorsenedAt, false}
		if underWay && !e.sure.open() {
			n.transition = notifiers.Opened // one message with the newest state
		}
		return n, true
	case s.Remind > 0 && s.Fresh && !underWay && !s.Acknowledged() && wants(way, notifiers.Reminder):
		return need{notifiers.Reminder, e.told.at.Add(s.Remind), false}, true
	}
	return need{}, false
}

// filteredUntil is when an incident got bad enough for a way that had not
// wanted to hear of it.
func (p *planner) filteredUntil(s *Subject, way *config.Way) time.Time {
	if way.Severity == config.SeverityDown {
		return s.WorsenedAt
	}
	return time.Time{}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wants reports whether a way asks for a transition; every way that says
// nothing asks for all.
func wants(way *config.Way, t notifiers.Transition) bool {
	return len(way.On) == 0 || slices.Contains(way.On, t)
}

func accepts(way *config.Way, s *Subject) bool {
	if way.Severity == config.SeverityDown && s.Severity != config.SeverityDown {
		return false
	}
	return len(way.Conditions) == 0 || slices.Contains(way.Conditions, string(s.Condition))
}

// draft finds or starts the message of a way; nil when there is no saying how
// to reach it.
func (p *planner) draft(id config.WayID, way *config.Way, e entry) *draft {
	if d, ok := p.drafts[id]; ok {
		return d
	}
	d := &draft{way: id}
	switch last, told := p.book.deliveries[e.told.key]; {
	case way != nil:
		kind, ok := p.world.Kind(id.Notifier)
		if !ok {
			return nil
		}
		to, err := json.Marshal(way.Target)
		if err != nil {
			return nil // a target that cannot be encoded cannot be configured
		}
		d.kind, d.to = kind, to
	case told:
		d.kind, d.to = last.Kind, last.To
	}
	p.drafts[id] = d
	p.order = append(p.order, d)
	return d
}

// due is when a draft goes out: at once where programs read; where people do,
// after it has waited for company and the last message is long enough ago.
func (p *planner) due(d *draft) time.Time {
	if !d.kind.ReadByPeople() {
		return p.now
	}
	due := d.since.Add(p.world.Rates.First)
	if last, ok := p.book.lastOn[d.way]; ok {
		pause := p.world.Rates.Every
		if last.items > p.world.Rates.Large {
			pause = p.world.Rates.Digest
		}
		due = latest(due, last.at.Add(pause))
	}
	return due
}

// tellings makes the messages of a draft: one for people, one an item for
// programs.
func (p *planner) tellings(d *draft) []Telling {
	p.replan(d)
	if d.kind.ReadByPeople() {
		return []Telling{p.telling(d, d.items, d.voided)}
	}
	list := make([]Telling, 0, len(d.items))
	for _, item := range d.items {
		var voided []Key
		if i := slices.IndexFunc(d.voided, func(k Key) bool { return p.tells(k, item.Incident) }); i >= 0 {
			voided = d.voided[i : i+1]
		}
		list = append(list, p.telling(d, []Item{item}, voided))
	}
	return list
}

func (p *planner) tells(k Key, id incident.ID) bool {
	return slices.ContainsFunc(p.book.pending[k].Items, func(i Item) bool { return i.Incident == id })
}

// replan takes over what a replaced message would have told of other
// incidents.
func (p *planner) replan(d *draft) {
	for _, key := range d.voided {
		for _, item := range p.book.pending[key].Items {
			if !slices.ContainsFunc(d.items, func(i Item) bool { return i.Incident == item.Incident }) {
				d.items = append(d.items, item)
			}
		}
	}
}

func (p *planner) telling(d *draft, items []Item, voided []Key) Telling {
	t := Telling{At: p.now, Way: d.way, Kind: d.kind, To: d.to, Items: items, Replaces: voided}
	t.Key = t.newKey()
	return t
}

// newKey makes the same key of the same telling.
func (t Telling) newKey() Key {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d", t.Way.Role, t.Way.Notifier, t.Way.Target, t.At.UnixNano())
	for _, item := range t.Items {
		fmt.Fprintf(h, "\x00%s %s %d %d", item.Incident, item.Transition, item.Bout, item.Worsened)
	}
	return Key("iv_" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:15])))
}
