package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// newTracker makes a tracker that runs until the test ends.
func newTracker(t *testing.T) *tracker.Tracker {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return runTracker(t, j, tracker.Options{Journal: j})
}

// runTracker runs a tracker on a journal until the test ends.
func runTracker(t *testing.T, j *journal.Journal, o tracker.Options) *tracker.Tracker {
	t.Helper()
	tr, err := tracker.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, j.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := tr.Configure(t.Context(), &config.Config{}); err != nil {
		t.Fatal(err)
	}
	return tr
}

// The history gets what changes in each tracker, once, however often another one than before
// is in force, and again what it had no room for.
func TestTheHistoryHearsOfEachTracker(t *testing.T) {
	own, shared := newTracker(t), newTracker(t)
	inForce := shared
	m := &monitor{deciding: deciding{own: own, inForce: func() *tracker.Tracker { return inForce }}}
	fails := func(tr *tracker.Tracker, what tracker.Trouble) {
		t.Helper()
		if err := tr.Report(t.Context(), what, &incident.Finding{Cause: config.CauseLocalFault, Hint: string(what)}); err != nil {
			t.Fatal(err)
		}
	}
	changed := func(since uint64, want ...string) (version uint64) {
		t.Helper()
		c, err := m.changedIncidents(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range c.Count {
			r, err := c.Record(i)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Incident.Finding.Hint)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || len(want) > 0 && c.Version <= since {
			t.Errorf("since %d: %q in version %d, not %q", since, got, c.Version, want)
		}
		return c.Version
	}
	fails(own, "a")
	fails(shared, "b")
	first := changed(0, "a", "b")
	changed(first)
	fails(shared, "c")
	second := changed(first, "c")
	changed(first, "c") // it was not written
	fails(own, "d")
	inForce = own
	third := changed(second, "d")
	inForce = shared
	fails(shared, "e")
	fourth := changed(third, "e")
	inForce = newTracker(t)
	fails(inForce, "f")
	changed(fourth, "f")
}

// Whoever asks while another node begins to decide gets the answer of the tracker that comes next. Where none comes,
// the daemon is ending.
func TestASnapshotWaitsForTheNextTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, next := newTracker(t), newTracker(t)
		j, err := journal.Open(t.TempDir(), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ended, err := tracker.Open(tracker.Options{Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if err := errors.Join(ended.Run(stopped), j.Close()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		d := deciding{own: own, inForce: func() *tracker.Tracker {
			if time.Since(began) < time.Second {
				return ended
			}
			return next
		}}
		if shown, s, err := d.snapshot(t.Context()); err != nil || shown != next || s == nil {
			t.Errorf("%v, %v", s, err)
		}
		d.inForce = func() *tracker.Tracker { return ended }
		if _, _, err := d.snapshot(t.Context()); !errors.Is(err, tracker.ErrStopped) {
			t.Errorf("none comes: %v", err)
		}
	})
}

// Whoever decides over a bus may take longer to answer than a journal on a disk of this machine.
func TestAnAppendMayWait(t *testing.T) {
	own, shared := newTracker(t), newTracker(t)
	inForce := own
	d := deciding{own: own, inForce: func() *tracker.Tracker { return inForce }}
	if limit := d.answerTime(); limit != 10*time.Second {
		t.Errorf("its own tracker has %s", limit)
	}
	inForce = shared
	if limit := d.answerTime(); limit != 30*time.Second {
		t.Errorf("the shared one has %s", limit)
	}
}

// A node knows of the reports that it has sent itself, and of those that all nodes share.
func TestAReportIsDecidedInEitherJournal(t *testing.T) {
	m := &monitor{deciding: deciding{own: newTracker(t)}}
	alone, err := m.deciding.own.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.isDecided(t.Context(), alone, "report/monthly/2026-10") {
		t.Error("it is decided on a machine that has decided nothing")
	}
	data, err := json.Marshal(outbox.ReportNotice{Key: "report/monthly/2026-10", At: time.Now(), Report: "monthly"})
	if err != nil {
		t.Fatal(err)
	}
	m.deciding.shared.Store(newStandby(t, journal.Record{At: time.Now(), Kind: "report", Data: data}))
	if !m.isDecided(t.Context(), alone, "report/monthly/2026-10") {
		t.Error("what is in the shared journal would be sent again")
	}
	if m.isDecided(t.Context(), alone, "report/monthly/2026-11") {
		t.Error("another month would never be sent")
	}
}

// Reports come from the node that decides. One that is alone leaves them to it, unless no other may decide.
func TestReportsComeFromTheNodeThatDecides(t *testing.T) {
	three := &config.Cluster{Nodes: map[config.NodeID]*config.Node{
		"fra1": {ID: "fra1", Decide: true}, "nyc1": {ID: "nyc1", Decide: true}, "lon1": {ID: "lon1"},
	}}
	one := &config.Cluster{Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}, "lon1": {ID: "lon1"}}}
	for _, c := range []struct {
		role cluster.Role
		of   *config.Cluster
		want bool
	}{
		{cluster.Deciding, three, true},
		{cluster.Following, three, false},
		{cluster.Alone, three, false},
		{cluster.Deciding, one, true},
		{cluster.Following, one, false},
		{cluster.Alone, one, true},
	} {
		if got := nodeSendsReports(c.role, "fra1", c.of); got != c.want {
			t.Errorf("%s among %d: %v", c.role, len(c.of.Nodes), got)
		}
	}
}

