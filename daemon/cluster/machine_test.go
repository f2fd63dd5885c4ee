package cluster_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

func createStream(ctx context.Context, s bus.Stream) error {
	return stream.Create(ctx, s, 0, func(func(journal.Record) bool) {})
}

// A machine is a node, whether its daemon runs or not.
type machine struct {
	stage    *stage
	id       config.NodeID
	dir      string // of its state; each kill leaves one behind
	kills    int
	wall     atomic.Int64 // how far its clock is ahead
	digest   string       // of its files; empty: that of all
	lacks    bool         // its files have the checks of mx1 only
	unopened atomic.Bool  // no standby can be opened on it
	// retried has the checks whose login was to be tried again.
	retried []config.CheckID
	// trouble is what it says of itself; nil or "nothing": nothing.
	trouble atomic.Pointer[string]
	mute    atomic.Bool // no message leaves it

	mu      sync.Mutex
	process *process                     // nil: it does not run
	probes  map[config.CheckID]time.Time // when each is probed next; zero: it is being probed
}

// A process is the daemon of a machine between a start and its end: node, trackers, senders and journals
// as they are, without probes and sockets.
type process struct {
	machine   *machine
	node      *cluster.Node
	own       *tracker.Tracker
	ownRecord *journal.Journal
	ownSender *outbox.Sender
	bus       bus.Bus
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
	dead      atomic.Bool // killed: what it does now never happened

	mu     sync.Mutex
	shared *outbox.Sender // of the shared tracker
}

func (m *machine) config() *config.Config {
	cfg := *m.stage.cfg
	// Of all that is read each machine has a digest of its own, since keys differ.
	cfg.Digest, cfg.CommonDigest = string(m.id), cmp.Or(m.digest, "of all")
	if id := m.stage.probesOnly; id != "" {
		only := *cfg.Cluster.Nodes[id]
		only.Decide = false
		cluster := *cfg.Cluster
		cluster.Nodes = maps.Clone(cluster.Nodes)
		cluster.Nodes[id] = &only
		cfg.Cluster = &cluster
	}
	if m.lacks {
		cfg.Checks = maps.Clone(cfg.Checks)
		maps.DeleteFunc(cfg.Checks, func(id config.CheckID, _ *config.Check) bool { return !strings.HasPrefix(string(id), "mx1/") })
	}
	return &cfg
}

