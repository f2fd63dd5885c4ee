package daemon

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A membership is this machine as one of several nodes. It lasts from the start to the end: who is in
// no cluster at the start has none.
type membership struct {
	node  *cluster.Node
	bus   bus.Bus
	begun *config.Cluster // in force at the start: what cannot change without a restart
	log   *zap.Logger
	name  config.NodeID

	mu   sync.Mutex
	last *config.Config // in force, as this node takes it
	lost time.Time      // since when no node is heard that decides; zero: one is
	said string         // what was logged last about the key of this node

	// Of followRole alone.
	keyOf    string    // the node whose key of links this one has
	mirrored time.Time // when the history last looked for incidents of other nodes

	troubles    atomic.Pointer[[]string] // what is wrong with this machine
	pastAnswers *semaphore.Weighted      // room for answering what others ask of the history
}

// join makes this machine a node of the cluster of a configuration. The bus need not be there.
func (m *monitor) join(ctx context.Context, cfg *config.Config) (err error) {
	me := &membership{
		begun: cfg.Cluster, log: m.Log, name: config.NodeID(m.node), last: cfg,
		pastAnswers: semaphore.NewWeighted(mostPastAnswers),
	}
	if me.bus, err = m.connectBus(ctx, cfg.Cluster); err != nil {
		return fmt.Errorf("connecting to the other nodes: %w", err)
	}
	me.node, err = cluster.New(cluster.Options{
		Node: me.name, Version: m.Version, Bus: me.bus, Dir: filepath.Join(m.StateDir, "shared"), Log: m.Log,
		Own: m.deciding.own, OpenShared: m.openShared, Wake: m.loop.Wake, RetryLogin: m.prober.RetryLogin,
		OnShare:         m.probes.moveShare,
		OwnServers:      func(ctx context.Context) []string { return ownServers(ctx, me.begun, me.name) },
		AnswerAsDecider: m.answerAsDecider, Answer: m.answerAsNode, Troubles: m.untoldTroubles,
	})
	if err != nil {
		me.bus.Close()
		return fmt.Errorf("opening the copy of the shared journal: %w", err)
	}
	m.member, m.channels.deaf = me, true // until it is known who listens
	m.deciding.inForce = me.node.Tracker
	m.probes.members, m.loop.Turn = me.node.Probes, me.node.Turn
	m.passer = m.newPasser(me)
	return nil
}

// connectBus connects to the bus of a cluster, in the background.
func (m *monitor) connectBus(ctx context.Context, c *config.Cluster) (bus.Bus, error) {
	if m.Connect != nil {
		return m.Connect(m.node)
	}
	return bus.Connect(ctx, bus.Options{
		Cluster: c.Name, Node: m.node, Servers: c.Servers, CA: []byte(c.CA.Text()),
		Key: c.Key, Credentials: c.Credentials, Cert: []byte(c.Cert.Text()), CertKey: c.CertKey, Log: m.logOutside,
	})
}

// openShared opens a tracker of the incidents that all nodes share, which stands by.
func (m *monitor) openShared(j cluster.Journal) (*tracker.Tracker, error) {
	o := m.trackerOptions(j)
	o.Standby, o.Sure, o.CompactAt = true, j.Sure, stream.CompactAt
	o.Feed, o.Wake = sharedFeed{m}, func(id config.CheckID) { m.member.node.WakeNodes(id) }
	t, err := tracker.Open(o)
	if err == nil {
		m.deciding.shared.Store(t)
	}
	return t, err
}

// A sharedFeed hears of what whoever decides journals for all.
type sharedFeed struct{ m *monitor }

// Result implements [tracker.Feed]. Of checks that are probed here the history has what was seen here.
func (f sharedFeed) Result(r incident.Result) {
	if !f.m.member.node.Probes(r.Check) {
		f.m.history.Result(r)
	}
}

// Events implements [tracker.Feed].
func (f sharedFeed) Events(list []incident.Event) {
	f.m.history.Events(list)
	f.m.counts.Events(list)
}

// An ownFeed hears of what a node decides for itself. What it sees is handed on before, whoever decides.
type ownFeed struct{ sharedFeed }

// Result implements [tracker.Feed].
func (ownFeed) Result(incident.Result) {}

// observe takes what a probe has found, and returns how soon the next one is wanted.
func (m *monitor) observe(ctx context.Context, r incident.Result) incident.Pace {
	if m.member == nil {
		return m.deciding.own.Observe(ctx, r)
	}
	m.history.Result(r)
	m.counts.Result(r)
	return m.member.node.Observe(ctx, r)
}

// follows reports whether another node decides, or ought to, so that this one leaves to it what
// concerns all.
func (m *monitor) follows() bool {
	return m.member != nil && m.member.node.Role() == cluster.Following
}

// mark returns what stands in what this node finds while it is alone; empty: it is not.
func (m *monitor) mark() string {
	if m.member == nil {
		return "" // the start is under way
	}
	return m.member.node.Mark()
}

// successor returns what has become of an incident that this node has handed over.
func (m *monitor) successor(check config.CheckID, as incident.ID) (now incident.ID, well bool) {
	if m.member == nil {
		return as, as == "" // the start is under way
	}
	return m.member.node.Successor(check, as)
}

