package tracker

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// A void journal takes everything and keeps nothing.
type void struct{}

func (void) Append(...journal.Record) error { return nil }
func (void) Replay() iter.Seq2[journal.Record, error] {
	return func(func(journal.Record, error) bool) {}
}
func (void) Status() journal.Status                 { return journal.Status{Durable: true} }
func (void) Size() int64                            { return 0 }
func (void) Compact(iter.Seq[journal.Record]) error { return nil }
func (void) Wanted() <-chan struct{}                { return nil }
func (void) Verify()                                {}

// manyChecks is a configuration with so many checks.
func manyChecks(n int) *config.Config {
	cfg := &config.Config{Checks: make(map[config.CheckID]*config.Check, n)}
	for i := range n {
		id := config.CheckID(fmt.Sprintf("customer%06d", i))
		cfg.Checks[id] = &config.Check{ID: id, Enabled: true}
	}
	return cfg
}

func (t *Tracker) see(id config.CheckID, at time.Time, findings ...incident.Finding) {
	t.observe(&round{now: at}, incident.Result{
		Check: id, Started: at, Ended: at, Observed: config.ConditionSet(config.ConditionService), Findings: findings,
	})
}

var refused = incident.Finding{
	Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused,
}

// BenchmarkSnapshot makes the snapshot of a second while somebody watches: of checks that are
// probed once a minute, here and there, those of a second have changed since the one before. The
// goroutine that decides alarms is busy with it: the targets are 1 ms at 10,000 checks and 10 ms
// at 100,000.
func BenchmarkSnapshot(b *testing.B) {
	for _, checks := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) { benchmarkSnapshot(b, checks, checks/60) })
	}
}

func benchmarkSnapshot(b *testing.B, checks, changed int) {
	b.Helper()
	cfg := manyChecks(checks)
	tr, err := Open(Options{Journal: void{}})
	if err != nil {
		b.Fatal(err)
	}
	tr.useConfiguration(cfg)
	now := time.Now()
	ids := slices.Sorted(maps.Keys(cfg.Checks))
	for _, id := range ids {
		tr.see(id, now)
	}
	tr.publish()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		for i := range changed {
			tr.see(ids[(i*checks/changed+n)%checks], now)
		}
		b.StartTimer()
		tr.publish()
	}
}

// BenchmarkFirstSnapshot is the snapshot that somebody asks for after nobody has for so
// long that all 100,000 checks were probed.
func BenchmarkFirstSnapshot(b *testing.B) {
	cfg := manyChecks(100_000)
	tr, err := Open(Options{Journal: void{}})
	if err != nil {
		b.Fatal(err)
	}
	tr.useConfiguration(cfg)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for id := range cfg.Checks {
			tr.see(id, now)
		}
		b.StartTimer()
		tr.publish()
	}
}

// What a snapshot holds stays as it is, whatever happens after it was made; the next one
// holds what is known by then; and what Changes says is all that differs.
func TestSnapshotsNeverChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, err := Open(Options{Journal: void{}})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
		ids := make([]config.CheckID, 3*blockSize/2)
		for i := range ids {
			ids[i] = config.CheckID(fmt.Sprintf("c%03d", i))
		}
		one := rapid.SampledFrom(ids)
		configure := func() {
			cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
			for _, id := range ids {
				if rapid.IntRange(0, 9).Draw(t, "there") > 0 {
					cfg.Checks[id] = &config.Check{ID: id, Enabled: true, Policy: config.Policy{FaultTolerance: time.Minute}}
				}
			}
			tr.configure(&round{now: now}, cfg)
		}
		configure()
		type kept struct {
			snapshot *Snapshot
			text     string
		}
		var made []kept
		t.Repeat(map[string]func(*rapid.T){
			"time":      func(*rapid.T) { now = now.Add(time.Minute) },
			"configure": func(*rapid.T) { configure() },
			"well":      func(t *rapid.T) { tr.see(one.Draw(t, "check"), now) },
			"failing":   func(t *rapid.T) { tr.see(one.Draw(t, "check"), now, refused) },
			"forget":    func(*rapid.T) { tr.world(true, nil, now); tr.forgetOldIncidents(now.Add(2 * keepFor)) },
			"tell": func(t *rapid.T) {
				var items []outbox.Item
				for id := range tr.ledger.records {
					items = append(items, outbox.Item{Incident: id, Transition: "opened", Episode: 1})
				}
				slices.SortFunc(items, func(a, b outbox.Item) int { return cmp.Compare(a.Incident, b.Incident) })
				if len(items) > 0 {
					key := outbox.Key(fmt.Sprintf("k%d", rapid.IntRange(0, 1<<30).Draw(t, "key")))
					tr.foldNotification(outbox.Notification{Key: key, At: now, Kind: "webhook", Items: items[:1]})
					tr.foldOutcome(outbox.Outcome{Key: key, At: now, State: outbox.Sent, Attempts: 1})
				}
			},
			"look": func(t *rapid.T) {
				s := tr.publish()
				for _, old := range made {
					if text := textOf(old.snapshot); text != old.text {
						t.Fatalf("snapshot %d has changed:\n%s", old.snapshot.Version, gocmp.Diff(old.text, text))
					}
					differs(t, old.snapshot, s)
				}
				fresh := tr.knownNow()
				if text := textOf(s); text != fresh {
					t.Fatalf("(-known +snapshot):\n%s", gocmp.Diff(fresh, text))
				}
				made = append(made, kept{s, textOf(s)})
			},
		})
	})
}