// start starts the daemon.
func (m *machine) start() {
	t := m.stage.t
	t.Helper()
	p := &process{machine: m, bus: asking{m.stage.net.Connect(string(m.id)), m}}
	var err error
	p.ownRecord, err = journal.Open(filepath.Join(m.dir, "journal"), journal.Options{})
	must(t, err)
	p.ownSender = outbox.NewSender(func(a outbox.Attempt) { p.own.Attempted(a) })
	p.useChannels(p.ownSender)
	p.own, err = tracker.Open(tracker.Options{
		Journal: tape{p.ownRecord, p, "alone"}, Sender: p.ownSender, Node: string(m.id), Jitter: half,
		Mark: func() string { return p.node.Mark() }, Salt: string(m.id),
		Successor: func(check config.CheckID, as incident.ID) (incident.ID, bool) { return p.node.Successor(check, as) },
	})
	must(t, err)
	p.node, err = cluster.New(cluster.Options{
		Node: m.id, Version: "1.0", Bus: p.bus, Dir: filepath.Join(m.dir, "shared"), Own: p.own, OpenShared: p.openShared,
		Wake: m.wake, RetryLogin: m.retryLogin, OnShare: m.shareChanged, NeverStepDown: m.stage.neverStepDown, Log: zap.New(&roles{hear: p.logged}),
		Troubles: m.troubles, OwnServers: func(context.Context) []string { return []string{"bus on " + string(m.id)} },
		AnswerAsDecider: func(_ context.Context, _ cluster.Asker, question []byte) []byte {
			return fmt.Appendf(nil, "%s decides, asked %s", m.id, question)
		},
		Answer: func(_ context.Context, _ cluster.Asker, question []byte) []byte {
			return fmt.Appendf(nil, "%s, asked %s", m.id, question)
		},
		Wall: func() time.Time { return time.Now().Add(time.Duration(m.wall.Load())) },
	})
	must(t, err)
	cfg := m.config()
	p.node.Configure(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.tasks.Go(func() { _ = p.own.Run(ctx) })
	p.tasks.Go(func() {
		if err := p.node.Run(ctx); err != nil && !p.dead.Load() {
			t.Errorf("%s: %v", m.id, err)
		}
	})
	must(t, p.own.Configure(ctx, cfg))
	m.mu.Lock()
	m.process, m.probes = p, map[config.CheckID]time.Time{}
	m.mu.Unlock()
	m.shareChanged()
}

// An asking is a bus on which a node may wait in vain for the answer of another one.
type asking struct {
	bus.Bus
	machine *machine
}

func (a asking) Ask(ctx context.Context, to bus.Topic, question []byte) ([]byte, error) {
	if on := a.machine.stage.onAsk; on != nil && on(a.machine.id, to.Node()) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return a.Bus.Ask(ctx, to, question)
}

func half() float64 { return 0.5 }

func (p *process) openShared(j cluster.Journal) (*tracker.Tracker, error) {
	if p.machine.unopened.Load() {
		return nil, errors.New("input/output error")
	}
	var t *tracker.Tracker
	sender := outbox.NewSender(func(a outbox.Attempt) { t.Attempted(a) })
	p.useChannels(sender)
	p.mu.Lock()
	before := p.shared
	p.shared = sender
	p.mu.Unlock()
	if before != nil {
		drop(before)
	}
	var err error
	t, err = tracker.Open(tracker.Options{
		Journal: tape{j, p, ""}, Sender: sender, Node: string(p.machine.id), Jitter: half, Standby: true, Sure: j.Sure,
	})
	return t, err
}

func (m *machine) troubles() []string {
	if text := m.trouble.Load(); text != nil && *text != "nothing" {
		return []string{*text}
	}
	return nil
}

// drop ends a sender at once.
func drop(s *outbox.Sender) {
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	s.Stop(stopped)
}

func (p *process) useChannels(s *outbox.Sender) {
	channels := map[config.NotifierID]outbox.Channel{}
	for id, notifier := range p.machine.stage.cfg.Notifiers {
		channels[id] = outbox.Channel{Notifier: &line{p, string(id)}, Settings: notifier.Settings}
	}
	s.Use(channels)
}

// stop ends the daemon as SIGTERM does.
func (m *machine) stop() {
	p := m.take()
	if p == nil {
		return
	}
	p.end()
}

// kill leaves behind what kill -9 does: the files as they are at this moment. The rest of the
// process is wound up so that nobody notices.
func (m *machine) kill() {
	p := m.take()
	if p == nil {
		return
	}
	p.dead.Store(true)
	m.stage.net.Cut(string(m.id))
	m.kills++
	was := m.dir
	m.dir = fmt.Sprintf("%s.%d", filepath.Join(m.stage.dir, string(m.id)), m.kills)
	must(m.stage.t, os.CopyFS(m.dir, os.DirFS(was)))
	p.end()
	m.stage.net.Heal(string(m.id))
}

func (m *machine) take() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.process
	m.process = nil
	return p
}

// end winds the process up.
func (p *process) end() {
	p.cancel()
	p.tasks.Wait()
	drop(p.ownSender)
	drop(p.shared)
	p.bus.Close()
	_ = p.ownRecord.Close()
}

// wake has a check probed at once.
func (m *machine) wake(id config.CheckID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.probes[id]; !at.IsZero() {
		m.probes[id] = time.Now()
	}
}

// retryLogin has the next probe of a check log in.
func (m *machine) retryLogin(id config.CheckID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retried = append(m.retried, id)
}

// shareChanged begins to probe what is this node's, and ends what is not.
func (m *machine) shareChanged() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return
	}
	for id := range m.stage.cfg.Checks {
		_, known := m.probes[id]
		switch mine := m.process.node.Probes(id); {
		case mine && !known:
			m.probes[id] = m.nextTurn(id, time.Now())
		case !mine:
			delete(m.probes, id)
		}
	}
}

// nextTurn returns when this node probes a check next.
func (m *machine) nextTurn(id config.CheckID, now time.Time) time.Time {
	return nextTurn(m.process.node, m.stage.cfg.Checks[id], m.stage.begin, now)
}

// nextTurn returns when a node probes a check next: the nodes share its interval.
func nextTurn(n *cluster.Node, check *config.Check, begin, now time.Time) time.Time {
	interval := check.Probe.Interval
	place, of := n.Turn(check.ID)
	phase := time.Duration(0)
	if of > 0 {
		phase = interval * time.Duration(place) / time.Duration(of)
	}
	// Not at the moments at which nodes look at the clock, where it is open what comes first.
	next := begin.Add(now.Sub(begin).Truncate(interval) + phase + 10*time.Millisecond)
	for !next.After(now) {
		next = next.Add(interval)
	}
	return next
}

