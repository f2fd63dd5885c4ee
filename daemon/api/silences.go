package api

import "github.com/imapvigil/imapvigil/daemon/tracker"

// Silence is one silence, as `silence` shows it.
type Silence = tracker.SilenceView

// Scope is what a silence is about.
type Scope = tracker.Scope

// Silences is what `silence list --json` prints.
type Silences struct {
	Silences []Silence `json:"silences"`
}
