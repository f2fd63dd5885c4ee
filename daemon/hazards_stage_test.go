package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A stage is a daemon in this process, over real files: everything but the
// servers, which its probes make up.
type stage struct {
	t      testing.TB
	dir    string // everything is below
	path   string // of the configuration
	watch  watch.Options
	shrink bool                                                                           // as Options.AllowShrink
	alone  bool                                                                           // without the tasks that need a socket: time in a bubble stands still for those
	bare   bool                                                                           // nobody looks at the goroutines, whose stacks that would double
	bubble bool                                                                           // alone, and in a bubble
	guard  func()                                                                         // called in the goroutine of the watcher before it begins
	probe  func(ctx context.Context, id config.CheckID, check config.Probe) verdict.Probe // nil: all is well
	past   func(m *monitor) (record func(context.Context) error)                          // may change the history, and runs it; nil: nobody does

	m       *monitor
	ledger  *ledger
	running *roster
	hangup  chan os.Signal
	record  func(context.Context) error
	stop    func()
}

const (
	never = 1000 * time.Hour // a poll that cannot be what noticed a change
	// patience is longer than anything takes on a machine that does other things
	// too.
	patience = 2 * time.Minute
)

// newStage makes the directories. Their names are short, as those of sockets
// must be (unix(7)).
func newStage(t testing.TB) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "stage-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stage{t: t, dir: dir, path: filepath.Join(dir, "conf"), hangup: make(chan os.Signal, 1)}
	s.watch.Poll = never
	return s
}

// start starts the daemon, waits for its first configuration and its first look,
// and has it stopped at the end of the test unless that was done.
func (s *stage) start() {
	s.t.Helper()
	if err := s.launch(); err != nil {
		s.t.Fatal(err)
	}
	s.ledger.await(s.t, 1)
	s.ledger.until(s.t, "the first look", func() bool { return len(s.ledger.looks) > 0 })
	if s.bubble {
		synctest.Wait()
	}
}

func (s *stage) launch() error {
	s.ledger, s.running = newLedger(), newRoster()
	m := &monitor{Options: Options{
		ConfigPath: s.path, StateDir: s.dir, Control: filepath.Join(s.dir, "control.sock"),
		Log: zap.New(s.ledger), Hangup: s.hangup, AllowShrink: s.shrink, Listen: new(string),
	}}
	ctx, cancel := context.WithCancel(context.Background())
	first, err := m.openAll(ctx)
	if err != nil {
		cancel()
		return err
	}
	s.m, s.ledger.m = m, m
	s.watch.Path, s.watch.Log = s.path, m.logOutside
	m.watcher = watch.New(s.watch)
	m.reloads.watcher = m.watcher
	m.loop.Probe = s.probed
	if !s.bare {
		m.probes.running = reconcile.NewFunc(sameProbe, s.running.follow(m.loop.Runner()))
	}
	run := m.runTasks
	if s.alone {
		run = s.runAlone
	}
	if s.past != nil {
		s.record = s.past(m)
	}
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(run(ctx, first), m.journal.Close()) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the daemon ended with: %v", err)
		}
	})
	s.t.Cleanup(s.stop)
	return nil
}

// runAlone is monitor.run without what waits for sockets.
func (s *stage) runAlone(ctx context.Context, first *candidate) error {
	keeping, stopTracker := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	var failed [4]error
	tasks.Go(func() { failed[0] = s.m.deciding.own.Run(keeping) })
	recording, stopHistory := context.WithCancel(keeping)
	defer stopHistory()
	if s.record != nil {
		tasks.Go(func() { _ = s.record(recording) }) // it never fails
	}
	tasks.Go(func() {
		if s.guard != nil {
			s.guard()
		}
		failed[1] = s.m.watcher.Run(ctx)
	})
	tasks.Go(func() {
		s.m.reloads.applyCandidate(first)
		failed[2] = s.m.reloads.serveReasons(ctx)
	})
	<-ctx.Done()
	s.m.probes.running.Close()
	stopHistory()
	s.m.sender.Stop(ctx)
	stopTracker()
	tasks.Wait()
	s.m.channels.closeAll()
	failed[3] = s.m.listener.Close()
	return errors.Join(failed[:]...)
}

func (s *stage) probed(ctx context.Context, id config.CheckID, check config.Probe) verdict.Probe {
	if s.probe != nil {
		return s.probe(ctx, id, check)
	}
	return well(id)
}

// well is what a probe of a server without a fault gives.
func well(id config.CheckID) verdict.Probe {
	now := time.Now()
	with := verdict.Conversation{InDNS: true, Address: incident.Address{IP: netip.MustParseAddr("127.0.0.1")}}
	return verdict.Probe{Check: id, Started: now, Ended: now, Conversations: []verdict.Conversation{with}}
}

