package googlechat

import "golang.org/x/time/rate"

// SetPace changes how many messages a second are sent.
func SetPace(to rate.Limit) (restore func()) {
	before := pace
	pace = to
	return func() { pace = before }
}
