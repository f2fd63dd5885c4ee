package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// decidePause is how often it is looked whether time alone decides something of what nodes see.
	decidePause = 200 * time.Millisecond
	// roomPause is how long the tracker gets to make room for more results.
	roomPause = 5 * time.Millisecond
	// firstSights is how long a new decider waits for what the nodes last saw, before it decides with
	// what it has.
	firstSights = time.Second
	// sweepPause is how often all checks are looked at.
	sweepPause = time.Second
	// packetsAtOnce is the most packets that are taken before it is decided what follows from them.
	packetsAtOnce = 256
)

// A decider is this node while it decides, in one term: it makes of what the nodes see what the
// shared tracker observes.
type decider struct {
	*Node
	began   uint64 // the term
	tracker *sharedTracker
	packets chan packet   // what nodes see; what does not fit is seen again with the next probe
	begun   chan struct{} // closed when the tracker decides
	heard   chan struct{} // closed when all that lived at the beginning have said what they last saw
	again   chan string   // nodes that are to say once more what they last saw
	decides time.Time     // since when
	// clockRight is when the clock of this node was last right, as far as the others show. Owned by awaitEnd.
	clockRight time.Time
	refused    chan struct{} // has a value when the journal is another node's
	aside      chan struct{} // has a value when messages do not leave this node, and another one is to decide
	// summaries has how far the nodes report, if nobody has looked at it yet.
	summaries chan agree.Summary

	// missing are the servers that do not keep the journal, if that is known; guarded by Node.mu.
	missing      []string
	knowsMissing bool

	// Owned by makeResults.
	board   *agree.Board
	cfg     *config.Config
	members []agree.Member
	results []incident.Result // for which the tracker had no room yet
}

// A packet is what one node says that it sees.
type packet struct {
	node string
	data []byte
}

// decide decides for all nodes, in a term, until this node may no longer.
func (n *Node) decide(ctx context.Context, term uint64) {
	d := &decider{
		Node: n, began: term, decides: time.Now(), tracker: n.sharedTracker(),
		packets: make(chan packet, 4096), begun: make(chan struct{}), heard: make(chan struct{}),
		again:   make(chan string, 64),
		refused: make(chan struct{}, 1), aside: make(chan struct{}, 1), summaries: make(chan agree.Summary, 1),
	}
	d.clockRight = d.decides
	d.board = agree.NewBoard(d.decides)
	stopListening := d.listen()
	deciding, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { d.makeResults(deciding) })
	tasks.Go(func() { d.askNodes(deciding) })
	tasks.Go(func() { d.watchTroubles(deciding) })
	tasks.Go(func() { d.watchJournal(deciding) })
	tasks.Go(func() { d.watchUnsent(deciding) })
	tasks.Go(func() { d.watchLeader(deciding) })
	tasks.Go(func() { d.watchServers(deciding) })
	why, tell := d.awaitEnd(ctx)
	if !why.isWanted() {
		d.copy.End() // nothing more is appended
	}
	stopListening()
	stop()
	tasks.Wait()
	d.end(ctx, why)
	if tell != nil {
		close(tell)
	}
}

// listen listens to what only a decider has to hear.
func (d *decider) listen() (stop func()) {
	stopSights, err := d.Bus.Listen(bus.Sights, func(m bus.Message) {
		d.offerPacket(packet{m.Topic.Node(), m.Data})
	})
	if err != nil {
		d.Log.Error("what the other nodes see does not reach this node", zap.Error(err))
		stopSights = func() {}
	}
	stopAnswers, err := d.Bus.Answer(bus.Seat, func(ctx context.Context, q bus.Question) []byte {
		return d.answerAsDecider(ctx, d.askerOf(q), q.Data)
	})
	if err != nil {
		d.Log.Error("this node cannot answer as the decider", zap.Error(err))
		stopAnswers = func() {}
	}
	return func() { stopSights(); stopAnswers() }
}

// offerPacket queues a packet, if there is room.
func (d *decider) offerPacket(p packet) {
	select {
	case d.packets <- p:
	default:
	}
}

