package tracker

import (
	"testing"
	"testing/synctest"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A check whose last incident was taken along to another one has none, and not the one of
// before: also after its journal was compacted and read again.
func TestWhatWasTakenAlongLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		closed := begun("older", "gate", b.now)[1]
		closed.Kind, closed.ClosedAs = incident.Closed, incident.Recovered
		b.inputs(append(begun("older", "gate", b.now), closed).handle)
		b.inputs(begun("newer", "gate", b.now).handle)
		in, _ := b.stateOf("gate").Incident(config.ConditionService)
		moved := incident.Move(b.stateOf("gate"), incident.State{}, "portal", b.now)
		if in.ID != "newer" || len(moved) != 1 {
			t.Fatalf("gate has %q, and %d incidents move", in.ID, len(moved))
		}
		b.inputs(happened(moved).handle)
		for _, when := range []string{"in memory", "after a compaction and a restart"} {
			if in, known := b.stateOf("gate").Incident(config.ConditionService); known {
				t.Errorf("%s, gate still has %q", when, in.ID)
			}
			if in, _ := b.stateOf("portal").Incident(config.ConditionService); in.ID != "newer" {
				t.Errorf("%s, portal has %q", when, in.ID)
			}
			if len(b.ledger.records) != 2 {
				t.Errorf("%s, %d incidents are known", when, len(b.ledger.records))
			}
			if err := b.Journal.(*journal.Journal).Compact(b.snapshotRecords(b.now)); err != nil {
				t.Fatal(err)
			}
			b.again()
		}
	})
}
