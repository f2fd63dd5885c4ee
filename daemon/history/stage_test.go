package history

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A stage is a store on a file, and who feeds it. It lives in a bubble of synctest, whose
// clock begins with the year 2000.
type stage struct {
	t       *testing.T
	path    string
	store   *Store
	stop    func()
	version uint64
	fault   atomic.Pointer[func(string) error] // nil: none

	mu      sync.Mutex
	changed []Record
	log     []string
}

// onStage runs a test in a bubble.
func onStage(t *testing.T, play func(s *stage)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, path: path}
		s.start()
		defer func() { s.stop() }()
		play(s)
	})
}

// start begins a daemon's life.
func (s *stage) start() {
	s.store = Open(s.options())
	s.store.fault = func(statement string) error {
		if fail := s.fault.Load(); fail != nil {
			return (*fail)(statement)
		}
		return nil
	}
	s.run()
}

func (s *stage) options() Options {
	return Options{Path: s.path, Node: "n1", Changes: s.changes, Log: func(msg string, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, fmt.Sprint(msg, " ", err))
	}}
}

func (s *stage) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.store.Run(ctx) }()
	s.stop = func() { cancel(); <-ended }
}

// changes is what the tracker knows: everything for 0, else what is new.
func (s *stage) changes(context.Context, uint64) (Changes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	return changesOf(s.version, s.changed), nil
}

// changesOf returns changes whose records are made already.
func changesOf(version uint64, list []Record) Changes {
	return Changes{Version: version, Count: len(list), Record: func(i int) (Record, error) { return list[i], nil }}
}

// said returns what was logged.
func (s *stage) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// know has the tracker know of incidents.
func (s *stage) know(list ...Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = list
}

// fail has each statement do something first, and fail with its error; nil: as usual.
func (s *stage) fail(with func(string) error) {
	if with == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&with)
}

// wait lets time pass.
func (s *stage) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// configuration returns one with checks that are probed each minute; a name with a dash before
// it is paused.
func configuration(names ...string) *config.Config {
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	cfg.Daemon.Zone = time.UTC
	for _, name := range names {
		id, isPaused := strings.CutPrefix(name, "-")
		cfg.Checks[config.CheckID(id)] = &config.Check{
			ID: config.CheckID(id), Label: id, Enabled: !isPaused, Probe: config.Probe{Interval: time.Minute, Timeout: 10 * time.Second},
		}
	}
	return cfg
}

// good returns a result of now that finds nothing wrong at its addresses.
func good(id config.CheckID, addresses ...string) incident.Result {
	now := time.Now()
	r := incident.Result{Check: id, Started: now, Ended: now.Add(time.Second), Observed: config.ConditionSet(config.ConditionService)}
	for _, a := range addresses {
		r.Addresses = append(r.Addresses, incident.Address{Node: "n1", IP: netip.MustParseAddr(a), Health: incident.OK, Timings: config.PhaseTimes{
			config.WholeConversation: 100 * time.Millisecond, config.PhaseConnect: 20 * time.Millisecond,
		}})
	}
	return r
}

// probe has checks probed each minute for a while.
func (s *stage) probe(d time.Duration, ids ...config.CheckID) {
	for end := time.Now().Add(d); time.Now().Before(end); s.wait(time.Minute) {
		for _, id := range ids {
			s.store.Result(good(id, "192.0.2.1"))
		}
	}
}

// life returns what is known of a check since 2000, a line an interval or bout.
func (s *stage) life(id config.CheckID) string {
	s.t.Helper()
	lives, err := s.store.Lives(s.t.Context(), []config.CheckID{id}, time.UnixMilli(0), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for _, i := range lives[id].Intervals {
		fmt.Fprintln(&b, clockOf(i.From)+"-"+clockOf(i.To), i.Kind, i.Why)
	}
	for _, o := range lives[id].Bouts {
		fmt.Fprintln(&b, clockOf(o.From)+"-"+clockOf(o.To), "bout of", o.Incident, "reported", clockOf(o.Reported), o.Service)
	}
	return b.String()
}

// clockOf shows the time of the first day, or how many days later it is.
func clockOf(t time.Time) string {
	day := t.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour)
	switch {
	case t.IsZero():
		return "..."
	case t.UnixMilli() == 0:
		return "ever"
	case day > 0:
		return fmt.Sprintf("+%d %s", day, t.UTC().Format("15:04:05"))
	}
	return t.UTC().Format("15:04:05")
}

func (s *stage) expectLife(id config.CheckID, want ...string) {
	s.t.Helper()
	var got []string
	for line := range strings.Lines(s.life(id)) {
		got = append(got, strings.TrimSpace(line))
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("the life of %s is\n\t%s\nwant\n\t%s", id, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