// reload is what `imapvigil reload` asks for; it gives the word of the verdict.
func (s *stage) reload() string {
	s.t.Helper()
	v, err := s.m.Reload(s.t.Context(), false)
	if err != nil {
		s.t.Fatal(err)
	}
	return v.Result
}

// A happening is what came of one look at the files.
type happening struct {
	at   time.Time
	what string // the checks of what was applied, as "a=1 b=2", or "refused: " and why
	why  string // what led to it
	look int    // the number of the look
}

// A ledger is the log of the daemon: which configurations were applied and
// refused, in order.
type ledger struct {
	zapcore.LevelEnabler
	m *monitor

	mu      sync.Mutex
	entries []happening
	looks   []string // because of what
	said    []string // everything else
	changed chan struct{}
}

func newLedger() *ledger {
	return &ledger{LevelEnabler: zapcore.DebugLevel, changed: make(chan struct{})}
}

// With implements [zapcore.Core].
func (l *ledger) With([]zapcore.Field) zapcore.Core { return l }

// Sync implements [zapcore.Core].
func (l *ledger) Sync() error { return nil }

// Check implements [zapcore.Core].
func (l *ledger) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return c.AddCore(e, l)
}

// Write implements [zapcore.Core]. The goroutine that applied is the one that
// writes, so what is in force now is what was applied.
func (l *ledger) Write(e zapcore.Entry, fields []zapcore.Field) error {
	f := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		field.AddTo(f)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	why, _ := f.Fields["because_of"].(string)
	switch e.Message {
	case "configuration applied":
		l.entries = append(l.entries, happening{time.Now(), describe(l.m.reloads.configInForce()), why, len(l.looks)})
	case rejectedMessage:
		what := fmt.Sprint("refused: ", f.Fields["error"])
		why = l.looks[len(l.looks)-1]
		if n := len(l.entries); n > 0 && l.entries[n-1].look == len(l.looks) {
			break // a further error of the same look
		}
		l.entries = append(l.entries, happening{time.Now(), what, why, len(l.looks)})
	case "checking the configuration files":
		l.looks = append(l.looks, why)
	default:
		l.said = append(l.said, e.Message)
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// spoken gives what was said that contains words.
func (l *ledger) spoken(words string) (said []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.said {
		if strings.Contains(line, words) {
			said = append(said, line)
		}
	}
	return said
}

// describe gives the checks of a configuration with their ports, and those that
// many wrote as what it was asked for.
func describe(cfg *config.Config) string {
	var words []string
	written := map[int]int{} // by the port that they were counted from
	for _, id := range slices.Sorted(maps.Keys(cfg.Checks)) {
		port := int(cfg.Checks[id].Probe.Port)
		if n, err := strconv.Atoi(strings.TrimPrefix(string(id), "c")); err == nil {
			written[port-n]++
			continue
		}
		words = append(words, fmt.Sprintf("%s=%d", id, port))
	}
	for _, first := range slices.Sorted(maps.Keys(written)) {
		words = append(words, fmt.Sprintf("%d from %d", written[first], first))
	}
	return strings.Join(words, " ")
}

// so gives what has happened so far.
func (l *ledger) so() []happening {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// await waits until that many things have happened.
func (l *ledger) await(t testing.TB, n int) {
	t.Helper()
	l.until(t, fmt.Sprintf("%d configurations to be applied or refused", n), func() bool { return len(l.entries) >= n })
}

// until waits for something to be true of the ledger.
func (l *ledger) until(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		done, changed := is(), l.changed
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s; so far: %+v, looked because of %q", what, l.so(), l.looks)
		}
	}
}

// A roster knows the goroutine of each check that runs.
type roster struct {
	mu      sync.Mutex
	begun   int // goroutines ever
	running map[config.CheckID]turn
}

// A turn is one goroutine of a check.
type turn struct {
	number int // how many had begun before
	probe  config.Probe
}

func newRoster() *roster { return &roster{running: map[config.CheckID]turn{}} }

func (r *roster) follow(run func(context.Context, config.CheckID, *config.Probe)) func(context.Context, config.CheckID, *config.Probe) {
	return func(ctx context.Context, id config.CheckID, check *config.Probe) {
		r.enter(id, *check)
		run(ctx, id, check)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, id)
	}
}

func (r *roster) enter(id config.CheckID, check config.Probe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[id] = turn{r.begun, check}
	r.begun++
}

func (r *roster) now() map[config.CheckID]turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.running)
}
