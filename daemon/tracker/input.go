package tracker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// ErrStopped is returned to whoever asks a tracker that has ended.
var ErrStopped = errors.New("the tracker has stopped")

// An input is something that happened outside. It is handled in the tracker's
// goroutine and adds to the round.
type input interface{ handle(*Tracker, *round) }

// put hands an input over.
func (t *Tracker) put(ctx context.Context, in input) error {
	select {
	case t.inputs <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.done:
		return ErrStopped
	}
}

// ask hands an input over and waits until its round is journaled.
func ask[T any](ctx context.Context, t *Tracker, in input, answer <-chan T) (none T, err error) {
	if err := t.put(ctx, in); err != nil {
		return none, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return none, ctx.Err()
	case <-t.done:
		return none, ErrStopped
	}
}

// Observe takes a probe's result and answers how soon the next one is wanted,
// once what follows from it is journaled.
func (t *Tracker) Observe(ctx context.Context, r incident.Result) incident.Pace {
	answer := make(chan incident.Pace, 1)
	pace, err := ask(ctx, t, observed{r, answer}, answer)
	if err != nil {
		return incident.Pace{} // the loop is ending
	}
	return pace
}

type observed struct {
	result incident.Result
	answer chan<- incident.Pace
}

func (in observed) handle(t *Tracker, r *round) {
	id := in.result.Check
	cfg, ok := t.cfg.Checks[id]
	if !ok || !cfg.Enabled {
		in.answer <- incident.Pace{} // a probe that ended after its check was removed
		return
	}
	if t.cfg.LoginLeftOut[id] {
		in.result.Observed &^= config.ConditionSet(config.ConditionAccount)
	}
	c := t.known(id)
	streaks, events := incident.Observe(cfg.Policy, c.state, in.result)
	c.state = c.state.Confirmed(streaks)
	t.published.checkChanged(c)
	failing := streaks.Failing()
	if in.result.Started.Before(t.clock.ProcessResumed) {
		failing = 0 // it was seen before the process stood still, and is not fresh
	}
	if c.seen(in.result, failing) {
		t.touch(id) // what waited for a fresh observation may be told now
	}
	t.happen(r, events)
	t.probeNeighbours(cfg, events, r)
	pace := incident.PaceOf(cfg.Policy, c.state, in.result.Ended)
	r.replies = append(r.replies, func() {
		in.answer <- pace
		t.tell(in.result)
	})
}

// seen keeps what status shows of a check beside its incidents, and reports
// whether a condition was found failing for the first time since the start.
func (c *check) seen(r incident.Result, failing config.Conditions) (first bool) {
	c.served = c.served || r.Observed.Has(config.ConditionService)
	unknown := r.Observed == 0 || !c.served // what works up to the login is not known to work
	if c.last == nil || unknown != c.unknown {
		c.since = r.Started
	}
	c.unknown, c.last = unknown, &r
	first = c.fresh|failing != c.fresh
	c.fresh |= failing
	return first
}

// Ping returns when the tracker has finished a round that began after the
// call.
func (t *Tracker) Ping(ctx context.Context) error {
	answer := make(chan struct{}, 1)
	_, err := ask(ctx, t, pinged{answer}, answer)
	return err
}

type pinged struct{ answer chan<- struct{} }

func (in pinged) handle(_ *Tracker, r *round) {
	r.replies = append(r.replies, func() { in.answer <- struct{}{} })
}

// Await gives the next result of a probe of the check that begins after now,
// once it is journaled.
func (t *Tracker) Await(ctx context.Context, id config.CheckID, asked func()) (incident.Result, error) {
	answer := make(chan incident.Result, 1)
	return ask(ctx, t, awaited{id, time.Now(), asked, answer}, answer)
}

type awaited struct {
	check  config.CheckID
	since  time.Time
	asked  func() // called once the question stands
	answer chan<- incident.Result
}

func (in awaited) handle(t *Tracker, r *round) {
	t.asking[in.check] = append(t.asking[in.check], in)
	r.replies = append(r.replies, in.asked)
}

// tell answers those who await a result of the check.
func (t *Tracker) tell(r incident.Result) {
	if len(t.asking[r.Check]) == 0 {
		return
	}
	waiting := t.asking[r.Check][:0]
	for _, a := range t.asking[r.Check] {
		if r.Started.Before(a.since) {
			waiting = append(waiting, a)
			continue
		}
		a.answer <- r
	}
	if len(waiting) == 0 {
		delete(t.asking, r.Check)
		return
	}
	t.asking[r.Check] = waiting
}

// Configure makes a configuration the one in force. It cannot fail.
func (t *Tracker) Configure(ctx context.Context, cfg *config.Config) error {
	answer := make(chan struct{}, 1)
	_, err := ask(ctx, t, configured{cfg, answer}, answer)
	return err
}

