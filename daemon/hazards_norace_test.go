//go:build !race

package daemon

const edits = 1_000
