package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A troubledPast is a history that cannot do what it is for. It returns how it is recorded.
type troubledPast func(t *testing.T, m *monitor) (record func(context.Context) error)

// troubledPasts are the histories that a daemon may have to live with.
var troubledPasts = map[string]troubledPast{
	"well": func(_ *testing.T, m *monitor) func(context.Context) error { return m.history.Run },
	"without its directory": func(_ *testing.T, m *monitor) func(context.Context) error {
		return m.useHistory(history.Options{Path: filepath.Join(m.StateDir, "none", "history.db"), Changes: m.changedIncidents, Log: m.logHistory})
	},
	"corrupt": func(t *testing.T, m *monitor) func(context.Context) error {
		if err := os.WriteFile(filepath.Join(m.StateDir, "history.db"), []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		return m.history.Run
	},
	"locked by another process": func(t *testing.T, m *monitor) func(context.Context) error {
		f, err := os.Create(filepath.Join(m.StateDir, "history.db.lock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		// Held since the first start already when it is started again.
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			t.Fatal(err)
		}
		return m.history.Run
	},
	// The writer is stuck from its first round on; when the daemon ends it goes on.
	"hanging": func(_ *testing.T, m *monitor) func(context.Context) error {
		return m.useHistory(history.Options{Path: filepath.Join(m.StateDir, "history.db"), Log: m.logHistory, Changes: func(ctx context.Context, _ uint64) (history.Changes, error) {
			<-ctx.Done()
			return history.Changes{}, ctx.Err()
		}})
	},
}

// useHistory gives the monitor another history, before it runs.
func (m *monitor) useHistory(o history.Options) func(context.Context) error {
	m.history = history.Open(o)
	m.deciding.own.Feed = m.history
	return m.history.Run
}

// Whatever the history does, the same is journaled and logged at the same times, byte for byte: no
// alarm waits for it, and none is different.
func TestAlarmsAreTheSameWhateverTheHistoryDoes(t *testing.T) {
	want := playAlarms(t, nil)
	for _, word := range []string{`"incident.opened"`, `"incident.closed"`, `"incident.moved"`, `"telling"`, `"outcome"`} {
		if !strings.Contains(want, word) {
			t.Fatalf("the scenario has no %s:\n%s", word, want)
		}
	}
	for name, past := range troubledPasts {
		if got := playAlarms(t, past); got != want {
			t.Errorf("with a history that is %s it went otherwise than without one (-without +with):\n%s", name,
				cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
}

// playAlarms plays half a day of outages, a reload, a renamed check and a restart, and returns what
// was journaled, and what was logged but for the history.
func playAlarms(t *testing.T, past troubledPast) (transcript string) {
	t.Helper()
	inBubble(t, func(s *stage, h *hand) {
		s.past = func(m *monitor) func(context.Context) error {
			m.deciding.own.Jitter = func() float64 { return 0.5 }
			if past == nil {
				m.deciding.own.Feed = nil
				return nil
			}
			return past(s.t.(*testing.T), m)
		}
		s.probe = outages
		s.text("conf/people.hcl", people)
		h.do("write conf/a.hcl a=1,b=1; write conf/b.hcl c=1")
		s.start()
		time.Sleep(5*time.Hour + 7*time.Second) // not when the files are looked at anyway, each 30 seconds
		s.text("conf/moved.hcl", "moved {\n  from = \"a\"\n  to   = \"z\"\n}\n")
		h.do("put conf/a.hcl z=1,b=2")
		if v := s.reload(); v != "applied" {
			t.Fatalf("the reload was %s", v)
		}
		time.Sleep(2 * time.Hour)
		said := s.ledger.spoken("")
		s.stop()
		s.start()
		time.Sleep(3 * time.Hour)
		said = append(said, s.ledger.spoken("")...)
		s.stop()
		// Warnings about the files come from whoever reads them, beside what is decided at the same moment.
		said = slices.DeleteFunc(said, func(line string) bool {
			return strings.HasPrefix(line, "the history ") || strings.HasPrefix(line, "configuration: ")
		})
		transcript = s.journaled() + strings.Join(said, "\n")
	})
	return transcript
}

// people is a role that is told by a webhook at which nobody answers.
const people = `
notifier "webhook" "hook" { url = "http://127.0.0.1:1/" }
notification_role "it" {
  notify { via = notifier.webhook.hook }
}
defaults {
  notification_roles = [notification_role.it]
  fault_tolerance    = "1h"
}
`

// outages has a and z fail from the second hour to the fourth and from the sixth on, b once, and c
// never.
func outages(_ context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
	p := well(id)
	hour := time.Now().UTC().Hour()
	down := map[config.CheckID]bool{"a": hour >= 1 && hour < 3, "z": hour >= 6, "b": hour == 4}
	if down[id] {
		p.Conversations[0].Failure = &incident.Finding{
			Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused,
		}
	}
	return p
}

// journaled returns all records of the journal.
func (s *stage) journaled() string {
	s.t.Helper()
	var b strings.Builder
	for r, err := range journal.Read(filepath.Join(s.dir, "journal")) {
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", strings.ReplaceAll(string(text), s.dir, "DIR"))
	}
	return b.String()
}
