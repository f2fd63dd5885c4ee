package daemon

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
)

// A recorder is a part that writes down what is asked of it.
type recorder struct {
	name     string
	script   *[]string
	refuses  func(*config.Config) bool // nil: never
	meantime func()                    // happens while it prepares; nil: nothing
}

func (r *recorder) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	note := func(what string) { *r.script = append(*r.script, what+" "+r.name) }
	note("prepare")
	if r.meantime != nil {
		r.meantime()
	}
	if r.refuses != nil && r.refuses(cfg) {
		return nil, nil, []config.Diagnostic{{Gravity: config.Error, Summary: r.name + " refuses"}}
	}
	warning := config.Diagnostic{Gravity: config.Warning, Summary: r.name + " warns"}
	return func() { note("commit") }, func() { note("discard") }, []config.Diagnostic{warning}
}

// recorded is a reloader of three parts over one file, which has n checks.
type recorded struct {
	*reloader
	t      *testing.T
	list   [3]*recorder
	script []string
}

func newRecorded(t *testing.T) *recorded {
	t.Helper()
	dir := t.TempDir()
	r := &recorded{t: t}
	var all parts
	for i := range r.list {
		r.list[i] = &recorder{name: string(rune('a' + i)), script: &r.script}
		all = append(all, r.list[i])
	}
	o := Options{ConfigPath: filepath.Join(dir, "main.hcl"), StateDir: dir, Log: zap.NewNop()}
	r.reloader = newReloader(o, watch.New(watch.Options{Path: o.ConfigPath}), all, func() []zap.Field { return nil })
	r.write(1)
	return r
}

