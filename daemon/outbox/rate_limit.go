package outbox

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// takeFromLimit takes one of the messages that a notifier may send in an hour; when there
// is none left it says when there is one. A message that replaces another one
// counts like any, and so does one that must be sent in any case.
func (p *planner) takeFromLimit(id config.NotifierID, must bool) (free time.Time, ok bool) {
	most := p.world.maxPerHour(id)
	if most <= 0 {
		return free, true
	}
	sent := p.book.sentLastHour(id, p.now)
	if over := len(sent) + p.taken[id] + 1 - most; over > 0 && !must {
		// There is room when enough of the oldest are an hour old. Where all of them are
		// not enough, this plan has taken the rest just now.
		next := p.now
		if over <= len(sent) {
			next = sent[over-1].At
		}
		return next.Add(time.Hour), false
	}
	p.taken[id]++
	return free, true
}

// sentLastHour lists what was told through a notifier in the last hour, oldest first.
func (b *Book) sentLastHour(id config.NotifierID, now time.Time) []*Delivery {
	list := b.hour[id]
	for len(list) > 0 && now.Sub(list[0].At) >= time.Hour {
		list = list[1:]
	}
	if len(list) > 0 && list[len(list)-1].At.After(now) {
		return nil // told by a clock that has been set back since
	}
	return list
}

// rememberSent keeps what was told through a notifier for an hour.
func (b *Book) rememberSent(d *Delivery) {
	id := d.NotifyID.Notifier
	b.hour[id] = append(b.sentLastHour(id, d.At), d)
}
