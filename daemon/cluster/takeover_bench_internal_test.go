package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// BenchmarkTakeOver measures a node that takes over from a decider that was killed: when it decides, when the first
// message leaves and when all checks are decided on, after the last beat, which is 5 seconds before anybody does
// anything. What it costs is what this process has spent: the others only say what they would, and have put it
// together before. The shared journal has 60 MiB or more, every tenth check is down, and three nodes have seen each of
// them. One check fails since a moment ago, last by its name. The floor is to read the copy of the journal
// once, which a node without a standby could not avoid.
//
//	go test -run '^$' -bench TakeOver/100000 -benchtime 1x ./daemon/cluster
func BenchmarkTakeOver(b *testing.B) {
	for _, checks := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) {
			for b.Loop() {
				newSuccession(b, checks).measure()
			}
		})
	}
}

// A succession is a cluster whose decider is about to be killed.
type succession struct {
	b      *testing.B
	cfg    *config.Config
	net    *local.Network
	node   *Node
	killed chan struct{} // closed when the decider is
	last   uint64        // message of the journal

	decided atomic.Int64  // checks
	begun   atomic.Bool   // the decider is killed
	alarm   chan struct{} // closed when the first message leaves after that
	all     chan struct{} // closed when all checks are decided on
	once    sync.Once
}

// Result implements [tracker.Feed].
func (s *succession) Result(incident.Result) {
	if s.begun.Load() && s.decided.Add(1) == int64(len(s.cfg.Checks)) {
		close(s.all)
	}
}

// Events implements [tracker.Feed].
func (s *succession) Events([]incident.Event) {}

// Send implements [tracker.Sender].
func (s *succession) Send(config.NotifyID, json.RawMessage, notifiers.Message) {
	if s.begun.Load() {
		s.once.Do(func() { close(s.alarm) })
	}
}

// failsLast is the check that fails since a moment ago.
const failsLast = "mx999999/imaps"

func newSuccession(b *testing.B, checks int) *succession {
	s := &succession{
		b: b, cfg: manyChecks(checks), net: local.New(),
		killed: make(chan struct{}), alarm: make(chan struct{}), all: make(chan struct{}),
	}
	s.fillJournal()
	return s
}

// fillJournal has fra1 decide until the journal has 60 MiB, with a tracker of its own.
func (s *succession) fillJournal() {
	d := s.newDecider()
	d.fill(60 << 20)
	s.everyTenth(d.to, 0, true)
	take(d.to, failing(failsLast, time.Now()))
	d.awaitDelivered()
	s.b.ReportMetric(float64(d.copied.Size())/(1<<20), "MiB-journal")
	s.last = d.copied.Place()
	d.close()
}

// A firstDecider is fra1, which decides in a cluster that is made anew. All messages arrive at once.
type firstDecider struct {
	*succession
	conn   bus.Bus
	copied *stream.Copy
	to     *tracker.Tracker
	stop   func() // ends the tracker
}

func (s *succession) newDecider() *firstDecider {
	ctx := context.Background()
	d := &firstDecider{succession: s, conn: s.net.Connect("fra1")}
	must(s.b, stream.Create(ctx, d.conn.Stream(), 0, func(func(journal.Record) bool) {}))
	var err error
	d.copied, err = stream.Open(s.b.TempDir(), d.conn.Stream(), stream.Options{Node: "fra1"})
	must(s.b, err)
	must(s.b, d.copied.CatchUp(ctx))
	_, err = d.copied.Begin(ctx)
	must(s.b, err)
	d.open(1 << 40)
	return d
}

// open opens a tracker that writes the journal anew when it has so many bytes.
func (d *firstDecider) open(compactAt int64) {
	ctx, cancel := context.WithCancel(context.Background())
	t, err := tracker.Open(tracker.Options{Journal: d.copied, Sender: d, CompactAt: compactAt})
	must(d.b, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		must(d.b, t.Run(ctx))
	}()
	d.to, d.stop = t, func() {
		cancel()
		<-ended
	}
	must(d.b, t.Configure(ctx, d.cfg))
}

func (d *firstDecider) close() {
	d.stop()
	must(d.b, d.copied.Close())
	d.conn.Close()
}

// Send implements [tracker.Sender].
func (d *firstDecider) Send(_ config.NotifyID, _ json.RawMessage, m notifiers.Message) {
	go d.to.Attempted(outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now()})
}

// fill has checks fail and be well again until the journal has so many bytes. Few checks do not come to that much: what
// flaps is told seldom.
func (d *firstDecider) fill(bytes int64) {
	for i := 0; i < 27 && d.copied.Size() < bytes; i++ {
		d.everyTenth(d.to, 1+i%9, true)
		d.everyTenth(d.to, 1+i%9, false)
	}
}

