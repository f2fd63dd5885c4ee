package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

const (
	// followEvery is how often it is looked what this node is among the others.
	followEvery = time.Second
	// mirrorEvery is how often the history looks for incidents that another node has journaled.
	mirrorEvery = 10 * time.Second
)

// runMember runs what a node does beside a machine on its own. leave ends it: what is queued is
// journaled, and another node decides at once.
func (m *monitor) runMember(ctx, keeping context.Context, tasks *errgroup.Group) (leave func()) {
	if m.member == nil {
		return func() {}
	}
	staying, end := context.WithCancel(keeping)
	left := make(chan struct{})
	tasks.Go(func() error {
		defer close(left)
		defer end() // when it failed
		return m.member.node.Run(staying)
	})
	tasks.Go(func() error { return m.followRole(ctx) })
	return func() {
		end()
		<-left
		m.member.bus.Close()
	}
}

// followRole has what depends on who decides follow it, until ctx ends.
func (m *monitor) followRole(ctx context.Context) error {
	m.takeRole(ctx)
	return clock.Repeat(ctx, followEvery, func() { m.takeRole(ctx) })
}

// adoptLinkKey takes the key of the links that acknowledge from a node that decides, once: then all
// nodes have the same.
func (m *monitor) adoptLinkKey(ctx context.Context) {
	me := m.member
	decider := me.node.Decider()
	if decider == "" || decider == me.keyOf || m.probesOnly(me.config()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, showTime)
	defer cancel()
	if key, err := me.node.AskDecider(ctx, []byte{askLinkKey}); err == nil && len(key) == api.LinkKeySize {
		m.takeLinkKey(key)
		me.keyOf = decider
	}
}

// takeRole does what this node has to do as what it is now.
func (m *monitor) takeRole(ctx context.Context) {
	me, now := m.member, time.Now()
	role := me.node.Role()
	me.noteDecider(now)
	if m.probesOnly(me.config()) {
		me.troubles.Store(m.ownTroubles(ctx))
	}
	// A service that is listened to from two places gives each press to one of them.
	m.channels.listen(role != cluster.Following)
	if role == cluster.Following {
		if now.Sub(me.mirrored) >= mirrorEvery { // what another node has journaled is in the standby
			me.mirrored = now
			m.history.Events(nil)
		}
		m.adoptLinkKey(ctx)
	}
}

// recheckAll has a check probed at once, with its login, by all nodes that probe it.
func (m *monitor) recheckAll(id config.CheckID) {
	if m.member == nil || m.member.node.Role() == cluster.Alone {
		m.prober.RetryLogin(id) // before the probe: a login that was rejected often would not be tried
		m.loop.Wake(id)
		return
	}
	m.member.node.RecheckNodes(id)
}

const (
	// lookAgain is how often it is looked whether all nodes have probed.
	lookAgain = 100 * time.Millisecond
	// lookFurther is how much longer than a probe may take it is waited for the other nodes.
	lookFurther = 3 * time.Second
)

// awaitOthers returns what all nodes see of a check that was asked to be probed at a time, or, when
// one of them takes too long, what is known then. result is what was known first.
func (m *monitor) awaitOthers(ctx context.Context, check *config.Check, since time.Time, result incident.Result) incident.Result {
	ctx, cancel := context.WithTimeout(ctx, check.Probe.Timeout+lookFurther)
	defer cancel()
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for !allSince(result, since) {
		select {
		case <-ctx.Done():
			return result
		case <-ticker.C:
		}
		s, err := m.deciding.shown().Snapshot(ctx)
		if err != nil {
			return result
		}
		if c, known := s.Check(check.ID); known && c.CheckState != nil && c.Last != nil {
			result = *c.Last
		}
	}
	return result
}

// recheckWait is how long what comes of a recheck may take beside the probe: until each node has looked and
// the journal has it.
const recheckWait = 30 * time.Second

