package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

const (
	// handOverPause is how often a node looks whether it can hand over what it opened.
	handOverPause = time.Second
	// saidWithin is how long the decider has to say what it sees of the checks in question.
	saidWithin = time.Minute
	// answeredWithin is how long it has to answer at all.
	answeredWithin = 5 * time.Minute
	// handOverTime is how long one question to it may take.
	handOverTime = 5 * time.Second
	// trackerTime is how long a tracker of this node may take to answer. Whoever hands over also looks whether the
	// node is alone again, and must not wait for a tracker that is stuck.
	trackerTime = 5 * time.Second
	// wishesAtOnce is how many wishes one question holds, and topicsAtOnce how many topics: the longest wish
	// has some 5 KiB, a topic 300 bytes, and a message of the bus 512 KiB.
	wishesAtOnce = 60
	topicsAtOnce = 1000
)

// A handover is what a node that was alone says to the decider: what people asked it for, and the incidents
// that it has open, of which it wants to know what becomes of them.
type handover struct {
	V      int            `json:"v"`
	Wishes tracker.Wishes `json:"wishes"`
	Open   []topic        `json:"open,omitempty"`
}

// A topic is a condition of a check.
type topic struct {
	Check     config.CheckID   `json:"check"`
	Condition config.Condition `json:"condition"`
}

// A takeover is what the decider answers: what it says of each topic, or why it cannot take over yet.
type takeover struct {
	Views []view `json:"views,omitempty"`
	Error string `json:"error,omitempty"`
}

// A view is what the decider says of a topic.
type view struct {
	As   incident.ID `json:"as,omitempty"`   // the incident that it has of it; empty: none
	Well bool        `json:"well,omitempty"` // all nodes that report see the check well
}

func (v view) isKnown() bool { return v.As != "" || v.Well }

// handOver hands over the incidents that this node opened alone, once it is known what the decider says of
// their checks: otherwise people would read that they are over.
func (n *Node) handOver(ctx context.Context, now time.Time) error {
	own, err := snapshotSoon(ctx, n.Own)
	if err != nil {
		return err
	}
	n.mu.Lock()
	shared, decider, since := n.shared, n.decider(now), n.solitude.since
	n.mu.Unlock()
	if decider == "" {
		return nil // it may be alone again
	}
	all, err := snapshotSoon(ctx, shared.Tracker)
	if err != nil {
		return err
	}
	views, err := n.leaveToDecider(ctx, newHandover(own, all))
	if err != nil && now.Sub(since) < answeredWithin {
		if now.Sub(since) < saidWithin {
			return nil // it begins to decide, or ends
		}
		return fmt.Errorf("asking %s: %w", decider, err)
	}
	for id, v := range views {
		if c, exists := own.Check(id.Check); exists && !v.isKnown() && now.Sub(since) < min(2*c.Probe.Interval, saidWithin) {
			return nil // after two intervals each node has looked
		}
	}
	successor := func(check config.CheckID, condition config.Condition) incident.Successor {
		v := views[topic{check, condition}]
		return incident.Successor{Node: cmp.Or(decider, "another node"), ID: v.As, Well: v.Well}
	}
	soon, cancel := context.WithTimeout(ctx, trackerTime)
	defer cancel()
	if err := n.Own.HandOver(soon, successor); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.solitude.handedOver(time.Now())
	return nil
}

// snapshotSoon returns what a tracker knows, unless that takes too long.
func snapshotSoon(ctx context.Context, t *tracker.Tracker) (*tracker.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, trackerTime)
	defer cancel()
	return t.Snapshot(ctx)
}

// newHandover returns what a node leaves to the decider, by a snapshot of its own and one of the journal that
// all share: what is there already is not said again.
func newHandover(own, all *tracker.Snapshot) handover {
	h := handover{V: Speaks, Wishes: own.Wishes().NewTo(all)}
	for c := range own.Checks() {
		for _, in := range c.Incidents {
			if in.Live() {
				h.Open = append(h.Open, topic{c.ID, in.Condition})
			}
		}
	}
	return h
}

// leaveToDecider says all of it to the decider, in parts, and returns what that says of each topic.
func (n *Node) leaveToDecider(ctx context.Context, h handover) (views map[topic]view, err error) {
	views = map[topic]view{}
	for _, id := range h.Open {
		views[id] = view{}
	}
	for _, part := range h.splitToFit() {
		answer, err := n.askToTakeOver(ctx, part)
		if err != nil {
			return views, err
		}
		for i, v := range answer[:min(len(answer), len(part.Open))] {
			views[part.Open[i]] = v
		}
	}
	return views, nil
}

