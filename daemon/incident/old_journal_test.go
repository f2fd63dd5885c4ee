package incident_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// TestOldJournal folds a journal of before. Its events are read and written as they
// were, byte by byte, and give the state that they gave.
func TestOldJournal(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/journal-2026-11-24.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var state incident.State
	var kinds []incident.Kind
	for line := range strings.Lines(string(archive.Files[0].Data)) {
		var e incident.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if written, err := json.Marshal(e); err != nil || string(written)+"\n" != line {
			t.Errorf("written as\n%s\nwas\n%s%v", written, line, err)
		}
		state = incident.Apply(state, e)
		kinds = append(kinds, e.Kind)
	}
	var got strings.Builder
	for in := range state.Incidents() {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(string(text) + "\n")
	}
	if want := string(archive.Files[1].Data); got.String() != want {
		t.Errorf("the state is\n%s\nwas\n%s", got.String(), want)
	}
	if in, _ := state.Incident(config.ConditionService); in.Finding.Phase != config.PhaseStartTLS {
		t.Errorf("the service failed in %q", in.Finding.Phase)
	}
	for _, kind := range []incident.Kind{
		incident.Failing, incident.Opened, incident.Worsened, incident.CauseChanged, incident.Recovering, incident.Relapsed, incident.Closed,
		incident.Orphaned, incident.Adopted, incident.Moved, incident.Acknowledged, incident.Restored,
	} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("the journal has no event %q", kind)
		}
	}
}

// A journal that a newer version wrote is replayed, whatever words it has.
func TestJournalWithWordsThatAreNotKnown(t *testing.T) {
	line := `{"kind":"failing","at":"2026-11-24T02:00:01Z","incident":"a","check":"mx","condition":"delivery","since":"2026-11-24T02:00:00Z",` +
		`"finding":{"condition":"delivery","health":"down","phase":"append","cause":"lost","hint":"Lost."}}`
	var e incident.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	in, ok := incident.Apply(incident.State{}, e).Incident("delivery")
	if !ok || in.Finding.Cause != "lost" || in.Finding.Phase != config.NoPhase || in.Finding.Hint != "Lost." {
		t.Errorf("%+v, %v", in, ok)
	}
}
