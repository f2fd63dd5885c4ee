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

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	osprocess "github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

var (
	realRounds = flag.Int("real-rounds", 50, "how many rounds of TestRealFaults are played")
	realSeed   = flag.Uint64("real-seed", 0, "what decides the faults of TestRealFaults; 0: each time something else")
	together   = flag.Int("together", 25, "how many rounds of TestRealFaults are played at once")
	only       = flag.String("only", "", fmt.Sprintf("%q, %q or %q: TestRealFaults has these rounds only", ofMachines, ofServers, ofDisks))
	inside     = flag.Bool("inside", false, "this process is in namespaces of its own, for TestRealFaults")
)

// fewestTogether is how many rounds are played at once where the machines are too slow for more. These are
// judged however slow the machines are.
const fewestTogether = 6

// What befalls a cluster in a round.
const (
	ofMachines = "faults of machines"
	ofServers  = "faults of machines and servers"
	ofDisks    = "disks of all servers lost"
)

// Five machines, each a process of its own, and three real servers of the bus, with faults of all of them: each
// outage is told once, with its end, and whoever decides does not matter. The machines are apart as real ones
// are: in namespaces with a network between them. Who may not make namespaces has proxies between them.
//
// Half of the rounds are of deciders that never step down: nothing but the journal protects them. In half of the
// rounds servers fall. In some more the disks of all servers are lost, and a person makes the journals again.
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
		fmt.Sprint("-together=", *together), "-only="+*only)
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
	bustest.Program(t) // there is no network inside from which its source could come
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
	all := []*figures{{name: ofMachines}, {name: ofServers}, {name: ofDisks}}
	passes := 0
	atOnce := *together
	// play plays some of the rounds that are left, and returns how many are left then.
	play := func(left int, f *figures) int {
		pass, rounds, clear := seed+uint64(passes), min(left, atOnce), true
		passes++
		t.Run(fmt.Sprint(pass), func(t *testing.T) { clear = playPass(t, network, pass, rounds, f) })
		if !clear {
			atOnce = max(fewestTogether, atOnce/2)
			return left
		}
		return left - rounds
	}
	for left := *realRounds; left > 0 && *only != ofDisks; {
		f := all[passes%2]
		switch *only {
		case ofMachines:
			f = all[0]
		case ofServers:
			f = all[1]
		}
		left = play(left, f)
	}
	disks := *realRounds / 10
	if *only == ofDisks {
		disks = *realRounds
	}
	for left := disks; left > 0 && (*only == "" || *only == ofDisks); {
		left = play(left, all[2])
	}
	t.Log("\n" + table(all))
	for _, f := range all {
		if f.doubled > f.takeOvers {
			t.Errorf("%s: %d messages doubled by %d take-overs", f.name, f.doubled, f.takeOvers)
		}
	}
}

// playPass plays rounds at once. It returns false if they have to be played again, fewer at once, since the machines
// were so slow that it is not clear whether the nodes did wrong.
func playPass(t *testing.T, network realNetwork, seed uint64, n int, f *figures) (clear bool) {
	var clusters []clusterFile
	for i := range n {
		c := clusterFile{NeverStepDown: i%2 == 1, AloneAfter: time.Minute}
		if i%4 < 2 {
			c.AloneAfter = 12 * time.Second
		}
		clusters = append(clusters, c)
	}
	r := newRealRound(t, network, clusters, seed)
	machines, servers := network.kinds()
	troublemakers := []*troublemaker{{random: r.random, kinds: machines}, {random: r.random, kinds: machines}}
	switch f.name {
	case ofServers:
		troublemakers[1] = &troublemaker{random: r.random, kinds: servers, server: true}
	case ofDisks:
		troublemakers = []*troublemaker{{random: r.random, kinds: []string{allWiped}, server: true, once: true}}
	}
	r.play(troublemakers, f.name != ofMachines)
	r.endMachines()
	r.look()
	before := *f
	r.judge(f)
	r.compareCopies()
	t.Log("faults: " + r.list(r.faults))
	clear = len(r.wrongByClock) == 0 || n <= fewestTogether || !r.fair.tooSlow()
	if clear {
		for c, list := range r.wrongByClock {
			r.wrong[c] = append(r.wrong[c], list...)
		}
	} else {
		f.falseOpenings, f.gap = before.falseOpenings, before.gap
		t.Logf("machines were late for %s, so %d rounds are played again, fewer at once; these were wrong: %v",
			r.fair.late(), n, r.wrongByClock)
	}
	for c, list := range r.wrong {
		t.Errorf("cluster %d, never steps down: %v, alone after %s:\n%s\n%s\nthe journal:\n%s", c, clusters[c].NeverStepDown, clusters[c].AloneAfter, strings.Join(list, "\n"),
			r.transcript(c), r.listStream(c))
	}
	return clear
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
