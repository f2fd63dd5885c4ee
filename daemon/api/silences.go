package api

import (
	"cmp"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Silence is one silence, as it is journaled.
type Silence = outbox.Silence

// Scope is what a silence is about.
type Scope = outbox.Scope

// ListedSilence is one silence, as `silence` shows it, and what it covers.
type ListedSilence struct {
	Silence
	// Checks is how many checks it covers: 0 for a role, which it is about whatever the
	// check, and for what is gone from the files.
	Checks int `json:"checks"`
	// Gone: what it is about is not in the files any more, so it covers nothing.
	Gone bool `json:"gone"`
	// Ended: its time is over.
	Ended bool `json:"ended"`
}

func newListedSilence(silence Silence, s *tracker.Snapshot) ListedSilence {
	count, gone, ended := silence.Scope.CountChecks(s.Config), !silence.Scope.In(s.Config), !silence.Until.After(s.At)
	// Older journals have the zone of whoever typed.
	silence.From, silence.Until = silence.From.UTC(), silence.Until.UTC()
	return ListedSilence{silence, count, gone, ended}
}

// LostSilences lists those of a snapshot that have not ended and mute nothing.
func LostSilences(s *tracker.Snapshot) []ListedSilence {
	return slices.DeleteFunc(NewSilences(s, false).Silences, func(l ListedSilence) bool { return !l.Scope.MutesNothing(s.Config) })
}

// Silences is what `silence list --json` prints.
type Silences struct {
	Silences []ListedSilence `json:"silences"`
}

// NewSilences lists those of a snapshot that have not ended, the first to end first; all:
// also those that have and are remembered, before them.
func NewSilences(s *tracker.Snapshot, all bool) Silences { return newSilences(view{s, everybody}, all) }

func newSilences(s view, all bool) Silences {
	// JSON says [], not null.
	list := []ListedSilence{}
	for _, silence := range s.Silences {
		if !all && !silence.Until.After(s.At) {
			continue
		}
		listed := newListedSilence(silence, s.Snapshot)
		if !s.all() {
			// One about a role, or about what is gone, covers none that they see.
			if listed.Checks, _ = s.coversSeen(silence); listed.Checks == 0 {
				continue
			}
		}
		list = append(list, listed)
	}
	slices.SortFunc(list, func(a, b ListedSilence) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	return Silences{list}
}