// makeResults makes one result of what the nodes see of a check, and gives it to the tracker.
func (d *decider) makeResults(ctx context.Context) {
	begun := make(chan error, 1)
	go func() { begun <- d.tracker.Begin(ctx) }()
	d.useConfiguration() // meanwhile: of 100,000 checks that takes 0.3 s
	if err := <-begun; err != nil {
		return // the tracker has ended, which ends awaitEnd
	}
	close(d.begun)
	d.recallCauses(ctx)
	ticker := time.NewTicker(decidePause)
	defer ticker.Stop()
	patience := time.NewTimer(firstSights)
	defer patience.Stop()
	ready, heard := false, d.heard
	var swept time.Time
	for {
		d.useConfiguration()
		if now := time.Now(); now.Sub(swept) >= sweepPause {
			swept = now
			d.sweep(now)
		}
		var room <-chan time.Time
		if ready && !d.giveResults() {
			room = time.After(roomPause)
		}
		select {
		case <-room:
			continue
		case <-ctx.Done():
			return
		case p := <-d.packets:
			d.take(p)
		case <-ticker.C:
		case <-patience.C:
			ready = true
		case <-heard:
			d.takeQueued(len(d.packets))
			ready, heard = true, nil
		}
		d.takeQueued(packetsAtOnce)
	}
}

// recallCauses has the board know which causes people were told.
func (d *decider) recallCauses(ctx context.Context) {
	s, err := d.tracker.Snapshot(ctx)
	if err != nil {
		return // the tracker has ended, which ends awaitEnd
	}
	causes := map[config.CheckID]config.Cause{}
	for c := range s.Checks() {
		for _, in := range c.Incidents {
			if in.Open() && in.Condition == config.ConditionService {
				causes[c.ID] = in.Finding.Cause
			}
		}
	}
	d.board.Recall(causes)
}

// takeQueued takes the packets that wait, up to a number.
func (d *decider) takeQueued(most int) {
	for range most {
		select {
		case p := <-d.packets:
			d.take(p)
		default:
			return
		}
	}
}

// useConfiguration has the board follow the configuration and the nodes that live.
func (d *decider) useConfiguration() {
	d.mu.Lock()
	cfg, members := d.Node.cfg, d.Node.members
	d.mu.Unlock()
	if cfg != d.cfg {
		d.cfg = cfg
		d.board.Configure(cfg)
	}
	if !slices.Equal(members, d.members) {
		d.members = members
		d.board.SetNodes(members)
	}
}

// sweep looks at all checks: which nodes report, and which are at fault themselves.
func (d *decider) sweep(now time.Time) {
	s := d.board.Sweep(now)
	select {
	case d.summaries <- s:
	default:
	}
	for _, node := range s.Ask {
		select {
		case d.again <- node:
		default: // the board asks once more
		}
	}
}

func (d *decider) take(p packet) {
	if err := d.board.Take(p.node, p.data, time.Now()); err != nil {
		d.Log.Warn("what a node sees cannot be read", zap.String("node", p.node), zap.Error(err))
	}
}

// giveResults gives the tracker what follows from what the nodes see. While it has no room nothing
// more is decided: what comes meanwhile takes the place of what was seen before. It returns false when
// some are left.
func (d *decider) giveResults() (all bool) {
	for {
		if len(d.results) == 0 {
			var wanted []agree.Wanted
			d.results, wanted = d.board.Decide(time.Now())
			d.wakeNodes(wanted)
		}
		if len(d.results) == 0 {
			return true
		}
		for len(d.results) > 0 && d.tracker.Take(d.results[0]) {
			d.results = d.results[1:]
		}
		if len(d.results) > 0 {
			return false
		}
	}
}

// wakeNodes has nodes probe checks at once about which another one has changed its mind.
func (d *decider) wakeNodes(wanted []agree.Wanted) {
	for _, message := range wakeMessages(wanted) {
		_ = d.Bus.Publish(bus.Wake, message)
	}
}

// wakeMessages returns lists of wakes, encoded, each of which is short enough for parseWakes.
func wakeMessages(wanted []agree.Wanted) (messages [][]byte) {
	var list []byte
	for _, w := range wanted {
		one := encode(wake{Check: w.Check, Nodes: nodeIDs(w.Nodes)})
		if len(list) > 0 && len(list)+len(one)+len(",]") > maxMessage {
			messages, list = append(messages, append(list, ']')), nil
		}
		separator := byte(',')
		if len(list) == 0 {
			separator = '['
		}
		list = append(append(list, separator), one...)
	}
	if len(list) > 0 {
		messages = append(messages, append(list, ']'))
	}
	return messages
}

func nodeIDs(names []string) (ids []config.NodeID) {
	for _, name := range names {
		ids = append(ids, config.NodeID(name))
	}
	return ids
}
