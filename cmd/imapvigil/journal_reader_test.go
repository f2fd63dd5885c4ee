//go:build !quick

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A journalReader reads the journal while it is written, across crashes and
// compactions, and folds it in its own, simple way.
type journalReader struct {
	mu            sync.Mutex
	seq           uint64
	snapshot      uint64 // the number of the records of a snapshot that was read
	incidents     map[incident.ID]*account
	ofCheck       map[config.CheckID][]incident.ID // in order
	notifications map[outbox.Key]outbox.Notification
	ends          map[outbox.Key]outbox.Outcome // final ones
	replaced      map[outbox.Key]bool           // by a later notification
	changed       chan struct{}                 // closed and replaced when something is new
}

// An account is what the journal says of one incident.
type account struct {
	check              config.CheckID
	since              time.Time // when its first failed probe began
	opened, closed     int
	unreported         bool // closed before it was opened
	openedAt, closedAt time.Time
	endedAt            time.Time
	cause              config.Cause
}

func (a account) String() string {
	return fmt.Sprintf("%s since %s, opened %d times (%s), closed %d times (%s) as of %s",
		a.cause, clockTime(a.since), a.opened, clockTime(a.openedAt), a.closed, clockTime(a.closedAt), clockTime(a.endedAt))
}

func clockTime(t time.Time) string { return t.UTC().Format("15:04:05.000") }

func newJournalReader() *journalReader {
	return &journalReader{
		incidents: map[incident.ID]*account{}, ofCheck: map[config.CheckID][]incident.ID{},
		notifications: map[outbox.Key]outbox.Notification{}, ends: map[outbox.Key]outbox.Outcome{},
		replaced: map[outbox.Key]bool{}, changed: make(chan struct{}),
	}
}

// watch follows a journal until ctx ends.
func (w *journalReader) watch(ctx context.Context, dir string) error {
	for record, err := range journal.Follow(ctx, dir, 0) {
		if err == nil {
			err = w.take(record)
		}
		if err != nil {
			return fmt.Errorf("after record %d: %w", w.seq, err)
		}
	}
	return nil
}

// readOn takes what the journal has had since, when nobody writes it any more.
func (w *journalReader) readOn(dir string) error {
	seq := w.seq
	for record, err := range journal.Read(dir) {
		if err == nil && record.Seq > seq {
			err = w.take(record)
		}
		if err != nil {
			return fmt.Errorf("after record %d: %w", w.seq, err)
		}
	}
	return nil
}

func (w *journalReader) take(r journal.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.news()
	if r.Kind == "incident.whole" {
		w.snapshot = r.Seq
	}
	if r.Seq != w.seq+1 && r.Seq != w.snapshot {
		return fmt.Errorf("record %d comes next", r.Seq)
	}
	w.seq = r.Seq
	switch {
	case r.Kind == "incident.whole":
		return w.restore(r.Data)
	case strings.HasPrefix(r.Kind, "incident."):
		var e incident.Event
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return err
		}
		return w.happened(e)
	case r.Kind == "telling":
		var notification outbox.Notification
		err := json.Unmarshal(r.Data, &notification)
		w.notifications[notification.Key] = notification
		for _, key := range notification.Replaces {
			w.replaced[key] = true
		}
		return err
	case r.Kind == "outcome":
		var o outbox.Outcome
		err := json.Unmarshal(r.Data, &o)
		if end, ended := w.ends[o.Key]; ended && r.Seq != w.snapshot {
			return fmt.Errorf("delivery %s is %s after it was %s", o.Key, o.State, end.State)
		}
		if o.State.Final() {
			w.ends[o.Key] = o
		}
		return err
	}
	return fmt.Errorf("a record of kind %s", r.Kind)
}

