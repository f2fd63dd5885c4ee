package tracker

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A grown journal has reached the size at which it is compacted.
type grown struct {
	memory
	compactions int
	refuses     int     // so many of them
	kept        []whole // by the last one
}

func (g *grown) Size() int64 { return compactAt }

func (g *grown) Compact(state iter.Seq[journal.Record]) error {
	g.compactions++
	if g.compactions <= g.refuses {
		return errRefused
	}
	g.kept = nil
	for r := range state {
		var w whole
		if err := json.Unmarshal(r.Data, &w); err != nil {
			return err
		}
		g.kept = append(g.kept, w)
	}
	return nil
}

// A journal that has grown is replaced by what is still wanted: all that is open,
// what was over in the last 90 days, and of each incident no more than 200 events.
func TestCompactionKeepsWhatIsWanted(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	g := &grown{}
	tr, err := Open(Options{Journal: g})
	if err != nil {
		t.Fatal(err)
	}
	began := func(id incident.ID, at time.Time, kinds ...incident.Kind) {
		for _, kind := range kinds {
			e := incident.Event{
				Kind: kind, At: at, Since: at, Incident: id, Check: config.CheckID("check of " + id), Condition: config.ConditionService,
			}
			if kind == incident.Closed {
				e.ClosedAs = incident.Recovered
			}
			tr.addEvents(&round{now: at}, []incident.Event{e})
		}
	}
	const aDay = 24 * time.Hour
	began("open for long", now.Add(-100*aDay), incident.Failing, incident.Opened)
	began("over for long", now.Add(-91*aDay), incident.Failing, incident.Opened, incident.Closed)
	began("short, long ago", now.Add(-91*aDay), incident.Failing, incident.Closed)
	began("over", now.Add(-89*aDay), incident.Failing, incident.Opened, incident.Closed)
	began("restless", now.Add(-aDay), incident.Failing, incident.Opened)
	for range 300 {
		began("restless", now.Add(-aDay), incident.Recovering, incident.Relapsed)
	}
	tr.world(true, nil, now) // lets go of what is over
	tr.compactJournal(&round{now: now})
	var got []string
	for _, w := range g.kept {
		got = append(got, fmt.Sprintf("%s: %d events", w.Incident.ID, len(w.Events)))
	}
	slices.Sort(got)
	if want := []string{"open for long: 2 events", "over: 3 events", "restless: 200 events"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	tr.compactJournal(&round{now: now.Add(30 * time.Second)})
	tr.compactJournal(&round{now: now.Add(time.Minute)})
	if g.compactions != 2 {
		t.Errorf("%d compactions within a minute, want one, and one after it", g.compactions)
	}
}

// A journal that costs more to write anew grows larger first.
func TestCompactionWaitsForTheSizeThatIsAsked(t *testing.T) {
	for asked, want := range map[int64]int{0: 1, compactAt: 1, compactAt + 1: 0} {
		g := &grown{}
		tr, err := Open(Options{Journal: g, CompactAt: asked})
		if err != nil {
			t.Fatal(err)
		}
		tr.compactJournal(&round{now: time.Now()})
		if g.compactions != want {
			t.Errorf("asked for %d bytes: %d compactions, want %d", asked, g.compactions, want)
		}
	}
}

// Whoever takes over a journal that has grown decides first, and writes it anew a minute later.
func TestTakingOverDoesNotWaitForACompaction(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	g := &grown{}
	tr, err := Open(Options{Journal: g, Standby: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &round{now: now}
	tr.begin(r)
	tr.compactJournal(r)
	if g.compactions > 0 {
		t.Error("it is written anew in the first round")
	}
	tr.compactJournal(&round{now: now.Add(time.Minute)})
	if g.compactions != 1 {
		t.Errorf("after a minute it was written anew %d times", g.compactions)
	}
}
