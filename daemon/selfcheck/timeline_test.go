package selfcheck_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
)

// Every file under testdata/timelines is one timeline: what there is, then what
// happens to it, with what the monitor makes of it indented below. A line that
// begins with "." is a decision about an incident, "opened" being what people
// hear of; one with "?" is a check that was judged differently than before; one
// with "!" is what is told to the daemon's own roles.
//
//	server NAME ADDRESS...      a server, and a check of it every minute
//	target ADDRESS              something that self_check names; answers on port 53
//	self_check HOST:PORT ...    the daemon block's
//	fault_tolerance 3m          of all checks; recovery_tolerance and interval likewise
//	stagger 7s                  how far apart the checks are within the interval
//	clock -1h                   the clock is wrong when the daemon starts
//	journal -1m                 when its newest record was written, by a clock that was right
//	start                       the daemon starts; from here on lines begin with a time
//	10m mx1 is dead             likewise well, refusing, dumb
//	10m mx1 nameless, named     its zone does not answer, or does
//	10m mx1 gone                there is no such name
//	10m uplink, ipv4, ipv6, resolver, everything breaks / works
//	10m mx1 certificate 20m     expires so much later, by a clock that is right
//	10m mx1 issued 20m          is valid from then on
//	10m 192.0.2.1 vanishes      that address alone
//	10m clock +1h               somebody sets it
//	10m suspend 8h
//	10m restart
//	10m asked                   whom the self-check asked since the last time
//	10m wait
func TestTimelines(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/timelines/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no timelines", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var is string
			synctest.Test(t, func(t *testing.T) { is = play(t, string(was)) })
			golden.Compare(t, file, is)
		})
	}
}

type timeline struct {
	t       *testing.T
	network *fakeNetwork
	self    *selfcheck.Self
	servers []string
	targets []string
	policy  config.Policy
	every   time.Duration
	stagger time.Duration
	journal time.Duration

	start time.Time
	stop  func()
	out   strings.Builder

	mu     sync.Mutex
	states map[config.CheckID]incident.State
	health map[config.CheckID]string
	happen []string
}

func checkID(name string) config.CheckID { return config.CheckID(name) }

func play(t *testing.T, text string) string {
	n := &timeline{
		t: t, network: newFakeNetwork(), every: time.Minute, stagger: 7 * time.Second, stop: func() {},
		policy: config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: time.Hour},
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			continue // what came of it the last time
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case n.start.IsZero():
			n.declare(words)
		default:
			n.event(words)
		}
		n.out.WriteString(line)
	}
	n.flush()
	n.stop()
	return n.out.String()
}

func (n *timeline) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *timeline) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	n.must(err)
	return d
}

func (n *timeline) declare(words []string) {
	setting := map[string]*time.Duration{
		"fault_tolerance": &n.policy.FaultTolerance, "recovery_tolerance": &n.policy.RecoveryTolerance,
		"interval": &n.every, "stagger": &n.stagger, "journal": &n.journal, "clock": &n.network.wall,
	}[words[0]]
	switch {
	case setting != nil:
		*setting = n.duration(words[1])
	case words[0] == "server" || words[0] == "target":
		h := &host{state: "well", issued: dawn.Add(-30 * 24 * time.Hour), expires: dawn.Add(60 * 24 * time.Hour)}
		addresses := words[1:]
		if words[0] == "server" {
			addresses = words[2:]
			n.servers = append(n.servers, words[1])
		}
		for _, text := range addresses {
			ip, err := netip.ParseAddr(text)
			n.must(err)
			h.ips = append(h.ips, ip)
		}
		n.network.hosts[words[1]] = h
	case words[0] == "self_check":
		n.targets = words[1:]
	case words[0] == "start":
		n.start = time.Now()
		n.run()
	default:
		n.t.Fatalf("what is %q?", words)
	}
}

// run starts the daemon: a goroutine a check, one for the monitor itself.
func (n *timeline) run() {
	n.states = map[config.CheckID]incident.State{}
	n.health = map[config.CheckID]string{}
	o := selfcheck.Options{Dial: n.network.Dial, Resolver: n.network, Clock: n.network.clock()}
	if n.journal != 0 {
		o.Newest = time.Now().Add(n.journal)
	}
	n.self = selfcheck.New(o)
	n.self.Use(n.targets)
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { n.must(n.self.Run(ctx, n.report)) })
	for i, name := range n.servers {
		tasks.Go(func() { n.loop(ctx, name, i) })
	}
	n.stop = func() { cancel(); tasks.Wait() }
}

