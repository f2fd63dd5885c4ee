package pushover

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// A ring is that phones ring until somebody acknowledges.
type ring struct {
	receipt   string // what Pushover calls it
	incidents int    // about how many
}

// receiptForm is that of a receipt, and ringForm that of a ring in a file, which is looked at
// before it goes into a URL.
var (
	receiptForm = regexp.MustCompile(`^[A-Za-z0-9]{30}$`)
	ringForm    = regexp.MustCompile(`^([A-Za-z0-9]{30})(?::([0-9]{1,4}))?$`)
)

// String writes a ring as parseRing reads it.
func (r ring) String() string {
	if r.incidents == 1 {
		return r.receipt
	}
	return fmt.Sprintf("%s:%d", r.receipt, r.incidents)
}

func parseRing(thread string) (ring, bool) {
	parts := ringForm.FindStringSubmatch(thread)
	if parts == nil {
		return ring{}, false
	}
	incidents, _ := strconv.Atoi(parts[2]) // none is written for one
	return ring{parts[1], max(1, incidents)}, true
}

// A sharedRing is a ring about several incidents: it must not end before all of them are settled.
type sharedRing struct {
	settled map[string]bool // ids of those that have ended, or that somebody works on
	last    time.Time       // when the last of these became known
}

// settled returns the rings that a message ends: all incidents of each have ended or are worked
// on, or the message rings itself about the same. What is known of rings about several incidents
// is kept in memory; after a restart such a ring may go on until it expires.
func (n *notifier) settled(m notifiers.Message, rings bool, now time.Time) (over []ring) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgetExpired(now)
	seen := map[string]bool{}
	for _, item := range m.Items {
		isSettled := item.Ends() || item.Transition == notifiers.Acknowledged
		for _, receipt := range []notifiers.Receipt{item.Thread.First, item.Thread.Last} {
			r, ok := parseRing(receipt.Thread)
			switch {
			case !ok || seen[r.receipt]:
			case isSettled && n.isOver(r, item.Incident.ID, now),
				!isSettled && rings && len(m.Items) == 1 && r.incidents == 1:
				seen[r.receipt] = true
				over = append(over, r)
			}
		}
	}
	return over
}

// isOver notes that an incident of a ring is settled, and reports whether it was the last.
func (n *notifier) isOver(r ring, incident string, now time.Time) bool {
	if r.incidents == 1 {
		return true
	}
	known := n.shared[r.receipt]
	if known.settled == nil {
		known.settled = map[string]bool{}
	}
	known.settled[incident], known.last = true, now
	n.shared[r.receipt] = known
	return len(known.settled) >= r.incidents
}

// forgetExpired forgets rings that have ended by themselves.
func (n *notifier) forgetExpired(now time.Time) {
	for receipt, known := range n.shared {
		if now.Sub(known.last) > longestRing {
			delete(n.shared, receipt)
		}
	}
}
