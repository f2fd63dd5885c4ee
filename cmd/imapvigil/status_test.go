package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
)

func TestStatusShowsNotes(t *testing.T) {
	var out bytes.Buffer
	s := api.Status{Notes: []string{"this machine has no route for IPv6"}}
	s.Journal.Durable = true
	(&program{out: &out}).printStatus(s, statusFilter{})
	if !strings.Contains(out.String(), "\n  this machine has no route for IPv6\n") {
		t.Errorf("status is\n%s", out.String())
	}
}

// What is wrong with the journal is said with its reason.
func TestStatusSaysWhatIsWrongWithTheJournal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		journal api.Journal
		want    string
	}{
		{api.Journal{Durable: true}, ""},
		{api.Journal{Error: "/s/journal/1: gone"}, "! The journal is not durable, alarms go on from memory: /s/journal/1: gone\n"},
		{api.Journal{Error: "/s: EIO", Damaged: true}, "! The journal is not durable, alarms go on from memory: /s: EIO\n"},
		{api.Journal{Durable: true, Damaged: true, Error: "record 3 is lost"}, "! The journal was damaged: record 3 is lost\n"},
		{api.Journal{Durable: true, Quarantined: []string{"/s/a.damaged"}}, "! A damaged file of the journal is kept: /s/a.damaged\n"},
		{api.Journal{Durable: true, TornBytes: 77}, "! The journal ended in an unfinished write, and 77 bytes were cut off when the\n! daemon started\n"},
	} {
		var out bytes.Buffer
		(&program{out: &out}).printStatus(api.Status{Journal: test.journal}, statusFilter{})
		_, got, _ := strings.Cut(out.String(), "\n")
		got = strings.TrimPrefix(got, "\n") // between the header and what is wrong
		if got != test.want {
			t.Errorf("of %+v status says\n%s", test.journal, got)
		}
	}
}

// That the history cannot be written is said in one sentence. A daemon that has just started, and
// one of before, say nothing of it.
func TestStatusSaysThatTheHistoryCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		history *api.History
		want    string // empty: nothing of it
	}{
		{nil, ""},
		{&api.History{}, ""},
		{&api.History{Writable: true, SizeBytes: 1}, ""},
		{&api.History{Error: "/s/history.db: the disk is full"}, "! The history cannot be written; alarms do not need it: /s/history.db: the disk\n! is full\n"},
		{&api.History{Error: "gone", Dropped: 12}, "! The history cannot be written; alarms do not need it: gone; dropped: 12\n! observations\n"},
	} {
		var out bytes.Buffer
		s := api.Status{History: test.history}
		s.Journal.Durable = true
		(&program{out: &out}).printStatus(s, statusFilter{})
		if got := strings.Contains(out.String(), "history"); got != (test.want != "") || !strings.Contains(out.String(), test.want) {
			t.Errorf("of %+v status says\n%s", test.history, out.String())
		}
	}
}

// How late probes begin is shown when people should know of it.
func TestStatusShowsANotableLag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		probes api.Probes
		want   string // empty: nothing of it
	}{
		{api.Probes{}, ""},
		{api.Probes{LagS: 4.9, Waiting: 3}, ""},
		{api.Probes{LagS: 5}, "! Probes begin up to 5s late\n"},
		{api.Probes{LagS: 154.2, Waiting: 12, Overdue: 1}, "! Probes begin up to 2m 34s late; waiting: 12 checks; overdue by more than two\n! intervals: 1 check\n"},
		{api.Probes{LagS: 2.5, Waiting: 1, Overdue: 1}, "! Probes begin up to 2s late; waiting: 1 check; overdue by more than two\n! intervals: 1 check\n"},
	} {
		var out bytes.Buffer
		s := api.Status{Probes: test.probes}
		s.Journal.Durable = true
		(&program{out: &out}).printStatus(s, statusFilter{})
		if got := strings.Contains(out.String(), "late"); got != (test.want != "") || !strings.Contains(out.String(), test.want) {
			t.Errorf("of %+v status says\n%s", test.probes, out.String())
		}
	}
}