// nextProbe returns when a check is probed next, by what came of a probe that began at a time, as
// daemon/probe does.
func nextProbe(next time.Time, check *config.Check, pace incident.Pace, began time.Time) time.Time {
	now := time.Now()
	if pace.Confirming && began.Sub(pace.Since) < 10*time.Minute {
		if soon := now.Add(check.Probe.RetryInterval); soon.Before(next) {
			next = soon
		}
	}
	if !pace.At.IsZero() && pace.At.Before(next) && pace.At.After(now) {
		next = pace.At
	}
	return next
}

// probe probes a check, and finds the next time for it as daemon/probe does.
func (m *machine) probe(id config.CheckID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, check := m.process, m.stage.cfg.Checks[id]
	if _, probed := m.probes[id]; p == nil || !probed {
		return
	}
	m.probes[id] = time.Time{}
	now := time.Now()
	if m.stage.ledger != nil {
		m.stage.ledger.noteProbe(id, now)
	}
	r := result(id, m.stage.symptom(id, m.id), now)
	// Each takes another time for it, so that it is known whose result is the first.
	took := time.Duration(7*(1+slices.Index(m.stage.sorted(), m))) * time.Millisecond
	p.tasks.Go(func() {
		time.Sleep(took)
		r.Ended = time.Now()
		pace := p.node.Observe(context.Background(), r)
		m.mu.Lock()
		defer m.mu.Unlock()
		if _, probed := m.probes[id]; m.process != p || !probed {
			return
		}
		m.probes[id] = nextProbe(m.nextTurn(id, now), check, pace, now)
	})
}

// A tape is a journal whose incident records are shown in the transcript.
type tape struct {
	tracker.Journal
	process *process
	which   string // "alone", or nothing for the shared one
}

// Append implements [tracker.Journal].
func (t tape) Append(records ...journal.Record) error {
	if err := t.Journal.Append(records...); err != nil || t.process.dead.Load() {
		return err
	}
	l := t.process.machine.stage.ledger
	for _, r := range records {
		if l != nil {
			l.journaled(r)
		}
		if !strings.HasPrefix(r.Kind, "incident.") || r.Kind == "incident.whole" {
			continue
		}
		var e incident.Event
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return err
		}
		if l != nil {
			l.opened(t.which, e)
		}
		t.process.machine.stage.event(t.process.machine.id, t.which, e)
	}
	return nil
}

// Compact implements [tracker.Journal].
func (t tape) Compact(state iter.Seq[journal.Record]) error { return t.Journal.Compact(state) }

// A line is a notifier as one process reaches it.
type line struct {
	process *process
	id      string
}

// Close implements [notifiers.Notifier].
func (l *line) Close() error { return nil }

// Notify implements [notifiers.Notifier].
func (l *line) Notify(ctx context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	if l.process.dead.Load() {
		return notifiers.Receipt{}, context.Canceled
	}
	s := l.process.machine.stage
	if l.process.machine.mute.Load() {
		return notifiers.Receipt{}, errors.New("connection refused")
	}
	s.message(l.process.machine.id, l.id, m)
	wait := time.Duration(s.answerTime.Load())
	if s.ledger != nil {
		wait = s.ledger.arrived(l.process.machine.id, m)
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return notifiers.Receipt{}, ctx.Err()
	}
	return notifiers.Receipt{Thread: m.Key}, nil
}

// roles hears what is logged, as what becomes of a node.
type roles struct {
	zapcore.LevelEnabler
	hear func(zapcore.Entry, []zapcore.Field)
}

// Enabled implements [zapcore.Core].
func (r *roles) Enabled(zapcore.Level) bool { return true }

// With implements [zapcore.Core].
func (r *roles) With([]zapcore.Field) zapcore.Core { return r }

// Check implements [zapcore.Core].
func (r *roles) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return c.AddCore(e, r)
}

// Sync implements [zapcore.Core].
func (r *roles) Sync() error { return nil }

// Write implements [zapcore.Core].
func (r *roles) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r.hear(e, fields)
	return nil
}

// logged takes what the daemon logs.
func (p *process) logged(e zapcore.Entry, fields []zapcore.Field) {
	if !p.dead.Load() {
		p.machine.stage.logged(p.machine.id, e, fields)
	}
}
