package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// session is a set of watches made at one moment, and the goroutine that takes
// their events.
//
// A session lasts from one signal to the next; watches are made anew for every
// look and never kept up to date. So nothing depends on what kernel and library
// believe about directories that were meanwhile removed and recreated, renamed or
// swapped (fsnotify knows a watch by path, the kernel by inode; when the two part,
// version 1.10.1 loses watches, keeps stale ones, and panics on removing one), and
// whatever went wrong is over with the next poll. What happens between two
// sessions needs no event: the look that follows sees it.
//
// The goroutine never sets a watch: fsnotify may hold, while it hands over an
// error, the lock that setting one needs.
type session struct {
	events *fsnotify.Watcher
	scope  scope
	ended  chan struct{}
}

// renewSession replaces the session, or finds out why there can be none.
func (w *Watcher) renewSession(ctx context.Context) {
	if w.o.NoEvents {
		return
	}
	w.endSession()
	events, err := w.open()
	if err != nil {
		w.noteTrouble(withoutEvents(err))
		return
	}
	w.session = &session{events: events, scope: newScope(), ended: make(chan struct{})}
	// Before the first watch is set: fsnotify waits until somebody takes an error, and may
	// hold the lock that setting a watch needs.
	go w.session.forwardEvents(w.hints)
	if faults := w.surveyPaths(ctx); ctx.Err() == nil {
		w.noteTrouble(faults.asTrouble())
	}
}

func (w *Watcher) endSession() {
	if w.session == nil {
		return
	}
	_ = w.session.events.Close() // only says that it was closed before
	<-w.session.ended
	w.session = nil
}

func (w *Watcher) surveyPaths(ctx context.Context) faults {
	s := survey{ctx: ctx, scope: &w.session.scope, walked: make(map[string]int)}
	s.add = func(dir string) error { return w.add(w.session.events, dir) }
	if path, err := makeAbsolute(w.o.Path); err != nil {
		s.faults.addFault(w.o.Path, err)
	} else {
		s.watchConfiguration(path)
	}
	for _, file := range w.alsoPaths() {
		if path, err := makeAbsolute(file); err != nil {
			s.faults.addFault(file, err)
		} else {
			s.watchFile(path)
		}
	}
	return s.faults
}

// makeAbsolute makes a path absolute and does not clean it: with symbolic links in it,
// a/../b is not b.
func makeAbsolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	dir, err := os.Getwd()
	return dir + "/" + path, err
}

// forwardEvents makes hints of the events that matter until the session is closed.
// Nothing in it waits for Run, so it always keeps up.
func (s *session) forwardEvents(hints chan Reason) {
	defer close(s.ended)
	for {
		select {
		case event, open := <-s.events.Events:
			if !open {
				return
			}
			if s.scope.isRelevant(event.Name) {
				offerReason(hints, Events)
			}
		case err, open := <-s.events.Errors:
			if !open {
				return
			}
			hint := Events // the only other errors are about watches of what is gone
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				hint = Overflow
			}
			offerReason(hints, hint)
		}
	}
}
