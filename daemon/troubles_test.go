package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

func TestTroublesOfTheJournal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status journal.Status
		ago    time.Duration
		want   string // part of the hint; empty: no trouble
	}{
		{"well", journal.Status{Durable: true}, 0, ""},
		{"a disk that stalls for a moment", journal.Status{}, 30 * time.Second, ""},
		{"a full disk", journal.Status{Detail: "3 records wait in memory for the disk: no space left on device"}, time.Minute, "no space left"},
		{"damage", journal.Status{Durable: true, Damaged: true, Detail: "2 records are missing"}, 0, "2 records are missing"},
		{"both", journal.Status{Damaged: true, Detail: "no space left on device"}, time.Hour, "cannot be written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := journalFinding(test.status, test.ago)
			if got := f != nil; got != (test.want != "") || got && !strings.Contains(f.Hint, test.want) {
				t.Errorf("%+v, want one that says %q", f, test.want)
			}
		})
	}
}

// A torn tail is told of for an hour after the start.
func TestTroublesOfTheTail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		torn int64
		ago  time.Duration
		want bool
	}{{0, 0, false}, {77, 0, true}, {77, 59 * time.Minute, true}, {77, time.Hour, false}} {
		f := tornTailFinding(journal.Status{Durable: true, TornBytes: test.torn}, test.ago)
		if got := f != nil; got != test.want || got && !strings.Contains(f.Hint, "77 bytes were cut off") {
			t.Errorf("%d bytes, %s ago: %+v", test.torn, test.ago, f)
		}
	}
}

// Files that somebody took away are told of for an hour, mended or not.
func TestTroublesOfLostFiles(t *testing.T) {
	t.Parallel()
	lost := journal.Status{Durable: true, Losses: 1, LastLoss: "/s/journal is gone"}
	stuck := lost
	stuck.Durable, stuck.Detail = false, "/s/journal is gone, and it cannot be rewritten yet: no space left on device"
	for _, test := range []struct {
		status journal.Status
		ago    time.Duration
		want   string // part of the hint; empty: no trouble
	}{
		{journal.Status{Durable: true}, time.Hour, ""},
		{lost, 0, "/s/journal is gone. imapvigil rewrote all of it"},
		{stuck, time.Minute, "imapvigil ran: /s/journal is gone, and it cannot be rewritten yet: no space left on device."},
		{lost, time.Hour, ""},
	} {
		f := lossFinding(test.status, test.ago)
		if got := f != nil; got != (test.want != "") || got && !strings.Contains(f.Hint, test.want) {
			t.Errorf("%+v, %s ago: %+v", test.status, test.ago, f)
		}
	}
}

// People read since when a node hears nobody, which it did before it was alone.
func TestTroubleOfANodeThatIsAlone(t *testing.T) {
	t.Parallel()
	unheard := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	f := aloneFinding(cluster.State{Node: "fra1", Role: cluster.Alone, Unheard: unheard, Since: unheard.Add(time.Hour)}, "")
	if want := "fra1 reaches no node that decides, since 2026-01-05 10:00:00 UTC, and decides for itself."; f == nil || !strings.HasPrefix(f.Hint, want) {
		t.Errorf("people read %+v, not %q", f, want)
	}
	if f := aloneFinding(cluster.State{Node: "fra1", Role: cluster.Following}, ""); f != nil {
		t.Errorf("of a node that follows people read %+v", f)
	}
}

// A start with invalid files is a trouble at once, a reload that is rejected when the
// files stay so for an hour.
func TestTroublesOfTheFiles(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		state api.ConfigState
		since time.Duration
		want  bool
	}{
		{api.Current, 2 * time.Hour, false},
		{api.Rejected, 59 * time.Minute, false},
		{api.Rejected, time.Hour, true},
		{api.LastGood, 0, true},
	} {
		f := filesFinding(api.Config{State: test.state, Error: "line 3 is in error", RejectedAt: now.Add(-test.since)}, now)
		if got := f != nil; got != test.want || got && !strings.Contains(f.Hint, "line 3 is in error") {
			t.Errorf("%s for %s: %+v", test.state, test.since, f)
		}
	}
}

// The first sentence, which is the headline of a message, names file and line.
func TestErrorsOfTheFilesInSentences(t *testing.T) {
	t.Parallel()
	d := config.Diagnostic{
		Gravity: config.Error, Summary: "Unknown name", Detail: "There is no notifier.email.mial. Did you mean mail?",
		Pos: config.Pos{File: "/etc/imapvigil/b.hcl", Line: 12, Column: 3},
	}
	const want = "The configuration is in error: /etc/imapvigil/b.hcl:12:3: Unknown name. There is no notifier.email.mial. Did you mean mail?"
	if got := errorSentences((&ConfigError{[]config.Diagnostic{d}}).Error()); got != want {
		t.Errorf("%q", got)
	}
}

// What is wrong with this machine becomes an incident of the condition monitor,
// and ends with it.
func TestTroublesOfTheMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := living(t)
		expect := func(when, want string) {
			t.Helper()
			s, err := m.deciding.own.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, in := range api.NewIncidents(s).Incidents {
				got = append(got, strings.Join([]string{string(in.Check), string(in.Condition), string(in.State), in.ClosedAs, in.Hint}, ", "))
			}
			if strings.Join(got, "; ") != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		m.reportMachine(t.Context(), &incident.Finding{Cause: config.CauseResolverDown, Hint: "No name can be looked up."})
		expect("at fault", "imapvigil:machine, monitor, open, , No name can be looked up.")
		m.reportMachine(t.Context(), nil)
		expect("well again", "imapvigil:machine, monitor, closed, recovered, No name can be looked up.")
	})
}
