//go:build !quick && race

package history

// The race detector takes ten times as long for each statement.
const everyStatement = 23
