package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// ErrNotDeciding is returned when a node is to stop deciding that does not decide.
var ErrNotDeciding = errors.New("this node does not decide")

// noFiles is the configuration before the first: there is no other node, and there are no checks.
var noFiles = &config.Config{Cluster: &config.Cluster{}}

// A Node is this machine among the others. Its methods may be called from any goroutine.
type Node struct {
	Options
	copy         *stream.Copy
	stepDown     chan chan struct{} // takes requests to decide no longer
	feed         standbyFeed
	stale        atomic.Bool // the shared tracker holds what the journal does not say
	doubted      atomic.Bool // what this node holds of the journal, or says about it, contradicts whoever decides
	shareChanged chan struct{}

	packing    sync.Mutex
	packer     *agree.Packer
	packingAll chan struct{} // held while what this node last saw of all checks is packed
	journaling chan struct{} // held while another node is told what is in the journal

	configuring sync.Mutex // held while the shared tracker is given a configuration; before mu

	mu       sync.Mutex // holds what follows; nothing waits while it is locked
	cfg      *config.Config
	running  bool
	hearing  *hearing
	solitude solitude
	shared   *sharedTracker
	term     uint64    // this node decides in it; 0: it does not
	changed  time.Time // its role did
	role     Role
	members  []agree.Member // among whom the checks are shared
	share    int            // how many checks this node probes
	journal  string         // what is wrong with the shared journal
	unopened string         // why no standby could be opened; empty: there is one
	unmade   bool           // the servers do not have it
	// restUntil is when a node may decide again that was asked to stop, or was not the first to begin.
	restUntil time.Time
	unsent    unsentLog
	shrunk    shrinking
	rebasing  bool // it writes the whole state into a journal that has lost records
	// rebased is when some node wrote the whole state into a journal that had lost records.
	rebased time.Time
}

// New makes a node: it opens the copy of the shared journal and a standby on it.
func New(o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	now := time.Now()
	n := &Node{
		Options: o, stepDown: make(chan chan struct{}), shareChanged: make(chan struct{}, 1),
		packer: agree.NewPacker(string(o.Node), now), packingAll: make(chan struct{}, 1), journaling: make(chan struct{}, 2),
		cfg: noFiles, hearing: newHearing(o.Node, now), changed: now, role: Following,
		// What its own journal has of checks is of a time when it was alone.
		solitude: solitude{phase: handingOver, since: now},
	}
	var err error
	if n.copy, err = stream.Open(o.Dir, askedStream{o.Bus.Stream(), n}, stream.Options{
		Node: string(o.Node), Version: o.Version, Log: o.Log, OnRecords: n.feed.fold, OnAnew: func() { n.stale.Store(true) },
	}); err != nil {
		return nil, err
	}
	if err := n.openShared(); err != nil {
		return nil, errors.Join(err, n.copy.Close())
	}
	return n, nil
}

// Run is a node of the cluster until ctx ends. If it decides then, it journals what is still
// queued and says that it ends, so that another one takes over at once.
func (n *Node) Run(ctx context.Context) error {
	n.runShared(ctx)
	n.mu.Lock()
	n.hearing.began = time.Now()
	n.mu.Unlock()
	stop, err := n.listen()
	if err == nil {
		tasks, ctx := errgroup.WithContext(ctx)
		tasks.Go(func() error { return n.pulse(ctx) })
		tasks.Go(func() error { return n.followOrDecide(ctx) })
		tasks.Go(func() error { return n.watchRunning(ctx) })
		tasks.Go(func() error { return n.watchSolitude(ctx) })
		tasks.Go(func() error { return n.watchShare(ctx) })
		tasks.Go(func() error { return n.sayWhatItSees(ctx) })
		err = tasks.Wait()
	}
	stop()
	return errors.Join(err, n.endShared(), n.copy.Close())
}

// Configure makes a configuration the one in force, also for the shared tracker. It cannot fail.
func (n *Node) Configure(cfg *config.Config) {
	n.configuring.Lock()
	defer n.configuring.Unlock()
	n.mu.Lock()
	if cfg.Cluster == nil { // that needs a restart; until then the nodes are as they were
		c := *cfg
		c.Cluster = n.cfg.Cluster
		cfg = &c
	}
	first := n.cfg == noFiles
	was := n.members
	n.cfg = cfg
	n.members = membersOf(cfg.Cluster, func(id config.NodeID) bool { return first || isLive(was, id) })
	s, running := n.shared, n.running
	n.mu.Unlock()
	n.countShare()
	n.keepSights()
	if running {
		_ = s.Configure(context.Background(), cfg) // it fails when the tracker has ended: the next one gets it
	}
}

// mayDecide reports whether this node may decide, by the files.
func (n *Node) mayDecide() bool {
	own, known := n.cfg.Cluster.Nodes[n.Node]
	return known && own.Decide
}

func (n *Node) mayDecideNow() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mayDecide()
}

// Tracker returns the tracker whose incidents are shown and changed here: its own while the node is
// alone, else the shared one, which changes with each take-over. While another node decides it is a
// standby, and whoever wants to change something asks the decider.
func (n *Node) Tracker() *tracker.Tracker {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.currentRole() == Alone {
		return n.Own
	}
	return n.shared.Tracker
}