// awaitProbe returns the next result of a check, as [tracker.Tracker.Await] does. Of several nodes none may
// be there to probe it, or to know what it sees: then it is not waited for ever.
func (m *monitor) awaitProbe(ctx context.Context, check *config.Check, asked func()) (incident.Result, error) {
	t := m.deciding.shown()
	if m.member == nil {
		return t.Await(ctx, check.ID, asked)
	}
	within := check.Probe.Timeout + recheckWait
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := t.Await(bounded, check.ID, asked)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("no node has said within %s what it sees of %s; imapvigil nodes shows which of them are silent",
			config.FormatDuration(within), check.ID)
	}
	return r, err
}

// allSince reports whether each node that reports has probed since a time.
func allSince(r incident.Result, since time.Time) bool {
	return !slices.ContainsFunc(r.Sightings, func(s incident.Sighting) bool {
		return s.Health != incident.Unknown && s.At.Before(since)
	})
}

// socketHandler serves the control socket.
func (m *monitor) socketHandler() http.Handler {
	return api.HandlerOf(m, func(pattern string, h http.Handler) http.Handler {
		return m.passing(socketDoor, pattern, h)
	})
}

// newPasser makes what passes requests on, and answers those of others.
func (m *monitor) newPasser(me *membership) *passer {
	p := &passer{
		node: m.node, log: m.Log, follows: m.follows, decider: me.node.Decider, ask: me.node.AskDecider,
		addOwn: m.ownStatus, addOwnIncidents: m.addOwnIncidents, owns: m.deciding.owns, sends: m.deciding.sendsItself,
		linked: m.linkedIn, fault: m.showFault,
	}
	page := http.NewServeMux()
	for _, r := range m.routes {
		page.Handle(r.Pattern, p.sharing(pageDoor, r.Pattern, r.Handler))
	}
	socket := api.HandlerOf(m,
		func(pattern string, h http.Handler) http.Handler { return p.sharing(socketDoor, pattern, h) })
	p.doors = map[string]http.Handler{socketDoor: socket, pageDoor: page}
	return p
}

// ownStatus puts what is so of this machine into the status that another node has given.
func (m *monitor) ownStatus(ctx context.Context, status []byte) ([]byte, error) {
	s, err := m.deciding.own.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return api.WithOwn(ctx, status, s, m.Self())
}

// OwnIncidents implements [api.Owner].
func (m *monitor) OwnIncidents(ctx context.Context) *tracker.Snapshot {
	if m.deciding.shown() == m.deciding.own {
		return nil
	}
	s, err := m.deciding.own.Snapshot(ctx)
	if err != nil {
		return nil
	}
	return s
}

// addOwnIncidents adds this machine's own incidents to the list that another node has given.
func (m *monitor) addOwnIncidents(ctx context.Context, list []byte) ([]byte, error) {
	if own := m.OwnIncidents(ctx); own != nil {
		return api.AddOwnIncidents(list, own)
	}
	return list, nil
}

// answerAsDecider answers what other nodes ask whoever decides.
func (m *monitor) answerAsDecider(ctx context.Context, from cluster.Asker, question []byte) []byte {
	if len(question) == 0 {
		return nil
	}
	switch question[0] {
	case askRequest:
		return m.passer.answer(ctx, from.Node, question[1:])
	case askLinkKey:
		if from.Decides {
			return m.links.load().Key()
		}
	}
	return nil // of a later version
}

// ownTroubles lists in sentences what is wrong with this machine.
func (m *monitor) ownTroubles(ctx context.Context) *[]string {
	list := []string{}
	s, err := m.deciding.own.Snapshot(ctx)
	if err != nil {
		return &list
	}
	for _, in := range s.Changes(0).Incidents {
		if in.Incident.Condition == config.ConditionMonitor && in.Incident.Open() {
			list = append(list, in.Incident.Finding.Hint)
		}
	}
	return &list
}

// untoldTroubles lists in sentences what this machine cannot tell people of.
func (m *monitor) untoldTroubles() []string {
	me := m.member // nil: the start is under way
	if me == nil || !m.probesOnly(me.config()) {
		return nil
	}
	if list := me.troubles.Load(); list != nil {
		return *list
	}
	return nil
}

