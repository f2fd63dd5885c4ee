package tracker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// ErrStandby is the answer of a tracker that only folds what another one decides, to whoever
// wants something changed.
var ErrStandby = errors.New("another node decides: ask that one")

// kindCluster begins the kinds of the records with which nodes settle who decides. They say nothing
// of incidents.
const kindCluster = "cluster."

// Fold folds what another tracker has journaled, in the order of its journal, until this one begins to
// decide. Whoever calls it does so for all records that are newer than those which Open replayed.
func (t *Tracker) Fold(records []journal.Record) {
	if !t.Standby || t.begun.Load() {
		return // what it journals itself is folded already
	}
	in := func(t *Tracker, r *round) { t.fold(r, records) }
	_ = t.put(context.Background(), in) // stopped: nobody asks for its state any more
}

func (t *Tracker) fold(r *round, records []journal.Record) {
	for _, rec := range records {
		t.foldRecord(rec)
	}
	t.forgetOnStandby(r.now)
}

// foldRecord folds one record. One that this version cannot read must not end the monitor.
func (t *Tracker) foldRecord(rec journal.Record) {
	if err := t.replayRecord(rec); err != nil {
		t.Log.Error("a journal record could not be read and is skipped",
			zap.Uint64("seq", rec.Seq), zap.String("kind", rec.Kind), zap.Error(err))
	}
}

// Begin ends the standby: from now on this tracker decides, journals and sends, as one does that was
// opened just now on the same journal; what has failed to leave another machine is tried at once.
// Everything that Fold was given before is folded. It returns when the first round is journaled. In a tracker that
// decides already it changes nothing.
func (t *Tracker) Begin(ctx context.Context) error {
	t.begun.Store(true)
	_, err := inRound(ctx, t, func(r *round) (none struct{}, _ error) {
		if t.standby {
			t.begin(r)
		}
		return none, nil
	})
	return err
}

// begin makes of everything that is not journaled what it is after a start.
func (t *Tracker) begin(r *round) {
	t.standby = false
	t.started, t.wokenFrom = r.now, r.now.Add(-wakePause)
	t.clock = t.Clock()
	t.agenda = newAgenda()
	t.findBrokenUnnoted()
	if t.configured() {
		// As after the first one, which also tells the incidents what has changed in the files since. It is in use
		// already: of 100,000 checks that would take a quarter of a second.
		t.followConfiguration(r, unconfigured)
	}
	t.book.HurryAll(r.now)
	// To write a large journal anew takes a second, in which the first alarm would wait.
	t.compactNext = r.now.Add(compactPause)
	t.Log.Info("this node decides from now on", zap.Int("incidents", len(t.ledger.records)))
}

// finishLook is how often Finish looks whether attempts are under way.
const finishLook = 20 * time.Millisecond

// Finish has this tracker begin no attempt any more, and returns when what came of those under way is
// journaled, or with the error of ctx. Whoever decides next then repeats none of them, and makes the
// others.
func (t *Tracker) Finish(ctx context.Context) error {
	ticker := time.NewTicker(finishLook)
	defer ticker.Stop()
	for {
		busy, err := call(ctx, t, func(*round) (bool, error) {
			t.finishing = true
			return t.book.AttemptUnderWay(), nil
		})
		if err != nil || !busy {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// standbyForgets is how often a standby lets go of what is old.
	standbyForgets = time.Hour
	// standbyKeeps is how long after its end a standby takes an incident to be one of which somebody may
	// still have to hear: that is held, as until a schedule begins, only whoever decides knows.
	standbyKeeps = 8 * 24 * time.Hour
)

// forgetOnStandby drops now and then what whoever decides forgets when its journal is written anew: a
// standby may go on for months.
func (t *Tracker) forgetOnStandby(now time.Time) {
	// Nothing is planned by this agenda; the one of Begin has everything.
	clear(t.agenda.some)
	if now.Sub(t.forgotten) < standbyForgets {
		return
	}
	t.forgotten = now
	for id, rec := range t.ledger.active {
		if in := rec.incident; !in.Live() && now.Sub(in.ClosedAt) > standbyKeeps && t.isSettled(in, now) {
			t.ledger.retire(id)
		}
	}
	t.forgetOldIncidents(now)
	t.published.keepDeliveries(t.book.Keep(func(id incident.ID) bool { return t.ledger.records[id] != nil }))
	t.reports.Keep(now)
	t.forgetSilences(now)
}
