package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// An ear is a hearing with a clock: what follows from what is heard, and when.
type ear struct {
	*hearing
	now   time.Time
	nodes map[config.NodeID]*config.Node
	beats map[config.NodeID]heartbeat // what each says of itself
}

func newEar(self config.NodeID, names ...config.NodeID) *ear {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	e := &ear{hearing: newHearing(self, now), now: now, nodes: map[config.NodeID]*config.Node{}, beats: map[config.NodeID]heartbeat{}}
	for _, name := range names {
		e.nodes[name] = &config.Node{ID: name, Location: string(name), Decide: true}
		e.beats[name] = heartbeat{V: Speaks, Node: name, Speaks: Speaks, Decides: true, Digest: "a", Checks: 100}
	}
	return e
}

// pass lets time pass, in which some nodes are heard; decider says beats unless it is empty.
func (e *ear) pass(d time.Duration, decider config.NodeID, heard ...config.NodeID) {
	for end := e.now.Add(d); e.now.Before(end); {
		e.now = e.now.Add(pulsePause)
		for _, name := range heard {
			hb := e.beats[name]
			hb.Wall = e.now.Add(hb.Wall.Sub(time.Time{})) // Wall holds how far its clock is ahead
			e.hearNode(hb, e.now, e.now)
		}
		if decider != "" {
			own := e.beats[decider]
			e.hearBeat(beat{V: Speaks, Node: decider, Term: 1, Speaks: own.Speaks, Digest: own.Digest, Checks: own.Checks, Wall: e.now}, 0, e.now, e.now)
		}
	}
}

func (e *ear) mayTakeOver() bool { return e.hearing.mayTakeOver(e.nodes, e.now) }

func (e *ear) order() string { return fmt.Sprint(e.candidates(e.nodes, e.now)) }

func TestNobodyTakesOverWhileADeciderIsHeard(t *testing.T) {
	t.Parallel()
	e := newEar("fra1", "fra1", "nyc1")
	e.pass(time.Minute, "nyc1", "fra1", "nyc1")
	if e.mayTakeOver() || e.decider(e.now) != "nyc1" {
		t.Errorf("fra1 takes over from %q", e.decider(e.now))
	}
	e.pass(takeOverAfter-pulsePause, "", "fra1")
	if e.mayTakeOver() {
		t.Error("it takes over before its time")
	}
	e.pass(pulsePause, "", "fra1")
	if !e.mayTakeOver() {
		t.Error("it does not take over")
	}
}

// Who does not hear itself does not know whether others would be heard.
func TestWhoDoesNotHearItselfDoesNotTakeOver(t *testing.T) {
	t.Parallel()
	e := newEar("fra1", "fra1", "nyc1")
	e.pass(time.Minute, "nyc1", "fra1", "nyc1")
	e.pass(20*time.Second, "") // the bus is gone
	if e.mayTakeOver() {
		t.Error("it takes over without the bus")
	}
	if e.deafFor(e.now) != 20*time.Second {
		t.Errorf("it has not heard itself for %s", e.deafFor(e.now))
	}
	e.pass(takeOverAfter-pulsePause, "", "fra1") // the bus is back; the decider has to have its time
	if e.mayTakeOver() {
		t.Error("it takes over as soon as it hears itself")
	}
	e.pass(2*pulsePause, "", "fra1")
	if !e.mayTakeOver() {
		t.Error("it never takes over")
	}
}

// A lost heartbeat of its own is no gap, three are.
func TestAGapInItsOwnHeartbeatsBeginsTheTimeAnew(t *testing.T) {
	t.Parallel()
	for lost, want := range map[time.Duration]bool{pulsePause: true, 3 * pulsePause: false} {
		e := newEar("fra1", "fra1")
		e.pass(takeOverAfter-2*time.Second, "", "fra1")
		e.pass(lost, "")
		e.pass(2*time.Second, "", "fra1")
		if got := e.mayTakeOver(); got != want {
			t.Errorf("after %s without its own heartbeat: takes over is %v", lost, got)
		}
	}
}

// A process that was stopped for an hour has heard nobody for an hour, and is not alone for that.
func TestTimeInWhichTheProcessDidNotRunDoesNotCount(t *testing.T) {
	t.Parallel()
	e := newEar("fra1", "fra1", "nyc1")
	run := func(d time.Duration, decider config.NodeID) {
		for end := e.now.Add(d); e.now.Before(end); {
			e.noteRunning(e.now)
			e.pass(pulsePause, decider, "fra1")
		}
	}
	run(time.Minute, "nyc1")
	run(2*time.Second, "")
	e.now = e.now.Add(time.Hour)
	e.noteRunning(e.now)
	if d := e.withoutDecider(e.now); d != 0 {
		t.Errorf("when it goes on it has heard no decider for %s", d)
	}
	run(8*time.Second, "")
	if d := e.withoutDecider(e.now); d != 8*time.Second || !e.mayTakeOver() {
		t.Errorf("8 seconds later it has heard none for %s", d)
	}
	run(time.Second, "nyc1")
	if d := e.withoutDecider(e.now); d != 0 {
		t.Errorf("it hears one, and has heard none for %s", d)
	}
}

