package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// keepSilences is how long one that has ended is remembered: what came and went
// in it is not told afterwards.
const keepSilences = 24 * time.Hour

// Silence has nothing sent about a group, a server, a check or a role until a time, and
// returns the silence with its ID and its beginning. Of the reason at most 1 KiB is kept,
// sanitised. It is an error if the files have no such thing, or no check is in it, or the
// time is over.
func (t *Tracker) Silence(ctx context.Context, wanted outbox.Silence) (outbox.Silence, error) {
	return call(ctx, t, func(r *round) (outbox.Silence, error) { return t.silence(r, wanted) })
}

func (t *Tracker) silence(r *round, wanted outbox.Silence) (none outbox.Silence, err error) {
	if err := t.exists(wanted.Scope); err != nil {
		return none, err
	}
	if !wanted.Until.After(r.now) {
		return none, fmt.Errorf("a silence must end in the future, not at %s", wanted.Until.Format(time.RFC3339))
	}
	if err := writable(wanted.Until); err != nil {
		return none, err
	}
	s := outbox.NewSilence(wanted.Scope, boundReason(wanted.Reason), r.now, wanted.Until.UTC())
	s.By = boundAuthor(wanted.By)
	if !t.keep(r, s) {
		return none, errNotKept
	}
	return s, nil
}

// exists refuses a silence that would silence nothing.
func (t *Tracker) exists(s outbox.Scope) error {
	switch {
	case s == outbox.Scope{}:
		return errors.New("a silence needs a group, a server, a check or a role")
	case !s.In(t.cfg):
		return fmt.Errorf("there is no %s", boundName(s.String()))
	case s.MutesNothing(t.cfg):
		return fmt.Errorf("%s has no checks, so there is nothing to silence", boundName(s.String()))
	}
	return nil
}

// EndSilence ends a silence before its time, and returns it as it was.
func (t *Tracker) EndSilence(ctx context.Context, id, by string) (before outbox.Silence, err error) {
	return call(ctx, t, func(r *round) (outbox.Silence, error) {
		before, ok := t.silences[id]
		if !ok || !before.Until.After(r.now) {
			return before, fmt.Errorf("there is no silence %s", boundName(id))
		}
		// Kept and not deleted: what came and went in it is not told afterwards.
		ended := before
		ended.Until, ended.EndedBy = r.now, boundAuthor(by)
		if !t.keep(r, ended) {
			return before, errNotKept
		}
		return before, nil
	})
}

// moveSilences has silences go with what they are about: a check that has another
// id now, and a server whose checks have.
func (t *Tracker) moveSilences(r *round) {
	for _, m := range t.cfg.Moved {
		_, stays := t.cfg.Checks[m.From]
		to, exists := t.cfg.Checks[m.To]
		if stays || !exists {
			continue
		}
		for _, s := range t.silences {
			if moved, ok := t.movedScope(s.Scope, m, to.Server); ok {
				s.Scope = moved
				t.keep(r, s)
			}
		}
	}
}

// warnOfLostSilences logs the silences that mute nothing any more, which they did by the
// configuration before.
func (t *Tracker) warnOfLostSilences(before *config.Config, now time.Time) {
	for _, s := range t.silences {
		if s.Until.After(now) && s.Scope.MutesNothing(t.cfg) && (before == unconfigured || !s.Scope.MutesNothing(before)) {
			t.Log.Warn("a silence mutes nothing any more: what it is about is not in the files, or has no checks",
				zap.String("silence", s.ID), zap.String("about", s.Scope.String()), zap.Time("until", s.Until.Truncate(time.Second)))
		}
	}
}

// movedScope follows a move. The server of a check that is gone stands in its id,
// if it was written inside of it.
func (t *Tracker) movedScope(s outbox.Scope, m config.Move, server config.ServerID) (outbox.Scope, bool) {
	old, _, inside := strings.Cut(string(m.From), "/")
	_, stays := t.cfg.Servers[config.ServerID(old)]
	switch {
	case s.Check != "" && s.Check == m.From:
		return outbox.Scope{Check: m.To}, true
	case inside && !stays && s.Server == config.ServerID(old) && server != "":
		return outbox.Scope{Server: server}, true
	}
	return s, false
}

// keep notes a silence, or what has changed of it, unless the journal refuses it.
func (t *Tracker) keep(r *round, s outbox.Silence) bool {
	if !r.addRecord(kindSilence, r.now, s) {
		return false
	}
	t.silences[s.ID] = s
	t.agenda.everything()
	t.published.stale = true
	t.forgetSilences(r.now)
	return true
}

// forgetSilences drops the silences that ended long ago.
func (t *Tracker) forgetSilences(now time.Time) {
	for id, old := range t.silences {
		if now.Sub(old.Until) > keepSilences {
			delete(t.silences, id)
		}
	}
}
