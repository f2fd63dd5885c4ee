package api

import (
	"cmp"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Silence is one silence, as `silence` shows it.
type Silence = outbox.Silence

// Scope is what a silence is about.
type Scope = outbox.Scope

// Silences is what `silence list --json` prints.
type Silences struct {
	Silences []Silence `json:"silences"`
}

// NewSilences lists those of a snapshot that have not ended, the first to end first.
func NewSilences(s *tracker.Snapshot) Silences {
	// JSON says [], not null.
	list := []Silence{}
	for _, silence := range s.Silences {
		if silence.Until.After(s.At) {
			list = append(list, silence)
		}
	}
	slices.SortFunc(list, func(a, b Silence) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	return Silences{list}
}