func (r *recorded) write(checks int) {
	r.t.Helper()
	text := strings.Builder{}
	for i := range checks {
		text.WriteString("imap_check \"" + string(rune('a'+i)) + "\" {\n  hostname = \"imap.example.net\"\n}\n")
	}
	if err := os.WriteFile(r.ConfigPath, []byte(text.String()), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// did compares what the parts were asked since the last time, in order.
func (r *recorded) did(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.script); diff != "" {
		r.t.Errorf("(-want +got):\n%s", diff)
	}
	r.script = nil
}

func (r *recorded) start() {
	r.t.Helper()
	c, err := r.prepareStart(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(c.warnings) < 3 {
		r.t.Errorf("the warnings of the parts are lost: %+v", c.warnings)
	}
	r.applyCandidate(c)
	r.did("prepare a", "prepare b", "prepare c", "commit a", "commit b", "commit c")
}

func (r *recorded) reloaded(ctx context.Context, want string) api.Verdict {
	r.t.Helper()
	v := r.reloadFiles(ctx, reasons{hangup: true})
	if v.Result != want {
		r.t.Errorf("the reload was %s, want %s: %+v", v.Result, want, v.Diagnostics)
	}
	return v
}

func TestPartsAreCommittedTogether(t *testing.T) {
	r := newRecorded(t)
	r.start()
	r.write(2)
	v := r.reloaded(t.Context(), api.Applied)
	r.did("prepare a", "prepare b", "prepare c", "commit a", "commit b", "commit c")
	// What the parts warned of at the start is not said again.
	if len(v.Diagnostics) != 1 || v.Diagnostics[0].Summary != "Nobody is notified" {
		t.Errorf("the reload warns: %+v", v.Diagnostics)
	}
	r.reloaded(t.Context(), api.Unchanged)
	r.did()
}

func TestAPartThatRefusesLeavesAllAsTheyWere(t *testing.T) {
	r := newRecorded(t)
	r.start()
	r.write(2)
	second := r.list[1]
	second.refuses = func(*config.Config) bool { return true }
	v := r.reloaded(t.Context(), api.RejectedWord)
	r.did("prepare a", "prepare b", "prepare c", "discard c", "discard a")
	if got := r.configState(); got.State != api.Rejected || !strings.Contains(got.Error, "b refuses") || len(r.configInForce().Checks) != 1 {
		t.Errorf("the state is %+v, with %d checks: %+v", got, len(r.configInForce().Checks), v)
	}
	second.refuses = nil
	r.reloaded(t.Context(), api.Applied)
	r.did("prepare a", "prepare b", "prepare c", "commit a", "commit b", "commit c")
}

func TestAReloadThatTheEndOfTheDaemonOvertakes(t *testing.T) {
	r := newRecorded(t)
	r.start()
	r.write(2)
	ctx, cancel := context.WithCancel(t.Context())
	r.list[1].meantime = cancel
	r.reloaded(ctx, api.RejectedWord)
	r.did("prepare a", "prepare b", "prepare c", "discard c", "discard b", "discard a")
	if got := r.configState(); got.State != api.Current || got.Error != "" {
		t.Errorf("nothing was wrong with the files, and the state is %+v", got)
	}
	r.reloaded(ctx, api.RejectedWord) // before anything is prepared
	r.did()
}

// At a start, a part that refuses the files is asked about the last good
// configuration next, and about nothing else.
func TestAPartThatRefusesAtTheStart(t *testing.T) {
	r := newRecorded(t)
	r.start()
	r.write(2)
	r.reloader = newReloader(r.Options, r.watcher, r.parts, r.changes) // a new process
	r.list[2].refuses = func(cfg *config.Config) bool { return len(cfg.Checks) == 2 }
	c, err := r.prepareStart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.did("prepare a", "prepare b", "prepare c", "discard b", "discard a", "prepare a", "prepare b", "prepare c")
	if len(c.cfg.Checks) != 1 || c.filesError == "" {
		t.Errorf("it begins with %d checks, since %q", len(c.cfg.Checks), c.filesError)
	}
	r.list[2].refuses = func(*config.Config) bool { return true }
	if c, err := r.prepareStart(t.Context()); err == nil {
		t.Errorf("it begins with %d checks", len(c.cfg.Checks))
	}
}

func TestDesired(t *testing.T) {
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{
		"a": {ID: "a", Enabled: true, Probe: config.Probe{Port: 1}},
		"b": {ID: "b", Enabled: true, Probe: config.Probe{Port: 2}},
		"p": {ID: "p", Probe: config.Probe{Port: 3}},
	}}
	for name, test := range map[string]struct {
		members Members
		want    []config.CheckID
	}{
		"alone":   {onlyMember, []config.CheckID{"a", "b"}},
		"a share": {func(id config.CheckID) bool { return id == "b" }, []config.CheckID{"b"}},
		"none":    {func(config.CheckID) bool { return false }, nil},
	} {
		want := map[config.CheckID]*config.Probe{}
		for _, id := range test.want {
			want[id] = &cfg.Checks[id].Probe
		}
		if got := desired(cfg, test.members); !maps.Equal(got, want) {
			t.Errorf("%s: %d probes, want those of %v", name, len(got), test.want)
		}
	}
}

// A share that changes has other checks probed, without a reload, and those that stay notice nothing.
func TestTheShareOfANodeMoves(t *testing.T) {
	var mu sync.Mutex
	begun := map[config.CheckID]int{}
	share := map[config.CheckID]bool{"a": true, "b": true}
	set := &probeSet{members: func(id config.CheckID) bool { return share[id] }}
	started := make(chan struct{}, 3)
	set.running = reconcile.NewFunc(sameProbe, func(ctx context.Context, id config.CheckID, _ *config.Probe) {
		mu.Lock()
		begun[id]++
		mu.Unlock()
		started <- struct{}{}
		<-ctx.Done()
	})
	defer set.running.Close()
	set.moveShare() // before the first configuration: nothing
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for _, id := range []config.CheckID{"a", "b", "c"} {
		cfg.Checks[id] = &config.Check{ID: id, Enabled: true}
	}
	set.apply(cfg)
	share = map[config.CheckID]bool{"b": true, "c": true}
	set.moveShare()
	for range 3 {
		<-started
	}
	if diff := set.apply(cfg); diff.Unchanged != 2 || len(diff.Started)+len(diff.Stopped)+len(diff.Changed) != 0 {
		t.Errorf("the next configuration finds %+v", diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := map[config.CheckID]int{"a": 1, "b": 1, "c": 1}; !maps.Equal(begun, want) {
		t.Errorf("begun: %v", begun)
	}
}
