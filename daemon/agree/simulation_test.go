package agree_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Random courses of five nodes over a bus that loses, doubles and reorders packets. What the board makes of
// it is compared with what a plain reading of the rule makes of the sights that arrived, and what the
// incident machine makes of that: it is what a single machine would tell that had the agreed view.
// `make soak` runs 10,000 of them: -rapid.checks=10000.
func TestSimulation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { simulate(t) })
}

// slack is by how much the clock of a failure may differ: a packet takes up to 2.5 seconds, and silence is
// noticed once a second.
const slack = 4 * time.Second

func simulate(t *rapid.T) {
	s := newSimulation(t)
	minutes := rapid.IntRange(8, 30).Draw(t, "minutes")
	for range rapid.IntRange(1, 12).Draw(t, "incidents") {
		s.plan(rapid.IntRange(30, minutes*60).Draw(t, "at"))
	}
	s.run(began.Add(time.Duration(minutes) * time.Minute))
	s.heal()
	s.realOutage()
}

// A simulation is a world and the plain reading of what happens in it.
type simulation struct {
	*world
	t      *rapid.T
	quorum config.Quorum
	plain  map[config.CheckID]*plainCheck
	known  map[string]*plainNode
	got    map[config.CheckID]incident.Result // what the board says at this moment
	// locations counts the failures of the condition location.
	locations map[config.CheckID]int
}

// A plainNode is what is known of a node.
type plainNode struct {
	suspect bool
	life    int                           // of its memory
	heard   int                           // life in which it was last heard
	epoch   int                           // counts how often that changed
	memory  map[config.CheckID]plainSight // of the node itself
}

// A plainCheck is the plain reading of one check.
type plainCheck struct {
	check     *config.Check
	sights    map[string]*plainSight
	decided   bool // anything was, so far
	wait      bool // it is to be decided on
	verdict   agree.Verdict
	short     time.Time
	well      time.Time // it was last agreed that all is well, and somebody had looked
	wellSwept time.Time // the same, whether somebody had looked or not
	state     incident.State
	events    []string
	real      []string // as they came
}

// A plainSight is the newest of a node that arrived.
type plainSight struct {
	result  incident.Result // by the clock of the node
	started time.Time       // by that of whoever decides
	ended   time.Time
	since   time.Time // the service fails; zero: it is well
	other   bool      // other settings
	look    *look     // of the node, as long as it probes the check
	life    int
	epoch   int
	fresh   bool
}

func newSimulation(t *rapid.T) *simulation {
	n := rapid.IntRange(1, 5).Draw(t, "nodes of a check")
	s := &simulation{
		t: t, quorum: config.Quorum{Nodes: n, Agree: rapid.IntRange(1, n).Draw(t, "agree")},
		plain: map[config.CheckID]*plainCheck{}, known: map[string]*plainNode{}, got: map[config.CheckID]incident.Result{}, locations: map[config.CheckID]int{},
	}
	probe := config.Probe{Hostname: "mx.example.org", Interval: time.Minute, Timeout: 10 * time.Second, RetryInterval: 15 * time.Second}
	policy := config.Policy{
		FaultTolerance:    time.Duration(rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "tolerance")) * time.Minute,
		RecoveryTolerance: time.Minute, ReopenWithin: 10 * time.Minute,
	}
	s.world = newWorld(s.quorum, probe, policy, rapid.SampledFrom([]int{1, 1, 2, 7}).Draw(t, "checks"),
		"ams1 amsterdam", "fra1 frankfurt", "fra2 frankfurt", "lon1 london", "nyc1 new-york")
	for _, check := range s.checks {
		s.plain[check.ID] = &plainCheck{check: check, sights: map[string]*plainSight{}, short: began}
	}
	for _, n := range s.nodes {
		s.known[n.name] = &plainNode{memory: map[config.CheckID]plainSight{}}
	}
	loss := rapid.SampledFrom([]int{0, 0, 5, 20}).Draw(t, "percent lost")
	dice := rapid.Uint64().Draw(t, "dice")
	s.deliver = func(string, int) (delays []time.Duration) {
		dice = dice*6364136223846793005 + 1442695040888963407
		if int(dice>>33)%100 < loss {
			return nil
		}
		delays = append(delays, time.Duration(dice>>40%1500)*time.Millisecond)
		if dice>>20%10 == 0 { // twice
			delays = append(delays, delays[0]+time.Duration(dice>>50%1000)*time.Millisecond)
		}
		return delays
	}
	s.onEnd, s.onSend, s.onDecide = s.noteProbe, s.noteSent, s.compare
	s.onSummary = func(sum agree.Summary) {
		for _, n := range sum.Nodes {
			s.known[n.Node].suspect = n.Suspect
		}
	}
	s.onResult = func(r incident.Result) { s.got[r.Check] = r }
	s.onEvent = func(e incident.Event, _ incident.Result) {
		if e.Condition == config.ConditionLocation && e.Kind == incident.Failing {
			s.locations[e.Check]++
		}
		if e.Condition == config.ConditionService {
			c := s.plain[e.Check]
			c.real = append(c.real, fmt.Sprint(e.Kind, e.Since.Sub(began), e.At.Sub(began)))
		}
	}
	return s
}

