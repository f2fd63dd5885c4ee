//go:build !quick

package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A realRound is a round of each of several clusters at once: their nodes are on the same machines, and what
// befalls a machine befalls a node of each.
type realRound struct {
	t        *testing.T
	dir      string
	network  realNetwork
	random   *rand.Rand
	servers  *bustest.Servers
	clusters []clusterFile
	machines []*realProcess
	world    *realWorld
	fair     *fairTime
	outages  []*realOutage
	faults   []*realFault  // that were
	reports  []report      // in the order in which they were read
	ends     time.Duration // when the last fault does, by fair time
	deciders []int         // of each cluster: which machine said last that it decides; -1: none yet
	rescue   rescue

	// By how much this process was late, and how much of it was counted.
	ownLate, countedLate atomic.Int64

	wrong        map[int][]string // what is wrong, by cluster
	wrongByClock map[int][]string // the same, where it may be only since the machines were too slow
}

const (
	// timeOfTrouble is how long outages and faults begin, and timeAfterwards how long faults last after it at
	// most.
	timeOfTrouble  = 30 * time.Second
	timeAfterwards = 12 * time.Second
	// settledTime is how long all goes well then, at least: what is told too late or too much is told by then.
	settledTime = 6 * time.Second
)

// newRealRound begins the servers and the machines.
func newRealRound(t *testing.T, network realNetwork, clusters []clusterFile, seed uint64) *realRound {
	r := &realRound{t: t, dir: t.TempDir(), network: network, random: rand.New(rand.NewPCG(seed, 0)), clusters: clusters}
	r.wrong, r.wrongByClock = map[int][]string{}, map[int][]string{}
	setup := bustest.Setup{Servers: serversOfRound, Clusters: len(clusters)}
	for _, node := range fiveNodes() {
		if node.Decide {
			setup.Deciding = append(setup.Deciding, string(node.ID))
		} else {
			setup.Following = append(setup.Following, string(node.ID))
		}
	}
	for i := range serversOfRound {
		setup.Hosts = append(setup.Hosts, network.host(len(fiveNodes())+i))
	}
	r.servers = bustest.Start(t, setup)
	network.begin(t, r.servers)
	var err error
	r.world, err = openWorld(filepath.Join(r.dir, "world"), len(clusters))
	must(t, err)
	t.Cleanup(func() { _ = r.world.file.Close() })
	r.makeStreams()
	r.fair = newFairTime()
	r.watchOwnLateness()
	for i := range fiveNodes() {
		r.machines = append(r.machines, r.describe(i))
	}
	for _, p := range r.machines {
		must(t, p.start())
	}
	t.Cleanup(r.endMachines)
	r.deciders = slices.Repeat([]int{-1}, len(clusters))
	return r
}

// makeStreams makes the journals of all clusters.
func (r *realRound) makeStreams() {
	var tasks sync.WaitGroup
	failures := make([]error, len(r.clusters))
	for i := range r.clusters {
		b := r.connect(i, fiveNodes()[0].ID)
		tasks.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			failures[i] = createStream(ctx, b.Stream())
			b.Close()
		})
	}
	tasks.Wait()
	for _, err := range failures {
		must(r.t, err)
	}
}

func (r *realRound) watchOwnLateness() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watchLateness(ctx, func(sum time.Duration) { r.ownLate.Store(int64(sum)) })
	}()
	r.t.Cleanup(func() {
		stop()
		<-ended
	})
}

// look lets fair time pass, reads what the machines report, and starts those again that ended by themselves.
func (r *realRound) look() {
	own := r.ownLate.Load()
	late := time.Duration(own - r.countedLate.Swap(own))
	for _, p := range r.machines {
		said := r.world.get(p.number, lateness)
		if uptime() > p.excused && p.process != nil && !r.isAtFault(p.number, stopped) {
			late = max(late, said-p.late)
		}
		p.late = said
		reports, err := p.reports.read()
		must(r.t, err)
		for _, one := range reports {
			one.Machine = p.number
			r.reports = append(r.reports, one)
			if one.Role == string(cluster.Deciding) {
				r.deciders[one.Cluster] = p.number
			}
		}
		if p.hasEnded() {
			r.t.Errorf("%s: %s ended: %v\n%s", r.show(uptime()), r.name(p.number), p.process.Err(), tail(p.log))
			must(r.t, p.start())
		}
	}
	r.fair.pass(late)
}

// isAtFault reports whether a machine has one of some faults, or any.
func (r *realRound) isAtFault(machine int, kinds ...string) bool {
	return slices.ContainsFunc(r.faults, func(f *realFault) bool {
		return f.victim == machine && !f.server && f.end == 0 && (len(kinds) == 0 || slices.Contains(kinds, f.kind))
	})
}

// await looks until something is the case, for some fair time at most. It returns false if it never was.
func (r *realRound) await(most time.Duration, is func() bool) bool {
	for until := r.fair.now() + most; ; <-time.After(20 * time.Millisecond) {
		switch r.look(); {
		case is():
			return true
		case r.fair.now() > until:
			return false
		}
	}
}

