//go:build race

package daemon

// The race detector takes five times as long for each edit.
const edits = 200