// textOf is all that a snapshot holds, as text.
func textOf(s *Snapshot) (text string) {
	for c := range s.Checks() {
		text += checkText(c.ID, c.CheckState) + "\n"
	}
	var incidents []string
	for in := range s.Incidents() {
		incidents = append(incidents, incidentText(s, in))
	}
	slices.Sort(incidents)
	return text + fmt.Sprint(incidents)
}

func checkText(id config.CheckID, s *CheckState) string {
	last := ""
	if s.Last != nil {
		last = s.Last.Started.String()
	}
	return fmt.Sprint(id, " ", last, " ", s.Since, s.Unknown, s.Incidents)
}

func incidentText(s *Snapshot, in *IncidentState) (text string) {
	text = fmt.Sprint(in.Incident, len(in.Events), "\n")
	for d := range s.Deliveries(in) {
		text += fmt.Sprint(d.Key, d.State, "\n")
	}
	return text
}

// knownNow is what a snapshot has to hold.
func (t *Tracker) knownNow() (text string) {
	for _, id := range slices.Sorted(maps.Keys(t.cfg.Checks)) {
		state := &CheckState{}
		if c, known := t.checks[id]; known {
			state = c.published(0)
		}
		text += checkText(id, state) + "\n"
	}
	incidents := []string{}
	for _, rec := range t.ledger.records {
		in := t.publishedIncident(rec, 0)
		if !in.shown() {
			continue
		}
		one := fmt.Sprint(in.Incident, len(in.Events), "\n")
		for _, d := range t.book.Of(in.Incident.ID) {
			one += fmt.Sprint(d.Key, d.State, "\n")
		}
		incidents = append(incidents, one)
	}
	slices.Sort(incidents)
	return text + fmt.Sprint(incidents)
}

// differs holds what Changes says against what two snapshots hold.
func differs(t *rapid.T, old, s *Snapshot) {
	said := map[config.CheckID]bool{}
	changes := s.Changes(old.Version)
	for _, c := range changes.Checks {
		said[c.ID] = true
	}
	for c := range s.Checks() {
		was, known := old.Check(c.ID)
		if known && checkText(c.ID, was.CheckState) != checkText(c.ID, c.CheckState) && !said[c.ID] {
			t.Fatalf("Changes since %d passes over %s", old.Version, c.ID)
		}
	}
	before, told := map[incident.ID]string{}, map[incident.ID]bool{}
	for in := range old.Incidents() {
		before[in.Incident.ID] = incidentText(old, in)
	}
	for _, in := range changes.Incidents {
		told[in.Incident.ID] = true
	}
	for in := range s.Incidents() {
		if id := in.Incident.ID; before[id] != incidentText(s, in) && !told[id] {
			t.Fatalf("Changes since %d passes over incident %s", old.Version, id)
		}
	}
}