// splitToFit splits what a handover says into parts that one message of the bus can hold: what people asked for
// comes first, but for notes.
func (h handover) splitToFit() (list []handover) {
	for some := range slices.Chunk(h.Wishes.Silences, wishesAtOnce) {
		list = append(list, handover{V: h.V, Wishes: tracker.Wishes{Silences: some}})
	}
	for some := range slices.Chunk(h.Wishes.Acknowledgements, wishesAtOnce) {
		list = append(list, handover{V: h.V, Wishes: tracker.Wishes{Acknowledgements: some}})
	}
	for some := range slices.Chunk(h.Open, topicsAtOnce) {
		list = append(list, handover{V: h.V, Open: some})
	}
	// Last: then the incidents to which they are added are known to the decider, if they will be.
	for some := range slices.Chunk(h.Wishes.Notes, wishesAtOnce) {
		list = append(list, handover{V: h.V, Wishes: tracker.Wishes{Notes: some}})
	}
	return list
}

// askToTakeOver asks the decider to take a part over. One of an older version says nothing.
func (n *Node) askToTakeOver(ctx context.Context, part handover) ([]view, error) {
	ctx, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	answer, err := n.AskDecider(ctx, append([]byte{askHandOver}, encode(part)...))
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return parseTakeover(answer)
}

// parseTakeover reads what a decider answers, and makes harmless what another machine has put into it.
func parseTakeover(answer []byte) ([]view, error) {
	var t takeover
	if err := json.Unmarshal(answer, &t); err != nil {
		return nil, err
	}
	if t.Error != "" {
		return nil, errors.New(opaque.Bounded(t.Error, maxSentence))
	}
	for i := range t.Views {
		t.Views[i].As = incident.ID(opaque.Bounded(string(t.Views[i].As), maxID))
	}
	return t.Views, nil
}

// maxID is the most bytes that are shown of the id of another node's incident, which has 10.
const maxID = 32

// parseHandover reads a handover. What it holds is bounded where it is kept.
func parseHandover(question []byte) (h handover, err error) {
	if len(question) > bus.MaxMessage {
		return h, fmt.Errorf("a handover of %d bytes, and %d are the most", len(question), bus.MaxMessage)
	}
	err = json.Unmarshal(question, &h)
	return h, err
}

// takeHandover takes over what a node that was alone leaves to this one, which decides, and answers what it says
// of the topics. A node that may not decide is never alone, and has nothing to leave.
func (n *Node) takeHandover(ctx context.Context, from Asker, question []byte) []byte {
	h, err := parseHandover(question)
	if err != nil || !from.Decides {
		n.Log.Warn("what a node leaves to this one cannot be read", zap.String("node", string(from.Node)), zap.Error(err))
		return nil
	}
	var t takeover
	shared := n.sharedTracker()
	err = shared.TakeWishes(ctx, h.Wishes)
	if err == nil && len(h.Open) > 0 {
		t.Views, err = viewsOf(ctx, shared.Tracker, from.Node, h.Open)
	}
	if err != nil {
		t.Error = err.Error()
	}
	return encode(t)
}

// viewsOf returns what a decider says of the topics that a node hands over.
func viewsOf(ctx context.Context, shared *tracker.Tracker, from config.NodeID, topics []topic) ([]view, error) {
	all, err := shared.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]view, len(topics))
	for i, t := range topics {
		views[i] = viewOf(all, from, t)
	}
	return views, nil
}

// viewOf returns what a decider says of a topic that a node has an incident about: nothing, as long as some nodes
// may not have looked.
func viewOf(all *tracker.Snapshot, node config.NodeID, t topic) view {
	c, known := all.Check(t.Check)
	if !known {
		return view{}
	}
	of := func(condition config.Condition) (id incident.ID) {
		for _, in := range c.Incidents {
			if in.Condition == condition && in.Live() {
				id = in.ID
			}
		}
		return id
	}
	if id := cmp.Or(of(t.Condition), of(config.ConditionLocation)); id != "" {
		return view{As: id}
	}
	if c.Last == nil {
		return view{}
	}
	well := 0
	for _, s := range c.Last.Sightings {
		switch {
		case s.Health == incident.OK:
			well++
		case s.Health != incident.Unknown, s.Node == string(node):
			return view{}
		}
	}
	return view{Well: well > 0}
}
