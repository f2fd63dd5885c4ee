//go:build !quick

package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A member is a machine as the node of one cluster: what a daemon has, without probes and notifiers.
type member struct {
	*realMachine
	number    int // of the cluster
	cfg       *config.Config
	cluster   *cluster.Node
	own       *tracker.Tracker
	ownRecord *journal.Journal
	ownSender *outbox.Sender
	bus       bus.Bus
	term      atomic.Uint64 // in which it decides, or decided last

	mu     sync.Mutex
	shared *outbox.Sender
	next   [checksOfRound]time.Time // when each check is probed; zero: this node does not probe it
}

// join opens what the node of a cluster keeps.
func (m *realMachine) join(number int, files *config.Config) (one *member, err error) {
	c, dir := m.Clusters[number], m.state(number)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	one = &member{realMachine: m, number: number, cfg: configOf(files, &c, m.node.ID)}
	options := c.options(m.node.ID)
	log := zap.New(zapcore.NewTee(one.logCore(), &roles{hear: one.logged})).With(zap.String("cluster", c.Name))
	options.Log = func(message string, err error) { log.Info("bus: "+message, zap.Error(err)) }
	if one.bus, err = bus.Connect(context.Background(), options); err != nil {
		return nil, err
	}
	if one.ownRecord, err = journal.Open(filepath.Join(dir, "journal"), journal.Options{}); err != nil {
		return nil, err
	}
	one.ownSender = outbox.NewSender(func(a outbox.Attempt) { one.own.Attempted(a) })
	one.useChannels(one.ownSender, true)
	if one.own, err = tracker.Open(tracker.Options{
		Journal: reporting{one.ownRecord, one, true}, Sender: one.ownSender, Node: string(m.node.ID),
		Mark: func() string { return one.cluster.Mark() }, Salt: string(m.node.ID),
	}); err != nil {
		return nil, err
	}
	one.cluster, err = cluster.New(cluster.Options{
		Node: m.node.ID, Version: "1.0", Bus: one.bus, Dir: filepath.Join(dir, "shared"), Own: one.own, OpenShared: one.openShared,
		Wake: one.wake, OnShare: one.shareChanged, NeverStepDown: c.NeverStepDown, Log: log,
		Wall: func() time.Time { return time.Now().Add(m.world.get(m.Number, clockAhead)) },
	})
	return one, err
}

// configOf returns the configuration of one node of one cluster.
func configOf(files *config.Config, c *clusterFile, node config.NodeID) *config.Config {
	cfg, own := *files, *files.Cluster
	own.Name, own.AloneAfter = c.Name, c.AloneAfter
	cfg.Cluster, cfg.Digest, cfg.CommonDigest = &own, string(node), "of all"
	return &cfg
}

// logCore writes what the node logs to this process' output.
func (o *member) logCore() zapcore.Core {
	e := zap.NewDevelopmentEncoderConfig()
	e.EncodeTime = func(_ time.Time, to zapcore.PrimitiveArrayEncoder) {
		to.AppendString(fmt.Sprintf("%.3f", uptime().Seconds()))
	}
	return zapcore.NewCore(zapcore.NewConsoleEncoder(e), zapcore.Lock(os.Stdout), zapcore.InfoLevel)
}

func (o *member) openShared(j cluster.Journal) (*tracker.Tracker, error) {
	var t *tracker.Tracker
	sender := outbox.NewSender(func(a outbox.Attempt) { t.Attempted(a) })
	o.useChannels(sender, false)
	o.mu.Lock()
	before := o.shared
	o.shared = sender
	o.mu.Unlock()
	if before != nil {
		drop(before)
	}
	var err error
	t, err = tracker.Open(tracker.Options{
		Journal: reporting{j, o, false}, Sender: sender, Node: string(o.node.ID), Standby: true, Sure: j.Sure,
	})
	return t, err
}

func (o *member) useChannels(s *outbox.Sender, own bool) {
	channels := map[config.NotifierID]outbox.Channel{}
	for id, notifier := range o.cfg.Notifiers {
		channels[id] = outbox.Channel{Notifier: &reportingLine{o, own}, Settings: notifier.Settings}
	}
	s.Use(channels)
}

// run is the node until ctx ends.
func (o *member) run(ctx context.Context) error {
	o.cluster.Configure(o.cfg)
	var tasks sync.WaitGroup
	var failure error
	tasks.Go(func() { _ = o.own.Run(ctx) })
	tasks.Go(func() { failure = o.cluster.Run(ctx) })
	if err := o.own.Configure(ctx, o.cfg); err != nil && ctx.Err() == nil {
		return err
	}
	o.shareChanged()
	tasks.Go(func() { o.obeyOrders(ctx) })
	o.probeUntilEnd(ctx)
	tasks.Wait()
	drop(o.ownSender)
	drop(o.shared)
	o.bus.Close()
	return errors.Join(failure, o.ownRecord.Close())
}

// logged reports which role the node has.
func (o *member) logged(e zapcore.Entry, fields []zapcore.Field) {
	r := report{Cluster: o.number, Kind: "role"}
	for _, f := range fields {
		switch f.Key {
		case "is":
			r.Role = f.String
		case "term":
			r.Term = uint64(f.Integer)
		}
	}
	if r.Role == "" {
		return
	}
	if r.Role == string(cluster.Deciding) {
		o.term.Store(r.Term)
	}
	o.reports.add(r)
}

// reporting is a journal that reports what was opened, and whether it was refused.
type reporting struct {
	tracker.Journal
	member *member
	own    bool
}

// Append implements [tracker.Journal].
func (j reporting) Append(records ...journal.Record) error {
	if err := j.Journal.Append(records...); err != nil {
		if errors.Is(err, journal.ErrReplaced) {
			j.member.reports.add(report{Cluster: j.member.number, Kind: "refused", Term: j.member.term.Load()})
		}
		return err
	}
	for _, r := range records {
		var e incident.Event
		if r.Kind != "incident."+string(incident.Opened) || json.Unmarshal(r.Data, &e) != nil || e.Finding == nil {
			continue
		}
		j.member.reports.add(report{
			Cluster: j.member.number, Kind: "opened", Incident: string(e.Incident), Check: string(e.Check), From: e.Finding.From, Own: j.own,
		})
	}
	return nil
}

// A reportingLine is a notifier that reports what is told with it, and takes its time to answer.
type reportingLine struct {
	member *member
	own    bool
}

// Close implements [notifiers.Notifier].
func (l *reportingLine) Close() error { return nil }

// answerTime is how long whoever gets a message takes to answer, at most.
const answerTime = 500 * time.Millisecond

// Notify implements [notifiers.Notifier].
func (l *reportingLine) Notify(ctx context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	for _, item := range m.Items {
		in := item.Incident
		l.member.reports.add(report{
			Cluster: l.member.number, Kind: "told", Key: m.Key, Term: l.member.term.Load(), Own: l.own,
			Incident: in.ID, Check: in.Check, Condition: in.Condition, What: string(item.Transition), Started: in.StartedAt,
		})
	}
	select {
	case <-time.After(rand.N(answerTime)):
		return notifiers.Receipt{Thread: m.Key}, nil
	case <-ctx.Done():
		return notifiers.Receipt{}, ctx.Err()
	}
}
