package agree_test

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A world is a few nodes that probe checks, a bus, and one that decides, in virtual time: nothing of it waits.
// Nodes probe as daemon/probe does: each at its part of the interval, and sooner while a failure or a
// recovery is to be confirmed, or when they are woken.
type world struct {
	now    time.Time
	queue  events
	serial int

	checks   []*config.Check
	board    *agree.Board
	nodes    []*prober
	states   map[config.CheckID]incident.State
	deciding bool

	// deliver says after what time a packet arrives; nothing: it is lost.
	deliver func(node string, size int) []time.Duration
	// These hear what happens.
	onSend    func(n *prober, ids []config.CheckID) (arrives func())
	onResult  func(r incident.Result)
	onEvent   func(e incident.Event, r incident.Result)
	onSummary func(s agree.Summary)
	onDecide  func(swept bool)
	onEnd     func(n *prober, r incident.Result)
}

// A prober is one node.
type prober struct {
	name, location string
	world          *world
	packer         *agree.Packer
	up, connected  bool
	heard          bool // by who decides
	lost           time.Time
	otherFiles     bool
	sees           map[config.CheckID]string
	looks          map[config.CheckID]*look
	pending        []config.CheckID // that are in the next packet
	lives          int
}

// A look is the next probe of a check by a node, or the one that is under way.
type look struct {
	serial  int // of the event that begins it: others are void
	running bool
	again   bool // woken while it was running
	next    time.Time
}

// An event happens at a time.
type event struct {
	at     time.Time
	serial int
	do     func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].serial < q[j].serial
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// at has something done at a time.
func (w *world) at(t time.Time, do func()) (serial int) {
	w.serial++
	heap.Push(&w.queue, event{t, w.serial, do})
	return w.serial
}

func (w *world) after(d time.Duration, do func()) (serial int) { return w.at(w.now.Add(d), do) }

// run lets time pass until then.
func (w *world) run(until time.Time) {
	for len(w.queue) > 0 && !w.queue[0].at.After(until) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = until
}

// newWorld makes a world in which all is well. Nodes are "fra1 frankfurt".
func newWorld(quorum config.Quorum, probe config.Probe, policy config.Policy, checks int, nodes ...string) *world {
	w := &world{
		now: began, states: map[config.CheckID]incident.State{}, deciding: true,
		deliver:  func(string, int) []time.Duration { return []time.Duration{20 * time.Millisecond} },
		onSend:   func(*prober, []config.CheckID) func() { return func() {} },
		onResult: func(incident.Result) {}, onEvent: func(incident.Event, incident.Result) {},
		onSummary: func(agree.Summary) {}, onDecide: func(bool) {}, onEnd: func(*prober, incident.Result) {},
	}
	for i := range checks {
		id := config.CheckID(fmt.Sprintf("mx%d/imaps", i+1))
		w.checks = append(w.checks, &config.Check{ID: id, Enabled: true, Quorum: quorum, Probe: probe, Policy: policy})
	}
	for _, line := range nodes {
		name, location, _ := strings.Cut(line, " ")
		w.nodes = append(w.nodes, &prober{
			name: name, location: location, world: w, packer: agree.NewPacker(name, w.now), up: true, connected: true, heard: true,
			sees: map[config.CheckID]string{}, looks: map[config.CheckID]*look{},
		})
	}
	w.board = agree.NewBoard(w.now)
	w.board.Configure(w.config())
	w.share()
	w.everySecond()
	return w
}

func (w *world) config() *config.Config {
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for _, c := range w.checks {
		cfg.Checks[c.ID] = c
	}
	return cfg
}

// members are the nodes as whoever decides hears them.
func (w *world) members() (members []agree.Member) {
	for _, n := range w.nodes {
		members = append(members, agree.Member{Node: n.name, Location: n.location, Silent: !n.heard})
	}
	return members
}

// share shares the checks among the nodes that are heard.
func (w *world) share() {
	members := w.members()
	w.board.SetNodes(members)
	for _, check := range w.checks {
		share := agree.Share(check.ID, members, check.Quorum.Nodes)
		for _, n := range w.nodes {
			place := slices.IndexFunc(share, func(m agree.Member) bool { return m.Node == n.name })
			_, probing := n.looks[check.ID]
			switch {
			case place >= 0 && !probing:
				n.looks[check.ID] = &look{}
				first := min(check.Probe.Interval, 10*time.Second) * time.Duration(place+1) / time.Duration(len(share)+1)
				n.plan(check, w.now.Add(first))
			case place < 0 && probing && n.heard: // who hears no decider keeps its share
				delete(n.looks, check.ID)
			}
		}
	}
	for _, n := range w.nodes {
		n.packer.Keep(func(id config.CheckID) bool { return n.looks[id] != nil })
	}
}

// plan plans the next probe of a check.
func (n *prober) plan(check *config.Check, at time.Time) {
	l := n.looks[check.ID]
	if l == nil || l.running {
		return
	}
	l.next = at
	var serial int
	serial = n.world.at(at, func() {
		if n.looks[check.ID] == l && l.serial == serial && n.up {
			n.begin(check, l)
		}
	})
	l.serial = serial
}

// begin begins a probe.
func (n *prober) begin(check *config.Check, l *look) {
	l.running = true
	kind := strings.Fields(n.sees[check.ID])
	if len(kind) == 0 {
		kind = []string{"ok"}
	}
	r := result(kind, n.world.now)
	r.Check = check.ID
	took := 200 * time.Millisecond
	if len(kind) > 1 && kind[1] == "timeout" {
		took = check.Probe.Timeout
	}
	r.Ended = n.world.now.Add(took)
	for i := range r.Addresses {
		r.Addresses[i].Timings[config.WholeConversation] = took
	}
	n.world.after(took, func() {
		l.running = false
		if n.up && n.looks[check.ID] == l {
			n.end(check, l, r)
		}
	})
}

