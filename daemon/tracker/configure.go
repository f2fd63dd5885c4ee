package tracker

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Configure makes a configuration the one in force. It cannot fail.
func (t *Tracker) Configure(ctx context.Context, cfg *config.Config) error {
	return t.run(ctx, func(r *round) error {
		t.configure(r, cfg)
		return nil
	})
}

// configure makes a configuration the one in force, and tells the incidents whose checks
// are no longer as they were.
func (t *Tracker) configure(r *round, cfg *config.Config) {
	t.use(cfg)
	t.move(r)
	for id, c := range t.checks {
		if isTrouble(id) {
			continue
		}
		is := incident.Absent
		if now, ok := cfg.Checks[id]; ok {
			is = incident.Disabled
			if now.Enabled {
				is = incident.Present
			} else {
				c.served = false // what was seen before the pause is old when it ends
			}
		}
		t.happen(r, incident.Configured(c.state, is, r.now))
		if is == incident.Absent && !c.state.Live() {
			t.leave(id, c)
		}
	}
}

// leave lets go of what was observed of a check that is gone. Of its incidents,
// which are over, it knows when it comes back, as after a restart.
func (t *Tracker) leave(id config.CheckID, c *check) {
	for in := range c.state.Incidents() {
		if t.ledger[in.ID] != nil {
			t.checks[id] = &check{state: c.state.WithCounts(incident.Counts{})}
			return
		}
	}
	delete(t.checks, id)
}

// move has incidents go with checks that have another id now. A moved block may
// stay in the files for years: it moves what is there to be moved.
func (t *Tracker) move(r *round) {
	for _, m := range t.cfg.Moved {
		from, known := t.checks[m.From]
		_, stays := t.cfg.Checks[m.From]
		if _, exists := t.cfg.Checks[m.To]; !known || stays || !exists {
			continue
		}
		to := t.known(m.To)
		events := incident.Move(from.state, to.state, m.To, r.now)
		to.inherit(from, m.To)
		t.published.checkChanged(to)
		t.happen(r, events)
	}
	t.moveSilences(r)
}

// inherit takes over what is known of a check that has another id now, as far as
// nothing newer is known.
func (c *check) inherit(from *check, id config.CheckID) {
	c.state = c.state.InheritingCounts(from.state)
	c.fresh |= from.fresh
	c.served = c.served || from.served
	if c.last == nil && from.last != nil {
		last := *from.last
		last.Check = id
		c.last, c.since, c.unknown = &last, from.since, from.unknown
	}
}

// use makes a configuration the one that is decided by.
func (t *Tracker) use(cfg *config.Config) {
	t.cfg, t.calendar, t.dependencies = cfg, calendar.New(cfg), outbox.NewDependencies(cfg)
	t.withdrawChannels()
	t.agenda.everything()
	t.published.configure(cfg, t.calendar, t.checks)
}