// noteDecider notes since when no node that decides is reached.
func (me *membership) noteDecider(now time.Time) {
	me.mu.Lock()
	defer me.mu.Unlock()
	switch {
	case me.node.Decider() != "":
		me.lost = time.Time{}
	case me.lost.IsZero():
		me.lost = now
	}
}

// config returns the configuration in force, as this node takes it.
func (me *membership) config() *config.Config {
	me.mu.Lock()
	defer me.mu.Unlock()
	return me.last
}

// notes returns in sentences what people should know who look at this node.
func (me *membership) notes() (list []string) {
	me.mu.Lock()
	lost := me.lost
	me.mu.Unlock()
	state := me.node.State()
	since := func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 MST") }
	switch {
	case state.Role == cluster.Alone:
		list = append(list, fmt.Sprintf("%s is alone since %s: it reaches no node that decides, and decides for itself.",
			me.name, since(state.Since)))
	case state.Role == cluster.Following && !lost.IsZero():
		list = append(list, fmt.Sprintf("No node that decides is reached, since %s. What is shown is what %s knew until "+
			"then.", since(lost), me.name))
	}
	if why := busSentence(state.Bus); why != "" {
		list = append(list, why)
	}
	for _, why := range []string{state.Journal, me.ownKeySentence()} {
		if why != "" {
			list = append(list, why)
		}
	}
	return list
}

// asNode returns this node as a status has it.
func (me *membership) asNode() *api.Node {
	state := me.node.State()
	n := &api.Node{
		Name: string(me.name), Role: api.NodeRole(state.Role), Decider: string(state.Decider), Since: momentOf(state.Since),
	}
	if own := me.config().Cluster.Nodes[me.name]; own != nil {
		n.Location = own.Location
	}
	return n
}

// momentOf returns a time as JSON has it; nil: it is not known.
func momentOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Round(0)
	return &t
}

// Nodes implements [api.Daemon].
func (m *monitor) Nodes(context.Context) (api.Nodes, error) {
	if m.member == nil {
		return api.Nodes{}, api.ErrNoCluster
	}
	s := m.member.node.State()
	n := api.Nodes{
		Node: *m.member.asNode(), Term: s.Term, Last: s.Last, JournalError: s.Journal, Nodes: []api.NodeState{},
		Bus: api.Bus{Connected: s.Bus.Connected, Since: momentOf(s.Bus.Since), Server: s.Bus.Server, Error: s.Bus.Detail},
	}
	if s.Bus.Connected {
		n.Bus.Error = ""
	}
	if s.Bus.RoundTrip > 0 {
		took := api.Milliseconds(s.Bus.RoundTrip)
		n.Bus.RoundTripMS = &took
	}
	n.Bus.Ending = append([]string{}, cluster.EndingCertificates(m.member.bus.Certificates(), time.Now())...)
	for _, one := range s.Nodes {
		if why := m.member.ownKeySentence(); why != "" && one.Name == m.member.name {
			one.Troubles = append(slices.Clone(one.Troubles), why)
		}
		n.Nodes = append(n.Nodes, api.NodeState{
			Name: string(one.Name), Location: one.Location, Decides: one.Decides, Deciding: one.Deciding,
			Live: one.Live, Since: momentOf(one.Since), Version: one.Version, Speaks: one.Speaks,
			Digest: one.Digest, SameFiles: one.SameFiles, Share: one.Share, Place: one.Place, Behind: one.Behind,
			ClockOffMS: api.Milliseconds(one.ClockOff), DiskError: one.CopyFault,
			Troubles: append([]string{}, one.Troubles...),
		})
	}
	return n, nil
}

// beginTime bounds how long the shared journal may take to be made.
const beginTime = 2 * time.Minute