// play has the outages and the faults happen, and waits until all is well again.
func (r *realRound) play(troublemakers []*troublemaker, servers bool) {
	if !r.await(30*time.Second, func() bool { return !slices.Contains(r.deciders, -1) }) {
		r.t.Fatalf("somewhere nobody decides: %v", r.deciders)
	}
	began := r.fair.now()
	r.ends = began + timeOfTrouble + timeAfterwards
	r.outages = planOutages(r.random, len(r.clusters), timeOfTrouble, servers)
	for _, m := range troublemakers {
		m.rests(began, 0)
	}
	left := slices.Clone(r.outages)
	var on []*realOutage
	r.await(10*time.Minute, func() bool {
		now := r.fair.now()
		for len(left) > 0 && left[0].at <= now-began {
			left[0].duration += now // from now on it is when it ends
			r.setOutage(left[0], true)
			on, left = append(on, left[0]), left[1:]
		}
		on = slices.DeleteFunc(on, func(o *realOutage) bool {
			if o.duration <= now {
				r.setOutage(o, false)
			}
			return o.duration <= now
		})
		busy := false
		for _, m := range troublemakers {
			r.makeTrouble(m, now, now-began < timeOfTrouble)
			busy = busy || m.now != nil
		}
		return r.isRescued() && len(left) == 0 && len(on) == 0 && !busy
	})
	healed := r.fair.now()
	if why := ""; !r.await(time.Minute, func() bool { why = r.open(); return why == "" && r.fair.now()-healed > settledTime }) {
		r.t.Logf("after a minute %s", why)
	}
}

// setOutage has an outage begin or end.
func (r *realRound) setOutage(o *realOutage, failing bool) {
	if failing {
		o.begin, o.wall = uptime(), time.Now()
	}
	for machine := range fiveNodes() {
		if o.from < 0 || o.from == machine {
			must(r.t, r.world.setFailing(machine, o.cluster, o.check, failing))
		}
	}
	if !failing {
		o.end = uptime()
	}
}

// makeTrouble has a troublemaker end what is over, and begin what is next, if it still may.
func (r *realRound) makeTrouble(m *troublemaker, now time.Duration, may bool) {
	if f := m.now; f != nil && f.duration <= now {
		must(r.t, r.end(f))
		m.rests(now, 4*time.Second)
		m.over = m.once
	}
	if m.now != nil || m.over || !may || now < m.free || m.server && !r.serversAreHealthy() {
		return
	}
	f := m.next()
	if f.victim = r.random.IntN(serversOfRound); !m.server {
		f.victim = r.chooseVictim()
	}
	f.duration = min(now+f.duration, r.ends) // from now on it is when it ends
	m.now = f
	r.faults = append(r.faults, f)
	must(r.t, r.begin(f))
}

// chooseVictim returns a machine that is not at fault; in two of three cases that which decides for most
// clusters.
func (r *realRound) chooseVictim() int {
	count := make([]int, len(fiveNodes()))
	for _, machine := range r.deciders {
		count[machine]++
	}
	order := r.random.Perm(len(count))
	if r.random.IntN(3) > 0 {
		slices.SortStableFunc(order, func(a, b int) int { return count[b] - count[a] })
	}
	for _, machine := range order {
		if !r.isAtFault(machine) {
			return machine
		}
	}
	panic("all machines are at fault")
}

func (r *realRound) serversAreHealthy() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	for i := range serversOfRound {
		if r.servers.Healthy(ctx, i) != nil {
			return false
		}
	}
	return true
}

// open says what is not over yet of what was told; empty: all is.
func (r *realRound) open() string {
	closed := map[string]bool{}
	for _, one := range r.reports {
		if one.Kind == "told" && one.What == string(notifiers.Closed) {
			closed[one.Incident] = true
		}
	}
	for _, one := range r.reports {
		if (one.Kind == "opened" || one.Kind == "told") && !closed[one.Incident] {
			return fmt.Sprintf("nobody was told that the incident %s of %s of cluster %d is over, which %s has", one.Incident, one.Check, one.Cluster, r.name(one.Machine))
		}
	}
	return ""
}

// endMachines has all machines end in good order, and waits for them.
func (r *realRound) endMachines() {
	for _, p := range r.machines {
		if p.process != nil { // all at once
			_ = syscall.Kill(p.process.PID, syscall.SIGTERM)
		}
	}
	for _, p := range r.machines {
		if p.process == nil {
			continue
		}
		select {
		case <-p.process.Exited():
		case <-time.After(time.Minute):
			r.t.Errorf("%s does not end", r.name(p.number))
			_ = p.process.Kill()
		}
		if err := p.process.Err(); err != nil {
			r.t.Errorf("%s: %v\n%s", r.name(p.number), err, tail(p.log))
		}
		p.process = nil
	}
}

func (r *realRound) name(machine int) string { return string(fiveNodes()[machine].ID) }

// show shows an uptime, in seconds of fair time since the beginning.
func (r *realRound) show(up time.Duration) string {
	return fmt.Sprintf("%.2f", r.fair.at(up).Seconds())
}

// tail returns the end of a file.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