// plan plans that something goes wrong, and is repaired.
func (s *simulation) plan(second int) {
	at := began.Add(time.Duration(second) * time.Second)
	until := at.Add(time.Duration(rapid.IntRange(5, 600).Draw(s.t, "seconds")) * time.Second)
	nodes := s.nodes
	if rapid.Bool().Draw(s.t, "from some places") {
		nodes = rapid.SliceOfNDistinct(rapid.SampledFrom(s.nodes), 1, 4, func(n *prober) string { return n.name }).Draw(s.t, "which")
	}
	checks := s.checks[:rapid.IntRange(1, len(s.checks)).Draw(s.t, "checks")]
	see := func(kind string) func() {
		return func() {
			for _, n := range nodes {
				for _, c := range checks {
					n.sees[c.ID] = kind
				}
			}
		}
	}
	each := func(do func(n *prober)) func() {
		return func() {
			for _, n := range nodes {
				do(n)
			}
		}
	}
	switch what := rapid.SampledFrom([]string{
		"connect timeout", "connect refused", "tls timeout", "unknown", "latency slow", "cut", "dead", "files",
	}).Draw(s.t, "what"); what {
	case "cut":
		s.at(at, each(func(n *prober) { n.connected = false }))
		s.at(until, each(func(n *prober) { n.connected = true }))
	case "dead":
		s.at(at, each(func(n *prober) { n.up = false }))
		s.at(until, each(func(n *prober) {
			if !n.up {
				n.start()
			}
		}))
	case "files":
		s.at(at, each(func(n *prober) { n.otherFiles = true }))
		s.at(until, each(func(n *prober) { n.otherFiles = false }))
	default:
		s.at(at, see(what))
		s.at(until, see("ok"))
	}
}

// heal repairs all that is broken, and waits until all is well again.
func (s *simulation) heal() {
	s.run(s.now.Add(10 * time.Minute)) // what was planned
	for _, n := range s.nodes {
		n.connected, n.otherFiles = true, false
		clear(n.sees)
		if !n.up {
			n.start()
		}
	}
	s.run(s.now.Add(35 * time.Minute)) // an incident that flaps recovers for half an hour
	for _, check := range s.checks {
		if s.states[check.ID].Live() {
			s.t.Fatalf("all is well for half an hour, and %s has %+v", check.ID, s.states[check.ID].List())
		}
	}
}

// realOutage has as many nodes see a check down as have to agree, or more, while another may be at fault
// itself. It is told, and so is its end.
func (s *simulation) realOutage() {
	check := rapid.SampledFrom(s.checks).Draw(s.t, "check")
	members := agree.Share(check.ID, s.members(), s.quorum.Nodes)
	seen := rapid.IntRange(s.quorum.Agree, len(members)).Draw(s.t, "how many see it")
	if rapid.Bool().Draw(s.t, "one at fault itself") && seen < len(members) {
		broken := s.node(members[len(members)-1].Node)
		for _, c := range s.checks {
			broken.sees[c.ID] = "connect timeout"
		}
		s.run(s.now.Add(5 * time.Minute))
	}
	locations := s.locations[check.ID]
	for _, m := range members[:seen] {
		s.node(m.Node).sees[check.ID] = "connect refused"
	}
	s.run(s.now.Add(check.Policy.FaultTolerance + 5*time.Minute))
	if in, _ := s.states[check.ID].Incident(config.ConditionService); !in.Open() {
		s.t.Fatalf("%d of %d nodes see %s down for 5 minutes more than the tolerance, %d have to, and nobody is told", seen, len(members), check.ID, s.quorum.Agree)
	}
	for _, n := range s.nodes {
		clear(n.sees)
	}
	s.run(s.now.Add(35 * time.Minute))
	if seen == len(members) && s.locations[check.ID] != locations {
		s.t.Fatalf("all nodes saw %s down, and it was a matter of the place for a while", check.ID)
	}
	if in, _ := s.states[check.ID].Incident(config.ConditionService); in.Live() {
		s.t.Fatalf("the outage of %s is over for half an hour: %+v", check.ID, in)
	}
}

// noteProbe notes what a node sees of a check, and since when it fails.
func (s *simulation) noteProbe(n *prober, r incident.Result) {
	own := s.known[n.name]
	if own.life != n.lives {
		own.life = n.lives
		clear(own.memory)
	}
	for id, sight := range own.memory {
		if n.looks[id] != sight.look {
			delete(own.memory, id) // it no longer probes it, or does again
		}
	}
	sight := plainSight{
		result: r, since: own.memory[r.Check].since, other: n.otherFiles, life: n.lives, look: n.looks[r.Check],
	}
	if r.Observed.Has(config.ConditionService) {
		switch fails := slices.ContainsFunc(r.Findings, func(f incident.Finding) bool { return f.Condition == config.ConditionService }); {
		case !fails:
			sight.since = time.Time{}
		case sight.since.IsZero():
			sight.since = r.Started
		}
	}
	own.memory[r.Check] = sight
}

// noteSent returns what is to be done when a packet arrives that is sent now.
func (s *simulation) noteSent(n *prober, ids []config.CheckID) (arrives func()) {
	sent, life := s.now, n.lives
	sights := map[config.CheckID]plainSight{}
	for _, id := range ids {
		if sight, known := s.known[n.name].memory[id]; known && sight.life == life && n.looks[id] == sight.look {
			sights[id] = sight
		}
	}
	return func() { s.hear(n.name, life, sights, s.now.Sub(sent)) }
}

// hear notes sights that arrive after a time.
func (s *simulation) hear(node string, life int, sights map[config.CheckID]plainSight, delay time.Duration) {
	who := s.known[node]
	if who.heard != life || who.epoch == 0 {
		who.heard = life
		who.epoch++
	}
	for id, sight := range sights {
		c := s.plain[id]
		if had := c.sights[node]; had != nil && had.epoch == who.epoch && !sight.result.Started.After(had.result.Started) {
			continue
		}
		sight.epoch, sight.fresh = who.epoch, true
		sight.started, sight.ended = sight.result.Started.Add(delay), sight.result.Ended.Add(delay)
		if !sight.since.IsZero() {
			sight.since = sight.since.Add(delay)
		}
		c.sights[node] = &sight
		c.wait = true
	}
}
