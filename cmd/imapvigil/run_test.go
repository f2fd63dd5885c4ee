package main

import (
	"runtime/debug"
	"testing"
)

// The daemon collects garbage more often than Go does by default, unless GOGC says how
// often.
func TestCollectGarbageOften(t *testing.T) {
	const before = 77
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	environment{collects: true}.collectGarbageOften()
	if got := debug.SetGCPercent(before); got != before {
		t.Errorf("with GOGC in the environment the percentage became %d", got)
	}
	environment{}.collectGarbageOften()
	if got := debug.SetGCPercent(before); got != 25 {
		t.Errorf("the percentage is %d, want 25", got)
	}
}
