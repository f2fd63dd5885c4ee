package history

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// at returns the time of a minute of the first day.
func at(minute int) time.Time { return newYear.Add(time.Duration(minute) * time.Minute) }

// event returns one that was decided in a minute, of what began in a minute.
func event(kind incident.Kind, decided, since int) incident.Event {
	return incident.Event{Kind: kind, At: at(decided), Since: at(since)}
}

// showBouts shows episodes by their minutes.
func showBouts(list []bout) string {
	var parts []string
	minute := func(ms int64) string {
		if ms == 0 {
			return "..."
		}
		return time.UnixMilli(ms).UTC().Format("15:04")
	}
	for _, b := range list {
		parts = append(parts, minute(b.from)+"-"+minute(b.to)+" reported "+minute(b.reported))
	}
	return strings.Join(parts, ", ")
}

func TestEpisodesOfAnIncident(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events []incident.Event
		want   string
	}{
		"reported and over": {
			[]incident.Event{event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), event(incident.Recovering, 10, 10), event(incident.Closed, 12, 10)},
			"00:01-00:10 reported 00:04",
		},
		"never reported": {
			[]incident.Event{event(incident.Failing, 1, 1), event(incident.Closed, 3, 2)},
			"00:01-00:02 reported ...",
		},
		"it fails again before its end is certain: one episode": {
			[]incident.Event{
				event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), event(incident.Recovering, 10, 10), event(incident.Relapsed, 11, 11),
				event(incident.Recovering, 20, 20), event(incident.Closed, 22, 20),
			},
			"00:01-00:20 reported 00:04",
		},
		"reopened: between the episodes it was up": {
			[]incident.Event{
				event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), event(incident.Closed, 12, 10),
				event(incident.Failing, 30, 30), event(incident.Opened, 33, 30),
			},
			"00:01-00:10 reported 00:04, 00:30-... reported 00:33",
		},
		"reopened, and over before it was reported": {
			[]incident.Event{
				event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), event(incident.Closed, 12, 10),
				event(incident.Failing, 30, 30), event(incident.Closed, 32, 31),
			},
			"00:01-00:10 reported 00:04, 00:30-00:31 reported ...",
		},
		"its check left the files": {
			[]incident.Event{event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), event(incident.Orphaned, 10, 0), event(incident.Closed, 20, 10)},
			"00:01-00:10 reported 00:04",
		},
	} {
		in := incident.Incident{FailingSince: at(1)}
		if got := showBouts(boutsOf(&in, test.events)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// Of an incident of which the journal has forgotten events, an episode ends when it was last
// known to go on.
func TestEpisodesOfForgottenEvents(t *testing.T) {
	t.Parallel()
	in := incident.Incident{FailingSince: at(80), ReportedAt: at(60), Unconfirmed: true}
	events := []incident.Event{
		event(incident.Failing, 1, 1), event(incident.Opened, 4, 1), // here events are missing
		event(incident.Failing, 55, 55), event(incident.Opened, 60, 55), event(incident.Closed, 72, 70), event(incident.Failing, 80, 80),
	}
	if got, want := showBouts(boutsOf(&in, events)), "00:01-00:04 reported 00:04, 00:55-01:10 reported 01:00, 01:20-... reported ..."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := showBouts(boutsOf(&in, nil)), "01:20-... reported ..."; got != want {
		t.Errorf("without events: %s, want %s", got, want)
	}
	over := incident.Incident{FailingSince: at(1), ReportedAt: at(4), EndedAt: at(10), ClosedAs: incident.Recovered}
	if got, want := showBouts(boutsOf(&over, nil)), "00:01-00:10 reported 00:04"; got != want {
		t.Errorf("without events: %s, want %s", got, want)
	}
}

// What is known of an incident is kept: the journal of a later start may know less of it, and
// forget it.
func TestTheHistoryRemembersWhatTheJournalForgets(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	whole := record("x", "a", at(1), at(10))
	whole.JSON = []byte(`{"id":"x","events":["all","of","them"]}`)
	whole.Events = append([]incident.Event{event(incident.Failing, 0, 0), event(incident.Opened, 0, 0), event(incident.Closed, 0, 0)}, whole.Events...)
	d.known = []Record{whole}
	d.now = at(20)
	d.mustRound()
	before := d.lifeOf("a")
	trimmed := record("x", "a", at(1), at(10))
	trimmed.JSON = []byte(`{"id":"x"}`)
	for _, known := range [][]Record{{trimmed}, nil} {
		d.crash()
		d.start()
		d.store.Use(configuration("a"))
		d.known = known
		d.mustRound()
		list, err := d.store.Incidents(t.Context(), newYear, d.now)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		text, err := list[0].JSON()
		if err != nil || string(text) != string(whole.JSON) {
			t.Errorf("%s %v", text, err)
		}
		if n := d.bouts("a"); n != 2 {
			t.Errorf("%d bouts; before\n%s\nnow\n%s", n, before, d.lifeOf("a"))
		}
	}
}

// An incident that went on, and that the journal does not know any more, does not leave its
// check down for ever.
func TestALostJournalLeavesNothingDownForEver(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	d.known = []Record{record("x", "a", at(1), time.Time{})}
	d.now = at(20)
	d.mustRound()
	d.crash()
	d.now = at(60)
	d.start()
	d.store.Use(configuration("a"))
	d.known = nil
	d.mustRound()
	lives, err := d.store.Lives(t.Context(), []config.CheckID{"a"}, newYear, d.now.Add(time.Hour))
	if err != nil || len(lives["a"].Bouts) != 1 || !lives["a"].Bouts[0].To.Equal(at(60)) {
		t.Errorf("%+v %v", lives["a"].Bouts, err)
	}
	list, err := d.store.Incidents(t.Context(), at(50), at(70))
	if err != nil || len(list) != 1 || list[0].ClosedAs != incident.Removed {
		t.Errorf("%+v %v", list, err)
	}
}

// Incidents of a check that is no longer, or never was, in the files are remembered; it has been
// absent all the time.
func TestIncidentsOfChecksThatAreNotInTheFiles(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	d.known = []Record{record("x", "imapvigil:files", at(-100), at(-90))}
	d.mustRound()
	if got := d.lifeOf("imapvigil:files"); !strings.Contains(got, "absent") {
		t.Errorf("%s", got)
	}
	list, err := d.store.Incidents(t.Context(), at(-200), at(0))
	if err != nil || len(list) != 1 || list[0].Check != "imapvigil:files" || list[0].Reported.IsZero() || !list[0].Told.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
}