// awaitDelivered waits until nothing is to be told.
func (d *firstDecider) awaitDelivered() {
	for {
		snapshot, err := d.to.Snapshot(context.Background())
		must(d.b, err)
		if queued, _ := snapshot.Counts(); queued == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// take has a tracker take a result when it has room for it.
func take(t *tracker.Tracker, r incident.Result) {
	for !t.Take(r) {
		time.Sleep(time.Millisecond)
	}
}

// everyTenth has the checks fail, or end to fail, whose numbers end with a digit.
func (s *succession) everyTenth(t *tracker.Tracker, digit int, fail bool) {
	end := fmt.Sprintf("%d/imaps", digit)
	for range 2 {
		for id := range s.cfg.Checks {
			if id == failsLast || !strings.HasSuffix(string(id), end) {
				continue
			}
			if fail {
				take(t, failing(id, time.Now()))
			} else {
				take(t, well(id, time.Now()))
			}
		}
		must(s.b, t.Ping(context.Background()))
	}
}

// measure kills the decider and reports what becomes of it.
func (s *succession) measure() {
	ctx, cancel := context.WithCancel(s.b.Context())
	ended := s.startNode(ctx)
	var others sync.WaitGroup
	others.Go(func() { s.beDecider(ctx) })
	for _, id := range []config.NodeID{"lon1", "nyc1"} {
		o := s.newOther(id)
		defer o.end()
		others.Go(func() { o.live(ctx) })
	}
	for s.node.Decider() != "fra1" || s.node.hearsItselfFor() < takeOverAfter {
		time.Sleep(10 * time.Millisecond)
	}
	for s.node.copy.Place() != s.last {
		time.Sleep(10 * time.Millisecond)
	}
	_, err := s.node.Tracker().Snapshot(ctx) // when all is folded
	must(s.b, err)
	runtime.GC() // of what has made the journal
	killed, cpu := time.Now(), cpuTime()
	s.begun.Store(true)
	close(s.killed)
	for _, phase := range []struct {
		name  string
		await func()
	}{{"deciding", s.awaitDeciding}, {"alarm", func() { <-s.alarm }}, {"all", func() { <-s.all }}} {
		phase.await()
		s.b.ReportMetric(time.Since(killed).Seconds(), "s-"+phase.name)
		s.b.ReportMetric(float64((cpuTime() - cpu).Milliseconds()), "cpu-ms-"+phase.name)
	}
	all := cpuTime() - cpu
	floor := s.readJournal()
	s.b.ReportMetric(float64(floor.Milliseconds()), "cpu-ms-floor")
	s.b.ReportMetric(float64(all)/float64(floor), "all/floor")
	cancel()
	<-ended
	others.Wait()
}

func (s *succession) awaitDeciding() {
	for s.node.Role() != Deciding {
		time.Sleep(time.Millisecond)
	}
}

// readJournal reads the copy of the journal once, and returns what that costs.
func (s *succession) readJournal() time.Duration {
	began := cpuTime()
	for _, err := range s.node.copy.Records() {
		must(s.b, err)
	}
	return cpuTime() - began
}

// hearsItselfFor returns for how long the node has heard itself without a gap.
func (n *Node) hearsItselfFor() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hearing.hearsItself(time.Now())
}

// startNode starts the node that will take over, and has it see each check.
func (s *succession) startNode(ctx context.Context) (ended chan struct{}) {
	dir := s.b.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{})
	must(s.b, err)
	own, err := tracker.Open(tracker.Options{Journal: j, Sender: s, Node: "ams1"})
	must(s.b, err)
	conn := s.net.Connect("ams1")
	s.node, err = New(Options{
		Node: "ams1", Bus: conn, Dir: filepath.Join(dir, "shared"), Own: own,
		OpenShared: func(j Journal) (*tracker.Tracker, error) {
			return tracker.Open(tracker.Options{
				Journal: j, Sender: s, Node: "ams1", Standby: true, Sure: j.Sure, Feed: s, CompactAt: stream.CompactAt,
			})
		},
	})
	must(s.b, err)
	s.node.Configure(s.cfg)
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		must(s.b, s.node.Run(ctx))
		conn.Close()
		_ = j.Close()
	}()
	for id := range s.cfg.Checks {
		s.node.Observe(ctx, s.result(id))
	}
	return ended
}

// beDecider says that fra1 decides, until it is killed.
func (s *succession) beDecider(ctx context.Context) {
	conn := s.net.Connect("fra1")
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // until the decider is killed
		<-s.killed
		cancel()
	}()
	said := beat{
		V: Speaks, Node: "fra1", Term: 2, Live: slices.Sorted(maps.Keys(s.cfg.Cluster.Nodes)), Last: s.last,
		Speaks: Speaks, Checks: len(s.cfg.Checks),
	}
	_ = clock.Repeat(ctx, pulsePause, func() {
		s.sayThatItLives(conn, "fra1")
		said.Wall = time.Now()
		_ = conn.Publish(bus.Beat, encode(said))
	})
}

