package bus

import (
	"strconv"
	"testing"
	"time"
)

// What the servers forbid is tried twice a second, and logged once an hour.
func TestWhatIsForbiddenIsLoggedOnce(t *testing.T) {
	t.Parallel()
	c := &client{forbidden: map[string]time.Time{}}
	now := time.Now()
	logged := 0
	for range 2 * 3600 * 3 { // three hours
		if c.isNews("Publish iv.a.hb.fra1", now) {
			logged++
		}
		now = now.Add(time.Second / 2)
	}
	if logged != 3 {
		t.Errorf("it was logged %d times in three hours", logged)
	}
	for i := range 2 * mostForbidden {
		c.isNews("Publish "+strconv.Itoa(i), now)
	}
	if len(c.forbidden) != mostForbidden {
		t.Errorf("%d subjects are remembered", len(c.forbidden))
	}
}
