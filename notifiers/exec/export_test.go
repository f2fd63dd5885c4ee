package exec

import "time"

// SetGrace changes what a program has after SIGTERM, until the returned function is called.
func SetGrace(to time.Duration) (restore func()) {
	before := grace
	grace = to
	return func() { grace = before }
}
