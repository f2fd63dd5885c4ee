package tracker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Explain returns why the destinations of an incident are not told of it now; see
// [outbox.Explain]. It is worked out when somebody asks: to keep it of every incident
// would cost each round more than what is decided in it.
func (t *Tracker) Explain(ctx context.Context, id incident.ID) ([]outbox.Held, error) {
	// Only after the round has the book what was decided in it.
	return look(ctx, t, func(now time.Time) ([]outbox.Held, error) {
		if _, known := t.ledger.records[id]; !known {
			return nil, errors.New("there is no incident " + boundName(string(id)))
		}
		return t.explain(now, id), nil
	})
}

// mostUpcoming is of how many incidents Upcoming tells at most: it runs in the goroutine that
// decides alarms, and nobody reads more.
const mostUpcoming = 200

// Upcoming returns the escalations and reminders that time alone will have sent about the first
// [mostUpcoming] of some incidents; see [outbox.ListUpcoming].
func (t *Tracker) Upcoming(ctx context.Context, ids []incident.ID) ([]outbox.Upcoming, error) {
	return look(ctx, t, func(now time.Time) ([]outbox.Upcoming, error) {
		return outbox.ListUpcoming(t.book, t.worldOf(now, ids[:min(len(ids), mostUpcoming)]), now), nil
	})
}

// explain returns the reasons of several incidents, in the tracker's goroutine.
func (t *Tracker) explain(now time.Time, ids ...incident.ID) []outbox.Held {
	return outbox.Explain(t.book, t.worldOf(now, ids), now)
}

// worldOf returns the world with some incidents as its subjects.
func (t *Tracker) worldOf(now time.Time, ids []incident.ID) outbox.World {
	w := t.surroundings()
	for _, id := range ids {
		if rec, known := t.ledger.records[id]; known {
			t.addSubject(&w, rec.incident, now)
		}
	}
	return w
}

// lookedAt notes of which incidents it was decided in the round whether they must be told.
func (r *round) lookedAt(subjects []outbox.Subject) {
	if r.looked == nil {
		r.looked = make(map[incident.ID]bool, len(subjects))
	}
	for i := range subjects {
		r.looked[subjects[i].ID] = true
	}
}

// logHeld writes into a log that shows everything why destinations are not told of the
// incidents that were looked at, once a change. Otherwise it costs nothing.
func (t *Tracker) logHeld(r *round) {
	if len(r.looked) == 0 {
		return
	}
	reasons := map[incident.ID][]outbox.Held{}
	for _, h := range t.explain(r.now, slices.Sorted(maps.Keys(r.looked))...) {
		reasons[h.Incident] = append(reasons[h.Incident], h)
	}
	for id := range r.looked {
		var words []string
		for _, h := range reasons[id] {
			said := strings.Join([]string{string(h.Reason), string(h.NotifyID.Role), string(h.NotifyID.Notifier), h.NotifyID.Target}, " ")
			words = append(words, said)
			if slices.Contains(t.logged[id], said) {
				continue
			}
			t.Log.Debug("a destination is not notified now", zap.String("incident", string(id)), zap.String("notifier", string(h.NotifyID.Notifier)),
				zap.String("target", h.NotifyID.Target), zap.String("role", string(h.NotifyID.Role)), zap.String("reason", string(h.Reason)),
				zap.String("detail", h.Detail()), timeField("until", h.Until.Truncate(time.Second)))
		}
		if t.logged[id] = words; words == nil {
			delete(t.logged, id)
		}
	}
}
