package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A stage is several machines, the network between them, and the servers that they probe.
type stage struct {
	t        *testing.T
	dir      string
	begin    time.Time
	net      *local.Network
	cfg      *config.Config
	machines map[config.NodeID]*machine
	out      transcript
	ledger   *ledger // of a round of random faults; nil: this is none
	// probesOnly is a node that may decide no longer, by files that all have been given since; empty: there is none.
	probesOnly config.NodeID
	// onAsk is called when a node asks another one, and says whether that one never answers; nil: all do.
	onAsk func(from config.NodeID, to string) (hangs bool)
	// answerTime is how long whoever gets a message takes to answer.
	answerTime atomic.Int64

	mu       sync.Mutex
	symptoms map[string]string // by check, and by check and node: what probes find; else all is well
	// neverStepDown: deciders go on until the journal refuses them.
	neverStepDown bool
}

func newStage(t *testing.T, cfg *config.Config) *stage {
	s := &stage{
		t: t, dir: t.TempDir(), begin: time.Now(), net: local.New(), cfg: cfg,
		machines: map[config.NodeID]*machine{}, symptoms: map[string]string{},
	}
	for _, node := range cfg.Cluster.SortedNodes() {
		s.machines[node.ID] = &machine{stage: s, id: node.ID, dir: filepath.Join(s.dir, string(node.ID))}
	}
	return s
}

// loadFiles reads a configuration for one machine, and adds nodes to it.
func loadFiles(t *testing.T, files string, nodes ...*config.Node) *config.Config {
	t.Helper()
	cfg, err := readFiles(t.TempDir(), files, nodes...)
	must(t, err)
	return cfg
}

// readFiles does what loadFiles does, in a directory.
func readFiles(dir, files string, nodes ...*config.Node) (*config.Config, error) {
	path := filepath.Join(dir, "imapvigil.hcl")
	if err := os.WriteFile(path, []byte(files), 0o600); err != nil {
		return nil, err
	}
	snapshot, err := source.Read(path, source.Options{})
	if err != nil {
		return nil, err
	}
	cfg, diags := hclfile.Load(snapshot)
	for _, d := range diags {
		if d.Gravity == config.Error {
			return nil, fmt.Errorf("%s: %s, line %d", d.Summary, d.Detail, d.Pos.Line)
		}
	}
	cfg.Cluster = &config.Cluster{Name: "imapvigil", AloneAfter: time.Minute, Nodes: map[config.NodeID]*config.Node{}}
	for _, n := range nodes {
		cfg.Cluster.Nodes[n.ID] = n
	}
	for _, c := range cfg.Checks {
		n := min(3, len(nodes))
		c.Quorum = config.Quorum{Nodes: n, Agree: n/2 + 1}
	}
	return cfg, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// set says what probes of a check, or of all ("everything"), find from now on, from all nodes or from
// one: "ok", "unknown", or a phase and a cause.
func (s *stage) set(check, node, symptom string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.symptoms[check+" "+node] = symptom
}

// symptom returns what a probe finds.
func (s *stage) symptom(check config.CheckID, node config.NodeID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{string(check) + " " + string(node), "everything " + string(node), string(check) + " ", "everything "} {
		if found := s.symptoms[key]; found != "" && found != "ok" {
			return found
		}
	}
	return "ok"
}

// result is what a probe of a check finds: "ok", "unknown", or a phase and a cause.
func result(check config.CheckID, symptom string, now time.Time) incident.Result {
	r := incident.Result{
		Check: check, Started: now, Ended: now, Target: "mx.example.org:993",
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionLatency),
	}
	switch phase, cause, _ := strings.Cut(symptom, " "); phase {
	case "ok":
	case "unknown":
		r.Observed = 0
	default:
		r.Observed = config.ConditionSet(config.ConditionService)
		f := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseTLS, Cause: config.Cause(cause)}
		if phase == "connect" {
			f.Phase = config.PhaseConnect
		}
		r.Findings = []incident.Finding{f}
	}
	return r
}

// reach lets time pass, and has the machines probe what is due on the way.
func (s *stage) reach(until time.Time) {
	for {
		next, due := s.due()
		if len(due) == 0 && s.probing() && time.Now().Add(longestProbe).Before(until) {
			time.Sleep(longestProbe)
			continue
		}
		if len(due) == 0 || next.After(until) {
			break
		}
		time.Sleep(time.Until(next))
		for _, d := range due {
			d.machine.probe(d.check)
		}
		s.settle()
	}
	time.Sleep(time.Until(until))
	s.settle()
}

// longestProbe is longer than each probe takes.
const longestProbe = 50 * time.Millisecond

// probing reports whether a probe is under way.
func (s *stage) probing() bool {
	return slices.ContainsFunc(s.sorted(), func(m *machine) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, at := range m.probes {
			if m.process != nil && at.IsZero() {
				return true
			}
		}
		return false
	})
}

// A turn is a probe that is due.
type turn struct {
	machine *machine
	check   config.CheckID
}

// due lists the probes that are due next, in the order of machines and checks.
func (s *stage) due() (next time.Time, due []turn) {
	for _, m := range s.sorted() {
		m.mu.Lock()
		for id, at := range m.probes {
			switch {
			case m.process == nil || at.IsZero():
			case len(due) == 0 || at.Before(next):
				next, due = at, []turn{{m, id}}
			case at.Equal(next):
				due = append(due, turn{m, id})
			}
		}
		m.mu.Unlock()
	}
	slices.SortFunc(due, func(a, b turn) int {
		return strings.Compare(string(a.machine.id)+" "+string(a.check), string(b.machine.id)+" "+string(b.check))
	})
	return next, due
}

func (s *stage) sorted() (list []*machine) {
	for _, node := range s.cfg.Cluster.SortedNodes() {
		list = append(list, s.machines[node.ID])
	}
	return list
}

// settle waits until all that can happen now has happened.
func (s *stage) settle() {
	synctest.Wait()
	s.out.flush(s)
}

// at shows a time of the timeline.
func (s *stage) at(t time.Time) string {
	d := t.Sub(s.begin).Round(100 * time.Millisecond)
	text := fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	if rest := d % time.Second; rest > 0 {
		text += fmt.Sprintf(".%d", rest/(100*time.Millisecond))
	}
	return text
}

// createStream makes the journal on the bus, as `nodes begin` does.
func (s *stage) createStream() {
	b := s.net.Connect("begin")
	defer b.Close()
	must(s.t, createStream(context.Background(), b.Stream()))
}

func (s *stage) end() {
	for _, m := range s.sorted() {
		m.stop()
	}
}