// end says what a probe came to, and plans the next one.
func (n *prober) end(check *config.Check, l *look, r incident.Result) {
	w := n.world
	settings := agree.Settings(check)
	if n.otherFiles {
		settings = ^settings
	}
	n.pending = append(n.pending, check.ID)
	w.onEnd(n, r)
	if n.packer.Add(r, settings, w.now) {
		n.flush()
	}
	// What the incident machine would make of it alone, and what it makes of all.
	own, _ := incident.Observe(check.Policy, incident.State{}, r)
	pace := incident.PaceOf(check.Policy, w.states[check.ID], w.now)
	next := n.phase(check)
	if pace.Confirming || own.Failing() != 0 {
		next = w.now.Add(check.Probe.RetryInterval)
	}
	if !pace.At.IsZero() && pace.At.Before(next) {
		next = pace.At
	}
	if l.again {
		l.again = false
		next = w.now
	}
	n.plan(check, next)
}

// phase returns when the next regular probe of a check is due: the nodes of a check take turns.
func (n *prober) phase(check *config.Check) time.Time {
	share := agree.Share(check.ID, n.world.members(), check.Quorum.Nodes)
	place := max(0, slices.IndexFunc(share, func(m agree.Member) bool { return m.Node == n.name }))
	next := began.Add(check.Probe.Interval * time.Duration(place) / time.Duration(max(1, len(share))))
	for !next.After(n.world.now) {
		next = next.Add(check.Probe.Interval)
	}
	return next
}

// wake has a check probed at once, or once more.
func (n *prober) wake(check *config.Check) {
	l := n.looks[check.ID]
	switch {
	case l == nil || !n.up:
	case l.running:
		l.again = true
	default:
		n.plan(check, n.world.now)
	}
}

// flush sends what was seen.
func (n *prober) flush() {
	n.send(n.packer.Flush(n.world.now), n.pending)
	n.pending = nil
}

// sendAll sends what was last seen of each check.
func (n *prober) sendAll() {
	var ids []config.CheckID
	for _, check := range n.world.checks {
		ids = append(ids, check.ID)
	}
	n.send(n.packer.All(n.world.now), ids)
}

func (n *prober) send(packets [][]byte, ids []config.CheckID) {
	w := n.world
	if !n.connected || !n.up || len(packets) == 0 {
		return // nothing waits in a queue
	}
	if len(packets) > 1 {
		panic("the checks of a world have room in a packet")
	}
	arrives := w.onSend(n, ids)
	for _, delay := range w.deliver(n.name, len(packets[0])) {
		w.after(delay, func() {
			if err := w.board.Take(n.name, packets[0], w.now); err != nil {
				panic(err)
			}
			arrives()
			w.decide(false)
		})
	}
}

// decide decides on what has changed.
func (w *world) decide(swept bool) {
	results, wake := w.board.Decide(w.now)
	for _, r := range results {
		w.onResult(r)
		check := w.check(r.Check)
		state := w.states[r.Check]
		counts, events := incident.Observe(check.Policy, state, r)
		state = state.WithCounts(counts)
		for _, e := range events {
			state = incident.Apply(state, e)
		}
		w.states[r.Check] = state
		for _, e := range events {
			w.onEvent(e, r)
			w.pace(check)
		}
	}
	w.onDecide(swept)
	for _, wanted := range wake {
		for _, name := range wanted.Nodes {
			if n := w.node(name); n.connected {
				w.after(20*time.Millisecond, func() { n.wake(w.check(wanted.Check)) })
			}
		}
	}
}

// pace has all nodes of a check probe it sooner where that is wanted: they see it in the journal.
func (w *world) pace(check *config.Check) {
	pace := incident.PaceOf(check.Policy, w.states[check.ID], w.now)
	for _, n := range w.nodes {
		l := n.looks[check.ID]
		if soon := w.now.Add(check.Probe.RetryInterval); pace.Confirming && l != nil && n.connected && !l.running && l.next.After(soon) {
			n.plan(check, soon)
		}
	}
}

func (w *world) check(id config.CheckID) *config.Check {
	return w.checks[slices.IndexFunc(w.checks, func(c *config.Check) bool { return c.ID == id })]
}

func (w *world) node(name string) *prober {
	return w.nodes[slices.IndexFunc(w.nodes, func(n *prober) bool { return n.name == name })]
}

// everySecond flushes batches, notices silent nodes, and sweeps.
func (w *world) everySecond() {
	for _, n := range w.nodes {
		n.flush()
		reachable := n.up && n.connected
		switch {
		case reachable && !n.heard:
			n.heard = true
			w.share()
			n.sendAll()
		case reachable:
			n.lost = time.Time{}
		case n.lost.IsZero():
			n.lost = w.now
		case n.heard && w.now.Sub(n.lost) >= 2*time.Second:
			n.heard = false
			w.share()
		}
	}
	if w.deciding {
		s := w.board.Sweep(w.now)
		w.onSummary(s)
		for _, name := range s.Ask {
			w.node(name).sendAll()
		}
		w.decide(true)
	}
	w.after(time.Second, w.everySecond)
}

// start starts the process of a node again, with nothing in memory.
func (n *prober) start() {
	n.up = true
	n.looks = map[config.CheckID]*look{}
	n.packer = agree.NewPacker(n.name, n.world.now)
	n.pending = nil
	n.lives++
	n.world.share()
}
