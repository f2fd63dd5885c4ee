package cluster_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/cluster"
)

var (
	rounds = flag.Int("rounds", 3, "how many rounds of random faults are played, of each kind")
	first  = flag.Uint64("first", 1, "the seed of the first round")
)

// Whatever befalls the nodes, each outage is told once, with its end. Each round is random: the seed
// in its name gives the same again.
func TestRandomFaults(t *testing.T) {
	for _, kind := range []struct {
		name          string
		neverStepDown bool
	}{{"nodes", false}, {"deciders that never step down", true}} {
		for seed := *first; seed < *first+uint64(*rounds); seed++ {
			t.Run(fmt.Sprintf("%s/%d", kind.name, seed), func(t *testing.T) {
				t.Parallel()
				cfg := loadFiles(t, manyChecks(), fiveNodes()...)
				if seed%2 == 0 {
					cfg.Cluster.AloneAfter = 15 * time.Second // else few nodes report anything alone
				}
				synctest.Test(t, func(t *testing.T) { playRound(t, cfg, seed, kind.neverStepDown) })
			})
		}
	}
}

// Four of five nodes may decide; two are in one place.
func fiveNodes() []*config.Node {
	return []*config.Node{
		{ID: "fra1", Location: "frankfurt", Decide: true},
		{ID: "fra2", Location: "frankfurt", Decide: true},
		{ID: "lon1", Location: "london", Decide: true},
		{ID: "nyc1", Location: "new-york", Decide: true},
		{ID: "sgp1", Location: "singapore"},
	}
}

const (
	checksOfRound = 40
	roundTime     = 10 * time.Minute // in which there are outages and faults
	settleTime    = 4 * time.Minute  // after it, in which all ends
)

func manyChecks() string {
	var files strings.Builder
	files.WriteString(`
daemon { notification_roles = [notification_role.it] }
notifier "webhook" "hook" { url = "https://hook.example.net/" }
notification_role "it" {
  notify { via = notifier.webhook.hook }
}
defaults {
  notification_roles = [notification_role.it]
  interval           = "10s"
  retry_interval     = "5s"
  fault_tolerance    = "30s"
  recovery_tolerance = "20s"
}
`)
	for i := range checksOfRound {
		fmt.Fprintf(&files, "server \"mx%02d\" {\n  hostname = \"mx%02d.example.org\"\n  imap_check \"imaps\" {}\n}\n", i, i)
	}
	return files.String()
}

// An outage is of one check, from everywhere, or a fault that one node sees alone.
type outage struct {
	check    string
	from     string // a node; empty: everywhere
	begin    time.Duration
	duration time.Duration
}

// A fault befalls a node for a while.
type fault struct {
	kind     string // kill, cut, one-way, stream
	node     string // empty: the one that decides then
	other    string // one-way: to whom
	begin    time.Duration
	duration time.Duration
}

// plan makes the outages and faults of a round. At most two nodes are at fault at a time.
func plan(random *rand.Rand) (outages []outage, faults []fault) {
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(random.Int64N(int64(to-from))) }
	nodes := fiveNodes()
	checks := random.Perm(checksOfRound)
	for i := range 24 {
		o := outage{check: fmt.Sprintf("mx%02d/imaps", checks[i]), begin: between(30*time.Second, roundTime-4*time.Minute), duration: between(150*time.Second, 200*time.Second)}
		if i >= 16 {
			o.from = string(nodes[random.IntN(len(nodes))].ID)
		}
		outages = append(outages, o)
	}
	var free [2]time.Duration // when each of two troublemakers has time
	for i := range free {
		for free[i] = between(20*time.Second, 60*time.Second); free[i] < roundTime; free[i] += between(5*time.Second, 60*time.Second) {
			f := fault{
				kind: []string{"kill", "kill", "cut", "cut", "one-way", "stream"}[random.IntN(6)], begin: free[i], duration: between(2*time.Second, 40*time.Second),
				node: string(nodes[random.IntN(len(nodes))].ID), other: string(nodes[random.IntN(len(nodes))].ID),
			}
			switch {
			case f.kind == "stream":
				f.duration = between(time.Second, 9*time.Second)
			case f.kind == "cut" && random.IntN(2) == 0:
				f.duration = between(65*time.Second, 100*time.Second) // long enough to be alone
			}
			if random.IntN(3) > 0 {
				f.node = ""
			}
			faults = append(faults, f)
			free[i] += f.duration
		}
	}
	return outages, faults
}

// A happening is a moment of a round.
type happening struct {
	at time.Duration
	do func()
}

// playRound plays the faults of a seed, lets all be healed, and compares what was told with what
// was.
func playRound(t *testing.T, cfg *config.Config, seed uint64, neverStepDown bool) {
	s := newStage(t, cfg)
	s.neverStepDown = neverStepDown
	s.ledger = &ledger{stage: s, random: rand.New(rand.NewPCG(seed, 1))}
	s.createStream()
	outages, faults := plan(rand.New(rand.NewPCG(seed, 0)))
	// Between continents; and one message in fifty is lost.
	s.net.Delay(time.Duration(seed%4) * 40 * time.Millisecond)
	s.net.Lose(float64(seed%3)/100, rand.New(rand.NewPCG(seed, 2)))
	for _, m := range s.sorted() {
		m.start()
	}
	var list []happening
	for _, o := range outages {
		list = append(list, happening{o.begin, func() { s.set(o.check, o.from, "tls timeout") }},
			happening{o.begin + o.duration, func() { s.set(o.check, o.from, "ok") }})
	}
	for _, f := range faults {
		list = append(list, happening{f.begin, func() {
			if f.node == "" {
				f.node = s.decider()
			}
			s.beginFault(f)
		}}, happening{f.begin + f.duration, func() { s.endFault(f) }})
	}
	slices.SortStableFunc(list, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	for _, h := range list {
		s.reach(s.begin.Add(h.at))
		h.do()
	}
	for _, m := range s.sorted() {
		s.net.Heal(string(m.id))
		m.startAgain()
	}
	s.net.CutStream(false)
	s.net.Lose(0, nil)
	s.reach(s.begin.Add(roundTime + settleTime))
	s.end()
	s.ledger.judge(outages)
	s.compareCopies()
	if t.Failed() || testing.Verbose() {
		t.Logf("%+v\n%+v\n%s", outages, faults, s.out.text.String())
	}
}

// decider returns the machine that decides, or else any that runs, or else any.
func (s *stage) decider() string {
	best := s.sorted()[0]
	for _, m := range s.sorted() {
		if m.process != nil && (best.process == nil || m.process.node.Role() == cluster.Deciding) {
			best = m
		}
	}
	return string(best.id)
}

func (s *stage) beginFault(f fault) {
	s.out.note("#", fmt.Sprintf("%s %s %s for %s", f.kind, f.node, f.other, f.duration.Round(time.Second/10)))
	switch f.kind {
	case "kill":
		s.machine(f.node).kill()
	case "cut":
		s.net.Cut(f.node)
	case "one-way":
		s.net.CutOneWay(f.node, f.other)
	case "stream":
		s.net.CutStream(true)
	}
}

func (s *stage) endFault(f fault) {
	switch f.kind {
	case "kill":
		s.machine(f.node).startAgain()
	case "cut", "one-way":
		s.net.Heal(f.node)
	case "stream":
		s.net.CutStream(false)
	}
}

// startAgain starts a machine unless it runs.
func (m *machine) startAgain() {
	m.mu.Lock()
	running := m.process != nil
	m.mu.Unlock()
	if !running {
		m.start()
	}
}