type configured struct {
	cfg    *config.Config
	answer chan<- struct{}
}

func (in configured) handle(t *Tracker, r *round) {
	t.use(in.cfg)
	t.move(r)
	for id, c := range t.checks {
		if isTrouble(id) {
			continue
		}
		is := incident.Absent
		if cfg, ok := in.cfg.Checks[id]; ok {
			is = incident.Disabled
			if cfg.Enabled {
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
	r.replies = append(r.replies, func() { in.answer <- struct{}{} })
}

// leave lets go of what was observed of a check that is gone. Of its incidents,
// which are over, it knows when it comes back, as after a restart.
func (t *Tracker) leave(id config.CheckID, c *check) {
	for in := range c.state.Incidents() {
		if t.ledger[in.ID] != nil {
			t.checks[id] = &check{state: c.state.Confirmed(incident.Streaks{})}
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
	c.state = c.state.Inheriting(from.state)
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

// Attempted takes what one attempt of the sender came to.
func (t *Tracker) Attempted(a outbox.Attempt) {
	_ = t.put(context.Background(), attempted(a)) // stopped: the delivery is due again after the start
}

type attempted outbox.Attempt

func (in attempted) handle(t *Tracker, r *round) {
	d, ok := t.book.Delivery(in.Key)
	if !ok {
		return
	}
	o := boundOutcome(outbox.Conclude(*d, in.Receipt, in.Err, in.At, t.Jitter()))
	t.settle(o)
	for _, item := range d.Items {
		t.agenda.touch(item.Incident)
		if rec, ok := t.ledger[item.Incident]; ok && !rec.incident.Live() {
			t.touch(rec.incident.Check) // what is newer may have waited for its end
		}
	}
	r.add(kindOutcome, o.At, o)
	fields := []zap.Field{
		zap.String("key", string(o.Key)), zap.String("role", string(d.NotifyID.Role)),
		zap.String("notifier", string(d.NotifyID.Notifier)), zap.String("target", d.NotifyID.Target),
		zap.String("state", string(o.State)), zap.Int("attempts", o.Attempts),
		zap.Stringer("answer", d.Answer()),
	}
	fields = append(fields, t.tellsOf(d)...)
	if in.Err != nil && o.State != outbox.Sent {
		t.Log.Warn("a message could not be delivered", append(fields, zap.Time("next_at", o.NextAt))...)
		return
	}
	if len(d.Refused()) > 0 {
		t.Log.Warn("a message was delivered to some of its recipients only", fields...)
	}
	if in.Err != nil {
		return
	}
	t.mendChannel(d.NotifyID.Notifier, r.now)
	t.book.Hurry(d.NotifyID.Notifier, r.now)
	if len(d.Refused()) == 0 {
		t.Log.Info("a message was delivered", fields...)
	}
}

// tellsOf names the incident and the check that a message tells of, where it
// tells of one.
func (t *Tracker) tellsOf(d *outbox.Delivery) []zap.Field {
	if len(d.Items) != 1 {
		return nil
	}
	id := d.Items[0].Incident
	fields := []zap.Field{zap.String("incident", string(id))}
	if rec, ok := t.ledger[id]; ok {
		fields = append(fields, zap.String("check", string(rec.incident.Check)))
	}
	return fields
}

// errNotKept is the answer to whoever asked for what the journal refuses.
var errNotKept = errors.New("the journal cannot keep this; nothing has changed (see the log)")

// Acknowledge notes that somebody takes an incident on until a time (zero:
// until it ends). Of the reason at most 1 KiB is kept, sanitised.
func (t *Tracker) Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) error {
	answer := make(chan error, 1)
	failed, err := ask(ctx, t, acknowledged{id, reason, until, answer}, answer)
	return errors.Join(err, failed)
}

type acknowledged struct {
	id     incident.ID
	reason string
	until  time.Time
	answer chan<- error
}

func (in acknowledged) handle(t *Tracker, r *round) {
	rec, ok := t.ledger[in.id]
	switch {
	case !ok:
		in.answer <- errors.New("there is no incident " + boundName(string(in.id)))
		return
	case !rec.incident.Open():
		in.answer <- errors.New("incident " + string(in.id) + " is not open")
		return
	}
	if err := writable(in.until); err != nil {
		in.answer <- err
		return
	}
	e := incident.Event{
		Kind: incident.Acknowledged, At: r.now, Incident: in.id, Check: rec.incident.Check,
		Condition: rec.incident.Condition, Reason: in.reason, Until: in.until,
	}
	if !t.happen(r, []incident.Event{e}) {
		in.answer <- errNotKept
		return
	}
	r.replies = append(r.replies, func() { in.answer <- nil })
}