// restore takes an incident as a compaction has written it, while the reader
// was looking elsewhere.
func (w *journalReader) restore(data []byte) error {
	var whole struct {
		Incident incident.Incident
		Events   []incident.Event
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		return err
	}
	if w.incidents[whole.Incident.ID] == nil {
		w.ofCheck[whole.Incident.Check] = append(w.ofCheck[whole.Incident.Check], whole.Incident.ID)
	}
	w.incidents[whole.Incident.ID] = &account{check: whole.Incident.Check, since: whole.Incident.StartedAt}
	for _, e := range whole.Events {
		if e.Kind == incident.Failing {
			continue
		}
		if err := w.happened(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *journalReader) happened(e incident.Event) error {
	a := w.incidents[e.Incident]
	if a == nil && e.Kind != incident.Failing {
		return fmt.Errorf("%s of incident %s, which never began", e.Kind, e.Incident)
	}
	switch e.Kind {
	case incident.Failing:
		if a != nil {
			return fmt.Errorf("incident %s begins again", e.Incident)
		}
		w.incidents[e.Incident] = &account{check: e.Check, since: e.Since}
		w.ofCheck[e.Check] = append(w.ofCheck[e.Check], e.Incident)
	case incident.Opened:
		a.opened++
		a.openedAt, a.cause = e.At, e.Finding.Cause
	case incident.Closed:
		a.closed++
		a.unreported = a.opened == 0
		a.endedAt, a.closedAt = e.Since, e.At
	}
	return nil
}

// news wakes those who wait; w.mu is held.
func (w *journalReader) news() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// nudge is news from elsewhere.
func (w *journalReader) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news()
}

// latest is the latest incident of a check.
func (w *journalReader) latest(id config.CheckID) (incident.ID, account) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.ofCheck[id]
	if len(list) == 0 {
		return "", account{}
	}
	last := list[len(list)-1]
	return last, *w.incidents[last]
}

// of gives the incidents of a check, in order.
func (w *journalReader) of(id config.CheckID) iter.Seq2[incident.ID, account] {
	return func(yield func(incident.ID, account) bool) {
		w.mu.Lock()
		list := w.ofCheck[id]
		w.mu.Unlock()
		for _, id := range list {
			w.mu.Lock()
			a := *w.incidents[id]
			w.mu.Unlock()
			if !yield(id, a) {
				return
			}
		}
	}
}

// sent are the notifications that have arrived.
func (w *journalReader) sent() map[outbox.Key]outbox.Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := map[outbox.Key]outbox.Notification{}
	for key, end := range w.ends {
		if end.State == outbox.Sent {
			list[key] = w.notifications[key]
		}
	}
	return list
}

// told counts the incidents of which a notifier has delivered a transition.
func (w *journalReader) told(to config.NotifierID, what notifiers.Transition) int {
	seen := map[incident.ID]bool{}
	for _, notification := range w.sent() {
		for _, item := range notification.Items {
			if notification.NotifyID.Notifier == to && item.Transition == what {
				seen[item.Incident] = true
			}
		}
	}
	return len(seen)
}

// notificationsTo lists what a notifier was to tell, in order.
func (w *journalReader) notificationsTo(to config.NotifierID) (list []outbox.Notification) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, notification := range w.notifications {
		if notification.NotifyID.Notifier == to {
			list = append(list, notification)
		}
	}
	slices.SortFunc(list, func(a, b outbox.Notification) int { return a.At.Compare(b.At) })
	return list
}

// beginnings are when the first and the last incident began.
func (w *journalReader) beginnings() (first, last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.incidents {
		if first.IsZero() || a.since.Before(first) {
			first = a.since
		}
		if a.since.After(last) {
			last = a.since
		}
	}
	return first, last
}

// await waits until nothing is missing any more.
func (w *journalReader) await(ctx context.Context, deadline time.Duration, missing func() []string) error {
	late := time.After(deadline)
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		list := missing()
		if len(list) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("missing after %s: %s", deadline, strings.Join(list, ", "))
		}
	}
}
