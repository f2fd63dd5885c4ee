package tracker

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// notesOf returns the notes of an incident as they are kept, in words.
func (b *bounded) notesOf(id incident.ID) (list []string) {
	for _, e := range b.ledger.records[id].events {
		if e.Kind == incident.Noted {
			text := e.By + ": " + e.Reason
			if e.Public {
				text += " (public)"
			}
			list = append(list, text)
		}
	}
	return list
}

// A note stands with its incident, be it over and followed by another one, in memory, after a
// start, and after the journal was compacted; it changes nothing else.
func TestNotesAreKept(t *testing.T) {
	b := newBounded(t)
	closed := begun("older", "gate", b.now)[1]
	closed.Kind, closed.ClosedAs = incident.Closed, incident.Recovered
	b.inputs(append(begun("older", "gate", b.now), closed).handle)
	b.inputs(begun("newer", "gate", b.now).handle)
	before, _ := b.stateOf("gate").Incident(config.ConditionService)
	active := len(b.ledger.active)
	for _, n := range []struct {
		id incident.ID
		Note
	}{
		{"older", Note{By: "anna", Text: "it was\nthe disk\x1b[31m"}},
		{"newer", Note{By: "bert", Text: "We replace a disk.", Public: true}},
		{"newer", Note{Text: strings.Repeat("x", 5000)}},
	} {
		b.inputs(func(tr *Tracker, r *round) {
			if _, err := tr.note(r, n.id, n.Note); err != nil {
				t.Error(err)
			}
		})
	}
	for _, when := range []string{"in memory", "after a start", "after a compaction"} {
		if got := b.notesOf("older"); len(got) != 1 || got[0] != `anna: it was the disk\x1b[31m` {
			t.Errorf("%s the older incident has the notes %q", when, got)
		}
		got := b.notesOf("newer")
		if len(got) != 2 || got[0] != "bert: We replace a disk. (public)" || len(got[1]) != len(": ")+maxReason {
			t.Errorf("%s the newer incident has the notes %q", when, got)
		}
		if after, _ := b.stateOf("gate").Incident(config.ConditionService); after != before {
			t.Errorf("%s the incident is %+v, and was %+v", when, after, before)
		}
		if when == "in memory" && len(b.ledger.active) != active {
			t.Errorf("%d incidents are looked at, and were %d", len(b.ledger.active), active)
		}
		if when == "after a start" {
			if err := b.Journal.(*journal.Journal).Compact(b.snapshotRecords(b.now)); err != nil {
				t.Fatal(err)
			}
		}
		b.again()
	}
	b.inputs(func(tr *Tracker, r *round) {
		for id, n := range map[incident.ID]Note{"none": {Text: "x"}, "newer": {Text: " \n"}} {
			if _, err := tr.note(r, id, n); err == nil {
				t.Errorf("%q is noted of %s", n.Text, id)
			}
		}
	})
}

// An event of a kind that a later version has, as notes were, changes nothing, is no error, and is
// kept when the journal is written anew: whoever goes back a version loses nothing that matters.
func TestEventsOfALaterVersion(t *testing.T) {
	b := newBounded(t)
	events := begun("one", "gate", b.now)
	later := events[1]
	later.Kind, later.By, later.Reason = "remembered", "anna", "something"
	b.inputs(events.handle)
	before, _ := b.stateOf("gate").Incident(config.ConditionService)
	b.inputs(happened{later}.handle)
	b.again()
	if err := b.Journal.(*journal.Journal).Compact(b.snapshotRecords(b.now)); err != nil {
		t.Fatal(err)
	}
	b.again()
	if after, _ := b.stateOf("gate").Incident(config.ConditionService); after != before {
		t.Errorf("the incident is %+v, and was %+v", after, before)
	}
	list := b.ledger.records["one"].events
	if last := list[len(list)-1]; last.Kind != "remembered" || last.By != "anna" || last.Reason != "something" {
		t.Errorf("the last event is %+v", last)
	}
}
