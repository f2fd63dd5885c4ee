package tracker_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Taking a result never waits, also while the journal hangs; what is taken counts as what is observed.
func TestTakeDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gated{make(chan struct{})}
		tr, err := tracker.Open(tracker.Options{Journal: g, Sender: make(outgoing, 8)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = tr.Run(ctx) }()
		if err := tr.Configure(ctx, house(1)); err != nil {
			t.Fatal(err)
		}
		tr.Take(result(symptoms["refused"].finding))
		synctest.Wait() // for the journal
		taken := 0
		for tr.Take(result(symptoms["refused"].finding)) {
			taken++
		}
		if taken < 1000 {
			t.Errorf("there is room for %d results only", taken)
		}
		g.gate <- struct{}{}
		if state := look(t, tr).Checks[0].State; state != incident.CheckFailing {
			t.Errorf("the check is %s", state)
		}
		stop()
		close(g.gate)
		<-ended
		if tr.Take(result()) {
			t.Error("a tracker that has ended takes a result")
		}
	})
}

// Who waits for the next probe gets the result of one that any node began since, although what the nodes
// see together began before.
func TestAwaitKnowsTheNewestOfSeveralNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{})
		defer n.stop()
		began := time.Now()
		time.Sleep(time.Minute)
		// from is what the nodes see together, when the newest of their probes began at a time.
		from := func(newest time.Time) incident.Result {
			r := result(symptoms["refused"].finding)
			r.Started = began
			r.Sightings = []incident.Sighting{{Node: "fra1", At: newest}, {Node: "nyc1", At: began}, {Node: "lon1"}}
			return r
		}
		asked := time.Now()
		got, err := n.tracker.Await(t.Context(), "customer00000", func() {
			go func() {
				time.Sleep(time.Second)
				n.tracker.Take(from(asked.Add(-time.Millisecond)))
				n.tracker.Take(from(asked.Add(time.Millisecond)))
			}()
		})
		if err != nil || !got.Sightings[0].At.Equal(asked.Add(time.Millisecond)) {
			t.Errorf("%v, %+v", err, got.Sightings)
		}
	})
}

// The pace of a check follows what is decided elsewhere, and what this node alone sees fail: from when it
// first did.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Standby: true})
		defer n.stop()
		pace := func(findings ...incident.Finding) incident.Pace {
			return n.tracker.Pace(t.Context(), result(findings...))
		}
		refused := symptoms["refused"].finding
		if p := pace(); p != (incident.Pace{}) {
			t.Errorf("well: %+v", p)
		}
		began := time.Now()
		if p := pace(refused); !p.Confirming || !p.Since.Equal(began) {
			t.Errorf("failing: %+v", p)
		}
		time.Sleep(time.Hour)
		if p := n.tracker.Observe(t.Context(), result(refused)); !p.Confirming || !p.Since.Equal(began) {
			t.Errorf("failing for an hour: %+v", p)
		}
		if p := pace(); p != (incident.Pace{}) {
			t.Errorf("well again: %+v", p)
		}
		r := result(refused)
		r.Check = "elsewhere"
		if p := n.tracker.Pace(t.Context(), r); p != (incident.Pace{}) {
			t.Errorf("a check that is not in the files: %+v", p)
		}

		if err := n.tracker.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		n.fails(t.Context())
		time.Sleep(time.Minute)
		if p := pace(); !p.Confirming || !p.Since.Equal(began) {
			t.Errorf("well here, and down by what is decided: %+v", p)
		}
		if state := look(t, n.tracker).Checks[0].State; state != incident.CheckDown {
			t.Errorf("asking for the pace has made the check %s", state)
		}
	})
}

// BenchmarkTake is a good result of what several nodes see, as whoever decides takes it.
func BenchmarkTake(b *testing.B) {
	benchmarkWell(b, func(tr *tracker.Tracker, r incident.Result) {
		for !tr.Take(r) {
			runtime.Gosched()
		}
	})
}

// BenchmarkObserve is the same result with a caller who waits.
func BenchmarkObserve(b *testing.B) {
	benchmarkWell(b, func(tr *tracker.Tracker, r incident.Result) { tr.Observe(context.Background(), r) })
}

func benchmarkWell(b *testing.B, give func(*tracker.Tracker, incident.Result)) {
	cfg := house(10_000)
	tr := running(b, past{}, cfg, nil)
	everybody(tr, cfg)
	r := result()
	r.Sightings = make([]incident.Sighting, 3)
	b.ReportAllocs()
	for b.Loop() {
		r.Started = time.Now()
		r.Ended = r.Started
		give(tr, r)
	}
}