// probesOnly reports whether this machine, by a configuration, never sends messages.
func (m *monitor) probesOnly(cfg *config.Config) bool {
	switch {
	case m.started && m.member == nil, cfg.Cluster == nil && !m.started:
		return false
	case m.member != nil:
		cfg = m.member.asTaken(cfg)
	}
	own := cfg.Cluster.Nodes[config.NodeID(m.Options.Node)]
	return own != nil && !own.Decide
}

// A decisions is the part of whoever decides by a configuration.
type decisions struct{ *monitor }

// Prepare implements [part].
func (m decisions) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	commit = func() {
		m.deciding.configure(cfg)
		if m.member != nil {
			m.member.configure(cfg)
		}
	}
	if m.started {
		diags = m.clusterNeedsRestart(cfg)
	}
	return commit, func() {}, diags
}

// configure puts a configuration in force.
func (me *membership) configure(cfg *config.Config) {
	taken := me.asTaken(cfg)
	me.mu.Lock()
	me.last = taken
	me.mu.Unlock()
	me.logKey()
	me.node.Configure(taken)
}

// asTaken returns a configuration as this node takes it: with what cannot change without a restart as
// it was at the start.
func (me *membership) asTaken(cfg *config.Config) *config.Config {
	if cfg.Cluster == nil {
		return me.withoutCluster(cfg)
	}
	if len(cfg.Cluster.NeedsRestart(me.begun)) == 0 {
		return cfg
	}
	kept := *me.begun
	kept.Nodes, kept.AloneAfter = cfg.Cluster.Nodes, cfg.Cluster.AloneAfter
	taken := *cfg
	taken.Cluster = &kept
	return &taken
}

// withoutCluster returns a configuration that has no cluster block as one of the cluster that goes on
// until the restart.
func (me *membership) withoutCluster(cfg *config.Config) *config.Config {
	last := me.config()
	taken := *cfg
	taken.Cluster = last.Cluster
	taken.Checks = make(map[config.CheckID]*config.Check, len(cfg.Checks))
	for id, check := range cfg.Checks {
		with := *check
		with.Quorum.FillDefaults(taken.Cluster)
		if before := last.Checks[id]; before != nil {
			with.Quorum = before.Quorum
		}
		taken.Checks[id] = &with
	}
	return &taken
}

// clusterNeedsRestart warns of what comes into effect with a restart only.
func (m *monitor) clusterNeedsRestart(cfg *config.Config) []config.Diagnostic {
	warn := func(pos config.Pos, summary, detail string) []config.Diagnostic {
		return []config.Diagnostic{{Gravity: config.Warning, Rule: "restart", Summary: summary, Detail: detail, Pos: pos}}
	}
	switch {
	case m.member == nil && cfg.Cluster != nil:
		return warn(cfg.Cluster.Pos, "A new cluster block needs a restart",
			"Until then this machine watches on its own, as before.")
	case m.member == nil:
		return nil
	case cfg.Cluster == nil:
		return warn(m.member.begun.Pos, "A removed cluster block needs a restart",
			"Until then this machine is a node of the cluster, as before.")
	}
	changed := cfg.Cluster.NeedsRestart(m.member.begun)
	if len(changed) == 0 {
		return nil
	}
	return warn(cfg.Cluster.Pos, "A changed cluster block needs a restart", fmt.Sprintf(
		"Until then the node goes on with what was written at its start: %s. All else is in effect: alone_after, the "+
			"nodes, and nodes, agree and locations of checks.",
		strings.Join(changed, ", ")))
}

// busTargets returns host:port of the servers of the bus, which are asked whether this machine
// reaches anybody.
func busTargets(c *config.Cluster) (targets []string) {
	if c == nil {
		return nil
	}
	for _, text := range c.Servers {
		u, err := url.Parse(text)
		if err != nil {
			continue // the loader let none through
		}
		port := u.Port()
		switch {
		case port != "":
		case u.Scheme == "wss":
			port = "443"
		default:
			port = "4222"
		}
		targets = append(targets, net.JoinHostPort(u.Hostname(), port))
	}
	return targets
}

// ownServers lists the servers of the bus that run on this machine: those that are called as it is, or
// whose address is one of its own. nodes bus-config names each server as its host.
func ownServers(ctx context.Context, c *config.Cluster, node config.NodeID) (own []string) {
	servers, err := serverfiles.Servers(c)
	if err != nil {
		return nil
	}
	for _, s := range servers {
		if s.Host == string(node) || shortName(s.Host) == string(node) {
			own = append(own, s.Host)
			continue
		}
		addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", s.Host)
		if err == nil && slices.ContainsFunc(addresses, isOwnAddress) {
			own = append(own, s.Host)
		}
	}
	return own
}

// isOwnAddress reports whether an address is one of this machine: a server of the bus there answers
// without a network.
func isOwnAddress(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	// The service may not ask for the addresses of this machine, which takes AF_NETLINK. But a socket is bound to
	// no others.
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), 0)))
	if err != nil {
		return false
	}
	_ = socket.Close()
	return true
}

// shortName returns the name of a machine without its domain, as nodes are called.
func shortName(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return name
}