// loop probes a server as daemon/probe's Loop does. No two servers are probed at
// the very same moment, so the order in which things happen is certain.
func (n *timeline) loop(ctx context.Context, name string, i int) {
	phase, retry := time.Second+time.Duration(i)*(n.stagger+3*time.Millisecond), 15*time.Second+time.Duration(i)*7*time.Millisecond
	guarded := n.self.Guard(n.observe)
	began := time.Now()
	pause := phase
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pace := guarded(ctx, plainCheck, n.network.probe(name, name))
		if ctx.Err() != nil {
			return
		}
		now := time.Now()
		pause = n.every - (now.Sub(began)-phase)%n.every
		if pace.Confirming {
			pause = min(pause, retry)
		}
		if !pace.At.IsZero() {
			pause = min(pause, max(pace.At.Sub(now), time.Second))
		}
	}
}

// observe stands for the tracker.
func (n *timeline) observe(_ context.Context, r incident.Result) incident.Pace {
	n.mu.Lock()
	defer n.mu.Unlock()
	state := n.states[r.Check]
	n.judged(r)
	streaks, events := incident.Observe(n.policy, state, r)
	state = state.WithCounts(streaks)
	for _, e := range events {
		state = incident.Apply(state, e)
		n.say(". %s %s %s%s", e.Check, e.Condition, e.Kind, about(e.Finding))
	}
	n.states[r.Check] = state
	return incident.PaceOf(n.policy, state, r.Ended)
}

// report is what the monitor says of itself.
func (n *timeline) report(_ context.Context, f *incident.Finding) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f == nil {
		n.say("! this machine is well")
		return
	}
	n.say("! this machine: %s", f.Hint)
}

// judged says how a check is judged now, when that is news.
func (n *timeline) judged(r incident.Result) {
	text := string(r.Health())
	if f, bad := r.Worst(); bad {
		text += about(&f)
	}
	if before := n.health[r.Check]; before != text {
		n.health[r.Check] = text
		n.say("? %s %s", r.Check, text)
	}
}

func about(f *incident.Finding) string {
	if f == nil {
		return ""
	}
	text := fmt.Sprintf(" %s/%s", f.Phase, f.Cause)
	if strings.Contains(f.Hint, "machine itself may be the cause") || strings.Contains(f.Hint, "of this machine may be wrong.") {
		text += " (not ruled out)"
	}
	return text
}

func (n *timeline) say(format string, words ...any) {
	at := time.Since(n.start).Truncate(100 * time.Millisecond)
	n.happen = append(n.happen, fmt.Sprintf("    %-8s %s\n", at, fmt.Sprintf(format, words...)))
}

func (n *timeline) flush() {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, line := range n.happen {
		n.out.WriteString(line)
	}
	n.happen = nil
}

func (n *timeline) event(words []string) {
	time.Sleep(time.Until(n.start.Add(n.duration(words[0]))))
	n.flush()
	verb := words[len(words)-1]
	switch words[1] {
	case "wait":
	case "restart":
		n.stop()
		n.run()
	case "asked":
		n.mu.Lock()
		for _, address := range n.network.wereAsked() {
			n.happen = append(n.happen, "    asked "+address+"\n")
		}
		n.mu.Unlock()
	case "clock", "suspend":
		d := n.duration(words[2])
		n.network.mu.Lock()
		if words[1] == "clock" {
			n.network.wall += d
		} else {
			n.network.slept += d
		}
		n.network.mu.Unlock()
	default:
		n.breaks(words[1], words[2], verb)
	}
}

func (n *timeline) breaks(what, verb, last string) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	works := verb == "works"
	switch {
	case what == "ipv4" || what == "ipv6":
		w.uplink["ip"+what[3:]] = works
	case what == "uplink":
		w.uplink["ip4"], w.uplink["ip6"] = works, works
	case what == "resolver":
		w.resolver = works
	case verb == "vanishes":
		w.dark = append(w.dark, netip.MustParseAddr(what))
	case w.hosts[what] == nil:
		n.t.Fatalf("there is no %q", what)
	case verb == "nameless" || verb == "named":
		w.hosts[what].nameless = verb == "nameless"
	case verb == "is":
		w.hosts[what].state = last
	case verb == "gone":
		w.hosts[what].gone = true
	case verb == "certificate":
		w.hosts[what].expires = time.Now().Add(n.duration(last))
	case verb == "issued":
		w.hosts[what].issued = time.Now().Add(n.duration(last))
	default:
		n.t.Fatalf("what is %q?", verb)
	}
}
