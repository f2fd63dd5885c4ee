package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Whoever hands over looks whether the node is alone again, and does not wait for ever for a tracker that is stuck.
func TestHandingOverDoesNotWaitForATrackerThatIsStuck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		record, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		stuck, err := tracker.Open(tracker.Options{Journal: record}) // nobody runs it
		if err != nil {
			t.Fatal(err)
		}
		n, began := &Node{Options: Options{Own: stuck}}, time.Now()
		err = n.handOver(t.Context(), began)
		if took := time.Since(began); took != trackerTime || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", took, err)
		}
		if err := record.Close(); err != nil {
			t.Error(err)
		}
	})
}
