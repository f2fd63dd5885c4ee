//go:build race

package daemon

// The race detector takes five times as long for each.
const (
	edits   = 150
	reloads = 2_500
)