// Who holds an incident or a message is asked for it: on each node the tracker of its own machine for what only
// that has. What a machine told before there were several nodes is in both journals, and is of all nodes now.
func TestWhoHoldsAnIncidentAndItsMessagesIsAsked(t *testing.T) {
	record := func(kind string, data any) journal.Record {
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		return journal.Record{At: time.Now(), Kind: kind, Data: text}
	}
	of := func(name string) []journal.Record {
		in := incident.Incident{ID: incident.ID(name), Check: config.CheckID(name), Condition: config.ConditionService, ReportedAt: time.Now(), ClosedAs: incident.Recovered, ClosedAt: time.Now(), Reported: 1}
		n := outbox.Notification{Key: outbox.Key(name), At: time.Now(), Items: []outbox.Item{{Incident: in.ID}}}
		return []journal.Record{
			record("incident.whole", map[string]any{"incident": in}), record("telling", n),
			record("outcome", outbox.Outcome{Key: n.Key, At: n.At, State: outbox.Dead, Attempts: 1}),
		}
	}
	open := func(names ...string) *tracker.Tracker {
		j, err := journal.Open(t.TempDir(), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := j.Append(of(name)...); err != nil {
				t.Fatal(err)
			}
		}
		return runTracker(t, j, tracker.Options{Journal: j})
	}
	own, shared := open("own", "both"), open("both", "shared")
	inForce := shared
	m := &monitor{deciding: deciding{own: own, inForce: func() *tracker.Tracker { return inForce }}}
	for name, want := range map[string]*tracker.Tracker{"own": own, "both": shared, "shared": shared, "none": shared} {
		if m.deciding.holder(t.Context(), incident.ID(name)) != want || m.deciding.sender(t.Context(), outbox.Key(name)) != want {
			t.Errorf("another tracker is asked for %q", name)
		}
	}
	for name, want := range map[string]error{"own": nil, "both": nil, "none": errors.New("there is no delivery none")} {
		if err := m.Dismiss(t.Context(), name, "anna"); fmt.Sprint(err) != fmt.Sprint(want) {
			t.Errorf("dismissing %q: %v", name, err)
		}
	}
	if _, err := own.Note(t.Context(), "own", tracker.Note{Text: "it was the disk", By: "anna"}); err != nil {
		t.Error(err)
	}
	inForce = own // the node is alone
	if m.deciding.holder(t.Context(), "both") != own {
		t.Error("a node that is alone asks for what it cannot change")
	}
}

// newStandby makes a tracker that stands by on a journal with records, and runs until the test ends.
func newStandby(t *testing.T, records ...journal.Record) *tracker.Tracker {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(records...); err != nil {
		t.Fatal(err)
	}
	return runTracker(t, j, tracker.Options{Journal: j, Standby: true})
}

// Of several nodes none may be there that probes a check: a recheck says so, and does not wait for ever.
func TestARecheckOfWhatNobodyProbesEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := &config.Check{ID: "mx1/imap", Enabled: true, Probe: config.Probe{Timeout: 10 * time.Second}}
		m := &monitor{deciding: deciding{own: newTracker(t)}, member: &membership{}}
		began := time.Now()
		_, err := m.awaitProbe(t.Context(), check, func() {})
		if err == nil || !strings.Contains(err.Error(), "no node has said within 40s what it sees of mx1/imap") || time.Since(began) != 40*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		if _, err := m.awaitProbe(ctx, check, hangUp); !errors.Is(err, context.Canceled) {
			t.Errorf("who hangs up reads %v", err)
		}
	})
}