func (s *succession) sayThatItLives(conn bus.Bus, id config.NodeID) {
	said := heartbeat{V: Speaks, Node: id, Speaks: Speaks, Checks: len(s.cfg.Checks), Wall: time.Now()}
	_ = conn.Publish(bus.Heartbeat(string(id)), encode(said))
}

// An other is a node that may not decide, as far as others notice.
type other struct {
	*succession
	id     config.NodeID
	conn   bus.Bus
	packer *agree.Packer
	stop   func()
}

// newOther returns a node that has put together what it answers.
func (s *succession) newOther(id config.NodeID) *other {
	o := &other{succession: s, id: id, conn: s.net.Connect(string(id)), packer: agree.NewPacker(string(id), time.Now())}
	for check := range s.cfg.Checks {
		o.see(check)
	}
	o.packer.Flush(time.Now())
	answer := encode(o.packer.All(time.Now()))
	var err error
	o.stop, err = o.conn.Answer(bus.Node(string(id)), func(context.Context, bus.Question) []byte { return answer })
	must(s.b, err)
	return o
}

func (o *other) see(check config.CheckID) {
	o.packer.Add(o.result(check), agree.Settings(o.cfg.Checks[check]), time.Now())
}

// live says that the node lives, and that it still sees a check fail.
func (o *other) live(ctx context.Context) {
	_ = clock.Repeat(ctx, pulsePause, func() {
		o.sayThatItLives(o.conn, o.id)
		o.see(failsLast)
		for _, packet := range o.packer.Flush(time.Now()) {
			_ = o.conn.Publish(bus.SightsOf(string(o.id)), packet)
		}
	})
}

func (o *other) end() {
	o.stop()
	o.conn.Close()
}

// result is what a node sees of a check.
func (s *succession) result(id config.CheckID) incident.Result {
	if id == failsLast || strings.HasSuffix(string(id), "0/imaps") {
		return failing(id, time.Now())
	}
	return well(id, time.Now())
}

func well(id config.CheckID, now time.Time) incident.Result {
	return incident.Result{
		Check: id, Started: now, Ended: now, Target: "mx.example.org:993",
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionLatency),
	}
}

func failing(id config.CheckID, now time.Time) incident.Result {
	r := well(id, now)
	r.Observed = config.ConditionSet(config.ConditionService)
	r.Findings = []incident.Finding{{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseTimeout,
		Hint: "The server does not answer: it is down, or a firewall drops the packets.",
	}}
	return r
}

// manyChecks are the files of four nodes, of which ams1 can take over from fra1.
func manyChecks(n int) *config.Config {
	cfg := &config.Config{
		Checks:    make(map[config.CheckID]*config.Check, n),
		Cluster:   &config.Cluster{AloneAfter: time.Hour, Nodes: map[config.NodeID]*config.Node{}},
		Notifiers: map[config.NotifierID]*config.Notifier{"webhook.hook": {ID: "webhook.hook", Settings: hook{}}},
		Roles: map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{
			{ID: config.NotifyID{Role: "it", Notifier: "webhook.hook"}, Target: url("")},
		}}},
	}
	for _, name := range []config.NodeID{"ams1", "fra1", "lon1", "nyc1"} {
		cfg.Cluster.Nodes[name] = &config.Node{ID: name, Location: string(name), Decide: name == "ams1" || name == "fra1"}
	}
	for i := range n {
		id := config.CheckID(fmt.Sprintf("mx%06d/imaps", i))
		if i == n-1 {
			id = failsLast
		}
		cfg.Checks[id] = &config.Check{
			ID: id, Label: string(id), Enabled: true, Roles: []config.RoleID{"it"}, Quorum: config.Quorum{Nodes: 3, Agree: 2},
			Probe: config.Probe{
				Hostname: "mx.example.org", Port: 993, Interval: time.Hour, Timeout: 30 * time.Second, RetryInterval: time.Hour,
			},
		}
	}
	cfg.Checks[failsLast].Policy = config.Policy{FaultTolerance: time.Second}
	return cfg
}

type url string

func (u url) String() string { return string(u) }

type hook struct{}

func (hook) Kind() notifiers.Kind              { return webhook.Kind }
func (hook) Open() (notifiers.Notifier, error) { return nil, errors.New("nobody opens it") }

func (hook) DecodeTarget(d []byte) (notifiers.Target, error) { return notifiers.DecodeTarget[url](d) }

// cpuTime returns what this process has spent.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}
