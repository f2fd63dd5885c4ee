package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// may takes one of the messages that a notifier may send in an hour; when there
// is none left it asks to come again when there is. A message that replaces
// another one counts like any.
func (p *planner) may(id config.NotifierID) bool {
	if p.world.MaxPerHour == nil {
		return true
	}
	most := p.world.MaxPerHour(id)
	if most <= 0 {
		return true
	}
	sent := p.book.lately(id, p.now)
	if over := len(sent) + p.taken[id] + 1 - most; over > 0 {
		next := p.now
		if over <= len(sent) {
			next = sent[over-1].At
		}
		p.later(next.Add(time.Hour))
		return false
	}
	p.taken[id]++
	return true
}

// lately lists what was told through a notifier in the last hour, oldest first.
func (b *Book) lately(id config.NotifierID, now time.Time) []*Delivery {
	list := b.hour[id]
	for len(list) > 0 && now.Sub(list[0].At) >= time.Hour {
		list = list[1:]
	}
	if len(list) > 0 && list[len(list)-1].At.After(now) {
		return nil // told by a clock that has been set back since
	}
	return list
}

// remember keeps what was told through a notifier for an hour.
func (b *Book) remember(d *Delivery) {
	id := d.Way.Notifier
	b.hour[id] = append(slices.DeleteFunc(b.hour[id], func(o *Delivery) bool { return d.At.Sub(o.At) >= time.Hour }), d)
}