// BeginNodes implements [api.Daemon].
func (m *monitor) BeginNodes(ctx context.Context, by string) (records int, err error) {
	if m.member == nil {
		return 0, api.ErrNoCluster
	}
	if m.probesOnly(m.member.config()) {
		return 0, fmt.Errorf("%s has decide = false, so it may not write the shared journal: run this on a node that may "+
			"decide", m.node)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, beginTime, errors.New("the NATS servers took longer than two minutes"))
	defer cancel()
	if err := m.member.refuseShorterCopy(ctx); err != nil {
		return 0, err
	}
	// A shared journal that was lost goes on where this node's copy of it ends.
	list, err := m.member.node.SharedRecords()
	if err == nil && len(list) == 0 {
		list, err = m.deciding.own.Records(ctx)
	}
	if err != nil {
		return 0, err
	}
	if err := stream.Create(ctx, m.member.bus.Stream(), m.member.node.Furthest(), slices.Values(list)); err != nil {
		return 0, errors.Join(err, context.Cause(ctx))
	}
	m.Log.Info("the journal that all nodes share has been made", zap.String("by", by), zap.Int("records", len(list)))
	return len(list), nil
}

// refuseShorterCopy returns an error if the servers have no shared journal and another node that is heard has more
// of it than this one: what only that one has would be lost.
func (me *membership) refuseShorterCopy(ctx context.Context) error {
	if _, _, err := me.bus.Stream().Ends(ctx); !errors.Is(err, bus.ErrNoStream) {
		return nil
	}
	state := me.node.State()
	var own, furthest cluster.NodeState
	for _, n := range state.Nodes {
		if n.Name == me.name {
			own = n
		}
		if n.Live && n.Place > furthest.Place {
			furthest = n
		}
	}
	if furthest.Place <= own.Place {
		return nil
	}
	return fmt.Errorf("%s has a copy of the shared journal that goes further: to %d, and this one to %d. "+
		"Run imapvigil nodes begin on %s. If its copy is not wanted, stop imapvigil there before you run this here",
		furthest.Name, furthest.Place, own.Place, furthest.Name)
}

// StepDown implements [api.Daemon]. The node that decides is asked by its name: it answers nothing as
// the decider while it stops.
func (m *monitor) StepDown(ctx context.Context, by string) error {
	if m.member == nil {
		return api.ErrNoCluster
	}
	switch decider := m.member.node.Decider(); decider {
	case m.node:
		return m.stepDown(ctx, by)
	case "":
		return errors.New("no node that decides is reached")
	default:
		question := append([]byte{askStepDown}, by+" on "+m.node...)
		answer, err := m.member.node.AskNode(ctx, config.NodeID(decider), question)
		if err == nil && len(answer) > 0 {
			err = errors.New(opaque.Bounded(string(answer), mostWords))
		}
		if err == nil {
			m.member.hearEnd(ctx, decider)
		}
		return err
	}
}

// endHeard bounds how long this node waits until it hears that a decider decides no longer, which that has said.
const endHeard = 3 * time.Second

// hearEnd waits until this node, too, knows that the decider decides no longer: what it shows would not be true.
func (me *membership) hearEnd(ctx context.Context, decider string) {
	ctx, cancel := context.WithTimeout(ctx, endHeard)
	defer cancel()
	_ = clock.Repeat(ctx, 20*time.Millisecond, func() {
		if me.node.Decider() != decider {
			cancel()
		}
	})
}

// mostWords bounds what is shown of another node's words, in bytes.
const mostWords = 500

// stepDown has this node stop deciding.
func (m *monitor) stepDown(ctx context.Context, by string) error {
	m.Log.Info("this node is asked to let another one decide", zap.String("by", opaque.Bounded(by, mostWords)))
	return m.member.node.StepDown(ctx)
}

// answerAsNode answers what other nodes ask this one.
func (m *monitor) answerAsNode(ctx context.Context, from cluster.Asker, question []byte) []byte {
	if len(question) == 0 {
		return nil
	}
	switch question[0] {
	case askStepDown:
		if !from.Decides {
			m.Log.Warn("a node that may not decide asks this one to let another one decide",
				zap.String("node", string(from.Node)))
			return []byte("only a node that may decide can have another one decide: type this on " + m.node)
		}
		if err := m.stepDown(ctx, string(question[1:])); err != nil {
			return []byte(err.Error())
		}
	case askTest:
		return m.testAsAsked(ctx, config.CheckID(question[1:]))
	case askPast:
		return m.answerAboutThePast(ctx, question[1:])
	}
	return nil // of a later version
}
