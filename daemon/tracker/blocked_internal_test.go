package tracker

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A notifier is blocked since the first of the attempts that failed in a row. What its other side has
// answered for good, or asks to have later, has reached it.
func TestBlockedSince(t *testing.T) {
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	failed := outbox.Outcome{State: outbox.Retrying}
	c := newChannels()
	for minute, o := range []outbox.Outcome{
		{State: outbox.Retrying, Held: true},
		{State: outbox.Retrying, Poisoned: 1},
		{State: outbox.Dead},
		failed, failed,
		{State: outbox.Sent},
		failed, failed,
	} {
		o.At = begin.Add(time.Duration(minute) * time.Minute)
		if o.State == outbox.Sent {
			c.mend("mail", o.At)
		} else {
			c.noteFailed("mail", o)
		}
		want := map[int]int{3: 3, 4: 3, 6: 6, 7: 6}
		since, blocked := c.failing["mail"]
		first, wanted := want[minute]
		if blocked != wanted || wanted && !since.Equal(begin.Add(time.Duration(first)*time.Minute)) {
			t.Errorf("after minute %d it is blocked: %v, since %v", minute, blocked, since)
		}
	}
}
