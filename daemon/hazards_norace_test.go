//go:build !race

package daemon

const (
	edits   = 1_000
	reloads = 10_000
)
