package probe

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// latePart is the part of the time for a conversation, or of a phase's own limit,
// by which this process may be late before it counts as the reason of what failed:
// a quarter. A server that is well needs far less than the other three.
const latePart = 4

// hangUpAfter is how long a silent client is suffered at least: servers give one
// 30 seconds and more before they hang up, load balancers 5.
const hangUpAfter = 5 * time.Second

// blameLateness returns a mark, for a failure not to be believed, when this process was late by so
// much that it may have caused the failure itself: it read an answer too late, or kept the server
// waiting until that hung up. What a server said in words, or by refusing the connection, is its
// own word, however late it was read. nil: the failure stands.
func (r *round) blameLateness(f *failure, late time.Duration) *verdict.Mark {
	if f == nil || f.health != incident.Down || late <= min(r.check.Timeout, connectTimeout)/latePart {
		return nil
	}
	switch f.cause {
	case config.CauseClosed, config.CauseReset:
		if late < hangUpAfter && time.Now().Before(r.deadline) {
			return nil
		}
		fallthrough // past the deadline it is our own hanging up that is seen
	case config.CauseTimeout:
		return &verdict.Mark{Phase: f.phase, Cause: config.CauseLocalFault, Hint: fmt.Sprintf(
			"This machine was too busy: imapvigil could not run for %s of the probe. The result was discarded.",
			late.Round(time.Millisecond))}
	}
	return nil
}
