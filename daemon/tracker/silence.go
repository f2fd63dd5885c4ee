package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// keepSilences is how long one that has ended is remembered: what came and went
// in it is not told afterwards.
const keepSilences = 24 * time.Hour

// Silence has nothing sent about a group, a server, a check or a role until a time, and
// returns the silence with its ID. Of the reason at most 1 KiB is kept, sanitised. It is
// an error if the files have no such thing, or the time is over.
func (t *Tracker) Silence(ctx context.Context, scope outbox.Scope, reason string, until time.Time) (outbox.Silence, error) {
	return call(ctx, t, func(r *round) (outbox.Silence, error) { return t.silence(r, scope, reason, until) })
}

func (t *Tracker) silence(r *round, scope outbox.Scope, reason string, until time.Time) (none outbox.Silence, err error) {
	if err := t.exists(scope); err != nil {
		return none, err
	}
	if !until.After(r.now) {
		return none, fmt.Errorf("a silence that ends at %s is over already", until.Format(time.RFC3339))
	}
	if err := writable(until); err != nil {
		return none, err
	}
	s := outbox.NewSilence(scope, boundReason(reason), r.now, until)
	if !t.keep(r, s) {
		return none, errNotKept
	}
	return s, nil
}

// exists refuses a silence that would silence nothing.
func (t *Tracker) exists(s outbox.Scope) error {
	var known bool
	switch {
	case s.Group != "":
		_, known = t.cfg.Groups[s.Group]
	case s.Server != "":
		_, known = t.cfg.Servers[s.Server]
	case s.Check != "":
		_, known = t.cfg.Checks[s.Check]
	case s.Role != "":
		_, known = t.cfg.Roles[s.Role]
	default:
		return errors.New("a silence needs a group, a server, a check or a role")
	}
	if !known {
		return fmt.Errorf("there is no %s", boundName(s.String()))
	}
	return nil
}

// EndSilence ends a silence before its time.
func (t *Tracker) EndSilence(ctx context.Context, id string) error {
	return t.run(ctx, func(r *round) error {
		s, ok := t.silences[id]
		if !ok || !s.Until.After(r.now) {
			return fmt.Errorf("there is no silence %s", boundName(id))
		}
		// Kept and not deleted: what came and went in it is not told afterwards.
		s.Until = r.now
		t.keep(r, s)
		return nil
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
	for id, old := range t.silences {
		if r.now.Sub(old.Until) > keepSilences {
			delete(t.silences, id)
		}
	}
	return true
}