// A decider whose clock is wrong goes on if nobody else may decide: it would stop, and begin again, for ever.
func TestADeciderWithAWrongClockStopsForAnotherOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(e *ear)
		want   bool
	}{
		"another one may":       {change: func(*ear) {}, want: true},
		"all others only probe": {change: func(e *ear) { e.nodes["lon1"].Decide, e.nodes["nyc1"].Decide = false, false }},
		"the copy of the other is damaged": {change: func(e *ear) {
			e.nodes["lon1"].Decide = false
			b := e.beats["nyc1"]
			b.Copy = "the copy is damaged"
			e.beats["nyc1"] = b
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEar("fra1", "fra1", "lon1", "nyc1")
			for _, right := range []config.NodeID{"lon1", "nyc1"} {
				b := e.beats[right]
				b.Wall = b.Wall.Add(time.Hour)
				e.beats[right] = b
			}
			c.change(e)
			e.pass(time.Minute, "fra1", "fra1", "lon1", "nyc1")
			if !e.hasWrongClock(e.nodes, e.now) {
				t.Fatal("its clock is right")
			}
			if got := e.othersMayDecide(e.nodes, e.now); got != c.want {
				t.Errorf("others may decide: %t", got)
			}
		})
	}
}

func TestAfterAGoodbyeTheNextTakesOverAtOnce(t *testing.T) {
	t.Parallel()
	e := newEar("nyc1", "fra1", "nyc1", "lon1")
	e.pass(time.Minute, "fra1", "fra1", "nyc1", "lon1")
	e.hearBeat(beat{V: Speaks, Node: "fra1", Term: 1, Digest: "a", Bye: true, Wall: e.now}, 0, e.now, e.now)
	if e.decider(e.now) != "" {
		t.Error("who has said goodbye decides")
	}
	// fra1 is still heard and lon1 is before nyc1 in the list: half a second.
	e.pass(pulsePause, "", "nyc1", "lon1", "fra1")
	if !e.mayTakeOver() {
		t.Error("it waits")
	}
}

// Who holds most of a journal that has lost records writes all of it anew, which takes a while: the next ones wait,
// unless it falls silent, ends without success, or takes for ever. Whoever comes before it does not wait.
func TestTheNextWaitsForARebase(t *testing.T) {
	t.Parallel()
	rebasing := func(e *ear, node config.NodeID) {
		hb := e.beats[node]
		hb.Rebasing = true
		e.beats[node] = hb
	}
	waits := newEar("nyc1", "fra1", "nyc1")
	waits.pass(time.Minute, "fra1", "fra1", "nyc1")
	rebasing(waits, "fra1")
	waits.pass(20*time.Second, "", "fra1", "nyc1")
	if waits.mayTakeOver() {
		t.Error("it cuts short what another one writes")
	}
	silent := *waits
	silent.pass(silentAfter, "", "nyc1")
	if !silent.mayTakeOver() {
		t.Error("it waits for a node that is silent")
	}
	before := newEar("fra1", "fra1", "nyc1")
	rebasing(before, "nyc1")
	before.pass(time.Minute, "", "fra1", "nyc1")
	if !before.mayTakeOver() {
		t.Error("it waits for one that comes after it")
	}
	endless := newEar("nyc1", "fra1", "nyc1")
	rebasing(endless, "fra1")
	endless.pass(rebaseTime+pulsePause, "", "fra1", "nyc1")
	if !endless.mayTakeOver() {
		t.Error("it waits for ever")
	}
	hb := endless.beats["fra1"]
	hb.Rebasing = false
	endless.beats["fra1"] = hb
	endless.pass(pulsePause, "", "fra1", "nyc1")
	rebasing(endless, "fra1")
	endless.pass(pulsePause, "", "fra1", "nyc1")
	if endless.mayTakeOver() {
		t.Error("it does not wait for another attempt")
	}
}

func TestBeatsOfWhoWasReplacedDoNotCount(t *testing.T) {
	t.Parallel()
	e := newEar("lon1", "fra1", "nyc1", "lon1")
	e.hearBeat(beat{Node: "nyc1", Term: 7, Last: 9}, 9, e.now, e.now)
	if e.hearBeat(beat{Node: "fra1", Term: 3, Last: 6}, 9, e.now, e.now) || e.decider(e.now) != "nyc1" {
		t.Error("it follows who was replaced")
	}
	e.now = e.now.Add(takeOverAfter)
	if e.hearBeat(beat{Node: "fra1", Term: 3, Last: 6}, 9, e.now, e.now) {
		t.Error("it follows who was replaced when the successor is gone")
	}
	// A journal that was made new begins with small terms, and its copy, too.
	if !e.hearBeat(beat{Node: "fra1", Term: 3, Last: 6}, 6, e.now, e.now) {
		t.Error("it never follows again")
	}
}

