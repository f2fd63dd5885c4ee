package daemon

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/notifiers"
)

// logMissingRoute logs, once per family of addresses, that this machine has
// no route for it.
func (m *monitor) logMissingRoute(family string) { m.Log.Warn(routeNote(family)) }

// routeNotes returns, for the status, that this machine has no route for some families.
func routeNotes(families []string) (notes []string) {
	for _, family := range families {
		notes = append(notes, routeNote(family))
	}
	return notes
}

func routeNote(family string) string {
	return "this machine has no route for " + family + ": addresses of that family are not probed"
}

const (
	// lossNotedFor is how long status tells of log lines that were lost.
	lossNotedFor = time.Hour
	// unreadAfter is how long a line of the log may wait before status says so.
	unreadAfter = 10 * time.Second
)

// logNotes returns, for the status, that log lines were lost a while ago, or wait.
func logNotes(l api.Log, now time.Time) (notes []string) {
	if l.LastLostAt != nil && now.Sub(*l.LastLostAt) < lossNotedFor {
		notes = append(notes, fmt.Sprintf("%d log lines lost since the start: the reader of the log is too slow, or was gone", l.Lost))
	}
	if unread := time.Duration(l.WaitingS * float64(time.Second)); unread >= unreadAfter {
		notes = append(notes, fmt.Sprintf("%d log lines are waiting: the reader of the log has read nothing for %s", l.Waiting, notifiers.Duration(unread)))
	}
	return notes
}
