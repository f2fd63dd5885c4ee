//go:build !quick

package cluster_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	osprocess "github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

var (
	realRounds  = flag.Int("real-rounds", 50, "how many rounds of TestRealFaults are played")
	realSeed    = flag.Uint64("real-seed", 0, "what decides the faults of TestRealFaults; 0: each time something else")
	together    = flag.Int("together", 25, "how many rounds of TestRealFaults are played at once")
	onlyServers = flag.Bool("only-servers", false, "in all rounds of TestRealFaults servers fall")
	inside      = flag.Bool("inside", false, "this process is in namespaces of its own, for TestRealFaults")
)

// Five machines, each a process of its own, and three real servers of the bus, with faults of all of them: each
// outage is told once, with its end, and whoever decides does not matter. The machines are apart as real ones
// are: in namespaces with a network between them. Who may not make namespaces has proxies between them.
//
// Half of the rounds are of deciders that never step down: nothing but the journal protects them. In half of the
// rounds servers fall.
func TestRealFaults(t *testing.T) {
	t.Parallel()
	if *inside {
		playReal(t, newNamespaces(t))
		return
	}
	if err := run("unshare", "--net", "--mount", "true"); err != nil {
		t.Logf("this process may not make namespaces: nodes reach the servers through proxies, and no disk is full: %v", err)
		playReal(t, &proxies{dir: t.TempDir()})
		return
	}
	playInside(t)
}

// playInside plays the rounds in a process in namespaces of its own.
func playInside(t *testing.T) {
	out, err := runInside(t, "-test.run=^TestRealFaults$", "-test.v", fmt.Sprint("-real-rounds=", *realRounds), fmt.Sprint("-real-seed=", *realSeed),
		fmt.Sprint("-together=", *together), fmt.Sprint("-only-servers=", *onlyServers))
	t.Log("\n" + out)
	if err != nil {
		t.Error(err)
	}
}

// runInside runs tests of this program in namespaces of their own, and returns what they say.
func runInside(t testing.TB, args ...string) (out string, err error) {
	for _, needed := range [][2]string{{"ip", "iproute2"}, {"nft", "nftables"}, {"nsenter", "util-linux"}} {
		if _, err := exec.LookPath(needed[0]); err != nil {
			t.Fatalf("%v: install the package %s", err, needed[1])
		}
	}
	self, err := os.Executable()
	must(t, err)
	log := filepath.Join(t.TempDir(), "log")
	p, err := osprocess.Launch(log, append([]string{"unshare", "--net", "--mount", self, "-inside", "-test.timeout=0"}, args...)...)
	must(t, err)
	<-p.Exited()
	return osprocess.ReadLog(log), p.Err()
}

// playReal plays so many rounds as are wanted, several at once.
func playReal(t *testing.T, network realNetwork) {
	seed := *realSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	all := []*figures{{name: "faults of machines"}, {name: "faults of machines and servers"}}
	for i, left := 0, *realRounds; left > 0; i++ {
		n := min(left, *together)
		left -= n
		servers := i%2 == 1 || *onlyServers
		t.Run(fmt.Sprint(seed+uint64(i)), func(t *testing.T) {
			playPass(t, network, seed+uint64(i), n, servers, all[map[bool]int{true: 1}[servers]])
		})
	}
	t.Log("\n" + table(all))
	for _, f := range all {
		if f.doubled > f.takeOvers {
			t.Errorf("%s: %d messages doubled by %d take-overs", f.name, f.doubled, f.takeOvers)
		}
	}
}

// playPass plays rounds at once.
func playPass(t *testing.T, network realNetwork, seed uint64, n int, servers bool, f *figures) {
	var clusters []clusterFile
	for i := range n {
		c := clusterFile{NeverStepDown: i%2 == 1, AloneAfter: time.Minute}
		if i%4 < 2 {
			c.AloneAfter = 12 * time.Second
		}
		clusters = append(clusters, c)
	}
	r := newRealRound(t, network, clusters, seed)
	ofMachines, ofServers := network.kinds()
	troublemakers := []*troublemaker{{random: r.random, kinds: ofMachines}, {random: r.random, kinds: ofMachines}}
	if servers {
		troublemakers[1] = &troublemaker{random: r.random, kinds: ofServers, server: true}
	}
	r.play(troublemakers, servers)
	r.endMachines()
	r.look()
	r.judge(f)
	r.compareCopies()
	t.Log("faults: " + r.list(r.faults))
	for c, list := range r.wrong {
		t.Errorf("cluster %d, never steps down: %v, alone after %s:\n%s\n%s", c, clusters[c].NeverStepDown, clusters[c].AloneAfter, strings.Join(list, "\n"), r.transcript(c))
	}
}

// list says what befell whom, and when.
func (r *realRound) list(faults []*realFault) string {
	var list []string
	for _, f := range faults {
		list = append(list, fmt.Sprintf("%s %s %s to %s", r.victim(f), f.kind, r.show(f.begin), r.show(f.end)))
	}
	return strings.Join(list, ", ")
}

func (r *realRound) victim(f *realFault) string {
	if f.server {
		return fmt.Sprint("server", f.victim+1)
	}
	return r.name(f.victim)
}

// transcript says what happened in a cluster.
func (r *realRound) transcript(c int) string {
	var lines []string
	note := func(at time.Duration, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%9s ", r.show(at))+fmt.Sprintf(format, args...))
	}
	for _, f := range r.faults {
		note(f.begin, "# %s: %s until %s", r.victim(f), f.kind, r.show(f.end))
	}
	for _, o := range r.outages {
		if o.cluster == c {
			from := "everywhere"
			if o.from >= 0 {
				from = r.name(o.from)
			}
			note(o.begin, "! %s is down from %s until %s", checkOf(o.check), from, r.show(o.end))
		}
	}
	for _, one := range r.reports {
		if one.Cluster == c {
			note(one.At, "%s %s %s %d %s %s %s %s %v %s", r.name(one.Machine), one.Kind, one.Role, one.Term, one.Check, one.Condition, one.What, one.Incident, one.Own, one.From)
		}
	}
	for _, p := range r.machines {
		r.readLog(p, c, func(at time.Duration, text string) { note(at, "%s: %s", r.name(p.number), text) })
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// readLog calls each with what a machine has logged about a cluster.
func (r *realRound) readLog(p *realProcess, c int, each func(at time.Duration, text string)) {
	for line := range strings.Lines(osprocess.ReadLog(p.log)) {
		seconds, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		at, err := strconv.ParseFloat(seconds, 64)
		if err == nil && strings.Contains(text, fmt.Sprintf("%q: %q", "cluster", p.file.Clusters[c].Name)) {
			each(time.Duration(at*float64(time.Second)), text)
		}
	}
}