// A node that heard a high term before its journal was made new, or was cut short, is not replaced by it when it
// decides itself.
func TestTermsOfAJournalThatIsGoneDoNotCountForADecider(t *testing.T) {
	t.Parallel()
	e := newEar("fra1", "fra1", "nyc1")
	e.hearBeat(beat{Node: "nyc1", Term: 300, Last: 900}, 900, e.now, e.now)
	e.begins(2)
	if e.beat.Term > 2 {
		t.Errorf("it has begun in term 2, and hears of term %d", e.beat.Term)
	}
	if !e.hearBeat(beat{Node: "nyc1", Term: 3, Last: 3}, 2, e.now, e.now) || e.beat.Term != 3 {
		t.Error("it does not hear of its successor")
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	all := []config.NodeID{"a1", "b1", "c1", "d1"}
	for name, c := range map[string]struct {
		change func(*ear)
		want   string
	}{
		"by name": {func(*ear) {}, "[a1 b1 c1 d1]"},
		"silent nodes are not among them": {func(e *ear) {
			e.pass(silentAfter, "d1", "b1", "c1", "d1")
		}, "[b1 c1 d1]"},
		"nor those that may not decide": {func(e *ear) { e.nodes["a1"].Decide = false }, "[b1 c1 d1]"},
		"nor those that are too old":    {func(e *ear) { e.say("d1", func(h *heartbeat) { h.Speaks = 2 }) }, "[d1]"},
		"nor those that cannot read the journal": {func(e *ear) {
			e.say("a1", func(h *heartbeat) { h.Decides = false })
		}, "[b1 c1 d1]"},
		"the files in force first": {func(e *ear) { e.say("a1", func(h *heartbeat) { h.Digest = "b" }) }, "[b1 c1 d1 a1]"},
		"not with files that lack most checks": {func(e *ear) {
			e.say("a1", func(h *heartbeat) { h.Digest, h.Checks = "b", 49 })
		}, "[b1 c1 d1]"},
		"but when nobody has decided for long, those with the most checks first": {func(e *ear) {
			e.say("a1", func(h *heartbeat) { h.Digest, h.Checks = "b", 49 })
			e.say("b1", func(h *heartbeat) { h.Digest, h.Checks = "c", 50 })
			e.pass(shrinkAfter, "", "a1", "b1")
		}, "[b1 a1]"},
		"without a good copy last": {func(e *ear) {
			e.say("a1", func(h *heartbeat) { h.Copy = "it is damaged" })
			e.say("b1", func(h *heartbeat) { h.Digest = "b" })
		}, "[c1 d1 b1 a1]"},
		"not with another clock": {func(e *ear) { e.say("b1", func(h *heartbeat) { h.Wall = time.Time{}.Add(3 * time.Second) }) }, "[a1 c1 d1]"},
		"a clock that differs a little": {func(e *ear) {
			e.say("b1", func(h *heartbeat) { h.Wall = time.Time{}.Add(-2 * time.Second) })
		}, "[a1 b1 c1 d1]"},
		"with another clock rather than nobody": {func(e *ear) {
			e.say("b1", func(h *heartbeat) { h.Wall = time.Time{}.Add(time.Hour) })
			e.pass(silentAfter, "", "b1")
		}, "[b1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEar("a1", all...)
			e.pass(time.Minute, "d1", all...)
			c.change(e)
			if got := e.order(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// say has a node say something else of itself from now on.
func (e *ear) say(node config.NodeID, change func(*heartbeat)) {
	hb := e.beats[node]
	change(&hb)
	e.beats[node] = hb
	e.pass(pulsePause, "d1", "a1", "b1", "c1", "d1")
}

// Where no decider was heard yet, the clock in the middle counts.
func TestTheClockInTheMiddleCounts(t *testing.T) {
	t.Parallel()
	e := newEar("a1", "a1", "b1", "c1")
	hb := e.beats["a1"]
	hb.Wall = time.Time{}.Add(-time.Hour)
	e.beats["a1"] = hb
	e.pass(time.Minute, "", "a1", "b1", "c1")
	if got := e.order(); got != "[b1 c1]" {
		t.Error(got)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"v":1,"node":"fra1","term":3,"live":["fra1"],"last":7}`))
	f.Add([]byte(`[{"check":"mx1/imaps","nodes":["fra1"]}]`))
	f.Add(encode(heartbeat{Node: "fra1", Troubles: []string{"a\x1bb"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHeartbeat(data)
		if err == nil && (h.Node == "" || len(h.Troubles) > maxTroubles) {
			t.Errorf("%+v", h)
		}
		for _, text := range append(h.Troubles, h.Version, h.Digest, h.Copy) {
			for _, r := range text {
				if err == nil && r < ' ' {
					t.Errorf("%q", text)
				}
			}
		}
		if b, err := parseBeat(data); err == nil && b.Node == "" {
			t.Errorf("%+v", b)
		}
		_, _ = parseWakes(data)
		_, _ = parseHandover(data)
		_, _ = parseTakeover(data)
		_, _ = parseWishes(data)
	})
}
