package tracker

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Configure makes a configuration the one in force. It cannot fail. On a standby it decides nothing
// of what the configuration changes.
func (t *Tracker) Configure(ctx context.Context, cfg *config.Config) error {
	_, err := inRound(ctx, t, func(r *round) (none struct{}, _ error) {
		if t.standby {
			t.useConfiguration(cfg)
		} else {
			t.configure(r, cfg)
		}
		return none, nil
	})
	return err
}

// configure makes a configuration the one in force, and tells the incidents whose checks
// are no longer as they were.
func (t *Tracker) configure(r *round, cfg *config.Config) {
	before := t.cfg
	t.useConfiguration(cfg)
	t.followConfiguration(r, before)
}

// followConfiguration tells the incidents what is different in the files from those before.
func (t *Tracker) followConfiguration(r *round, before *config.Config) {
	// A notifier that is gone can never deliver, and would keep its trouble open for ever.
	t.channels.withdraw(t.cfg.Notifiers)
	t.moveIncidents(r)
	for topic := range t.wished {
		if _, exists := t.cfg.Checks[topic.check]; !exists {
			t.dropWish(r, topic)
		}
	}
	t.warnOfLostSilences(before, r.now)
	for id, c := range t.checks {
		if isTrouble(id) {
			continue
		}
		is := incident.Absent
		if now, ok := t.cfg.Checks[id]; ok {
			is = incident.Disabled
			if now.Enabled {
				is = incident.Present
			} else {
				c.served = false // what was seen before the pause is old when it ends
			}
		}
		t.addEvents(r, incident.Configured(c.state, is, r.now))
		// A live incident waits for its check to come back.
		if is == incident.Absent && !c.state.Live() {
			t.forgetCheck(id, c)
		}
	}
}

// forgetCheck drops what was observed of a check that is gone. Its incidents, which are
// over, are known when it comes back, as they would be after a restart.
func (t *Tracker) forgetCheck(id config.CheckID, c *check) {
	for in := range c.state.Incidents() {
		if t.ledger.records[in.ID] != nil {
			t.checks[id] = &check{state: c.state.WithCounts(incident.Counts{})}
			return
		}
	}
	delete(t.checks, id)
}

// moveIncidents gives incidents and silences to the checks that have another id now. A
// moved block may stay in the files for years: it moves what is there to be moved.
func (t *Tracker) moveIncidents(r *round) {
	for _, m := range t.cfg.Moved {
		from, known := t.checks[m.From]
		_, stays := t.cfg.Checks[m.From]
		if _, exists := t.cfg.Checks[m.To]; !known || stays || !exists {
			continue
		}
		to := t.ensureCheck(m.To)
		events := incident.Move(from.state, to.state, m.To, r.now)
		to.inheritFrom(from, m.To)
		t.published.checkChanged(to)
		t.addEvents(r, events)
	}
	t.moveSilences(r)
}

// inheritFrom takes over what is known of a check that has another id now, unless
// something newer is known.
func (c *check) inheritFrom(from *check, id config.CheckID) {
	c.state = c.state.InheritingCounts(from.state)
	c.fresh |= from.fresh
	c.served = c.served || from.served
	if c.last == nil && from.last != nil {
		last := *from.last
		last.Check = id
		c.last, c.since, c.unknown = &last, from.since, from.unknown
	}
}

// useConfiguration makes a configuration the one by which everything is decided.
func (t *Tracker) useConfiguration(cfg *config.Config) {
	t.cfg, t.calendar, t.dependencies = cfg, calendar.New(cfg), outbox.NewDependencies(cfg)
	if t.Resend != nil {
		t.repeats.configure(t.cfg.Notifiers)
	}
	t.agenda.everything()
	t.pacer.configure(cfg)
	t.published.configure(cfg, t.calendar, t.checks)
}
