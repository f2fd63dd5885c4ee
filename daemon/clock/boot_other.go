//go:build !linux

package clock

import "time"

// sinceBoot returns the time since this process began: without CLOCK_BOOTTIME a suspend
// looks like a clock jump.
func sinceBoot() time.Duration { return time.Since(processStart) }

var processStart = time.Now()
