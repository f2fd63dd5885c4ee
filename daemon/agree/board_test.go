package agree_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A table is a board with three nodes and one check, and how the nodes speak to it.
type table struct {
	t       *testing.T
	board   *agree.Board
	check   *config.Check
	now     time.Time
	packers map[string]*agree.Packer
}

func newTable(t *testing.T, edit ...func(*config.Check)) *table {
	t.Helper()
	b := &table{
		t: t, board: agree.NewBoard(began), now: began, packers: map[string]*agree.Packer{},
		check: &config.Check{
			ID: "mx1/imaps", Enabled: true, Quorum: config.Quorum{Nodes: 3, Agree: 2},
			Probe: config.Probe{Hostname: "mx1.example.org", Interval: time.Minute, Timeout: 30 * time.Second, RetryInterval: 15 * time.Second},
		},
	}
	for _, e := range edit {
		e(b.check)
	}
	b.board.SetNodes(three())
	b.board.Configure(&config.Config{Checks: map[config.CheckID]*config.Check{b.check.ID: b.check}})
	return b
}

func three() []agree.Member {
	return []agree.Member{{Node: "fra1", Location: "frankfurt"}, {Node: "lon1", Location: "london"}, {Node: "nyc1", Location: "new-york"}}
}

// look has a node probe, and returns its packets, 5 s later.
func (b *table) look(node string, kind ...string) [][]byte {
	b.now = b.now.Add(5 * time.Second)
	return b.see(node, result(kind, b.now))
}

func (b *table) see(node string, r incident.Result) [][]byte {
	if b.packers[node] == nil {
		b.packers[node] = agree.NewPacker(node, b.now)
	}
	b.now = b.now.Add(time.Second)
	b.packers[node].Add(r, agree.Settings(b.check), b.now)
	return b.packers[node].Flush(b.now)
}

// arrive has packets arrive, and returns what is decided.
func (b *table) arrive(node string, packets [][]byte) (last incident.Result, wake []agree.Wanted) {
	b.t.Helper()
	for _, packet := range packets {
		if err := b.board.Take(node, packet, b.now); err != nil {
			b.t.Fatal(err)
		}
	}
	results, wake := b.board.Decide(b.now)
	if len(results) > 0 {
		last = results[len(results)-1]
	}
	return last, wake
}

// allWell has all nodes see it well twice.
func (b *table) allWell() {
	for range 2 {
		for _, m := range three() {
			b.arrive(m.Node, b.look(m.Node, "ok"))
		}
	}
}

// What nodes see becomes, over packets, what a single machine would have seen.
func TestBoard(t *testing.T) {
	b := newTable(t)
	b.allWell()
	if r, _ := b.arrive("nyc1", b.look("nyc1", "ok")); r.Health() != incident.OK || len(r.Sightings) != 3 || r.Check != b.check.ID {
		t.Errorf("all is well: %+v", r)
	}
	r, wake := b.arrive("fra1", b.look("fra1", "connect", "timeout"))
	if want := []agree.Wanted{{Check: b.check.ID, Nodes: []string{"lon1", "nyc1"}}}; r.Health() != incident.OK || !reflect.DeepEqual(wake, want) {
		t.Errorf("one fails: %+v, %+v", r.Findings, wake)
	}
	if r, _ := b.arrive("lon1", b.look("lon1", "connect", "timeout")); r.Health() != incident.Down || r.Findings[0].From != "2 of 3 nodes: frankfurt, london; well from new-york" {
		t.Errorf("two fail: %+v", r.Findings)
	}
}

// Where a full sight is lost, the next brief one is enough to decide; what is lacking is asked for.
func TestFullSightIsLost(t *testing.T) {
	b := newTable(t)
	withNote := func() incident.Result {
		r := result([]string{"ok"}, b.now)
		r.Addresses = []incident.Address{{Health: incident.OK, Capabilities: []string{"IMAP4rev1"}}}
		return r
	}
	b.see("fra1", withNote()) // lost
	for _, node := range []string{"lon1", "nyc1"} {
		b.arrive(node, b.see(node, withNote()))
	}
	b.now = b.now.Add(10 * time.Second)
	brief := b.see("fra1", withNote())
	if len(brief) != 1 || len(brief[0]) > 60 {
		t.Fatalf("%d packets, the first of %d bytes", len(brief), len(brief[0]))
	}
	r, _ := b.arrive("fra1", brief)
	if r.Sightings[0].Health != incident.OK || len(r.Addresses) != 2 {
		t.Errorf("fra1 sees %+v, and there are %d addresses", r.Sightings[0], len(r.Addresses))
	}
	if s := b.board.Sweep(b.now); !slices.Equal(s.Ask, []string{"fra1"}) {
		t.Errorf("asked are %q", s.Ask)
	}
	if s := b.board.Sweep(b.now.Add(2 * time.Second)); len(s.Ask) > 0 {
		t.Errorf("2 seconds later asked are %q", s.Ask)
	}
	b.arrive("fra1", b.packers["fra1"].All(b.now))
	r, _ = b.arrive("lon1", b.see("lon1", withNote()))
	if len(r.Addresses) != 3 || r.Addresses[0].Node != "fra1" {
		t.Errorf("after it was asked there are the addresses %+v", r.Addresses)
	}
}

// A brief sight says how long the longest conversation took.
func TestLatencyOfEachLocation(t *testing.T) {
	b := newTable(t)
	for round := range 2 {
		for i, m := range three() {
			r := result([]string{"ok"}, b.now)
			r.Addresses = []incident.Address{{Health: incident.OK}}
			r.Addresses[0].Timings[config.WholeConversation] = time.Duration(100*(i+1)+round) * time.Millisecond
			b.now = b.now.Add(10 * time.Second)
			b.arrive(m.Node, b.see(m.Node, r))
		}
	}
	r, _ := b.arrive("fra1", b.look("fra1", "ok"))
	for i, want := range []time.Duration{0, 201 * time.Millisecond, 301 * time.Millisecond} {
		if got := r.Sightings[i].Took; got != want {
			t.Errorf("%s took %s, want %s", r.Sightings[i].Node, got, want)
		}
	}
	if got := r.Addresses[0].Timings[config.WholeConversation]; got != 201*time.Millisecond {
		t.Errorf("lon1's conversation took %s", got)
	}
}

// A node that was started anew counts its time anew: what it says then is newer than what it said before.
func TestNodeIsStartedAnew(t *testing.T) {
	b := newTable(t)
	b.allWell()
	b.packers["fra1"] = agree.NewPacker("fra1", b.now)
	if r, _ := b.arrive("fra1", b.look("fra1", "connect", "timeout")); r.Sightings[0].Health != incident.Down {
		t.Errorf("fra1 sees %+v", r.Sightings[0])
	}
	// The settings, too, are of then.
	old := b.look("lon1", "connect", "timeout")
	b.packers["lon1"] = nil
	if r, _ := b.arrive("lon1", b.look("lon1", "ok")); r.Sightings[1].Health != incident.OK {
		t.Errorf("lon1 sees %+v", r.Sightings[1])
	}
	_ = old
}

// Each node is woken at most once in retry_interval for a check, and again when it still has not looked.
func TestNodesAreWokenSeldom(t *testing.T) {
	b := newTable(t)
	b.allWell()
	woken := 0
	for range 20 { // once a second
		b.now = b.now.Add(-5 * time.Second)
		_, wake := b.arrive("fra1", b.look("fra1", "connect", "timeout"))
		b.board.Sweep(b.now)
		_, more := b.board.Decide(b.now)
		for _, w := range append(wake, more...) {
			woken += len(w.Nodes)
		}
	}
	if woken != 4 {
		t.Errorf("lon1 and nyc1 are woken %d times in 20 s, want 4: retry_interval is %s", woken, b.check.Probe.RetryInterval)
	}
}

// Of the nodes of a check the first one logs in. What another says of the account does not count.
func TestAccountIsOfTheFirstNode(t *testing.T) {
	b := newTable(t, func(c *config.Check) { c.Probe.Login.Username = "vigil" })
	first := agree.Share(b.check.ID, three(), 3)[0].Node
	for _, m := range three() {
		r := result([]string{"ok"}, b.now)
		r.Observed |= config.ConditionSet(config.ConditionAccount)
		if m.Node == first {
			r.Findings = []incident.Finding{{Condition: config.ConditionAccount, Health: incident.Degraded, Cause: config.CauseCredentialsRejected}}
		}
		b.now = b.now.Add(5 * time.Second)
		got, _ := b.arrive(m.Node, b.see(m.Node, r))
		_, fails := findingOf(got, config.ConditionAccount)
		if got.Check != "" && m.Node != first && got.Observed.Has(config.ConditionAccount) && !fails {
			t.Errorf("by %s the account is well", m.Node)
		}
	}
	r, _ := b.arrive(first, b.look(first, "ok")) // a probe without a login
	if r.Observed.Has(config.ConditionAccount) {
		t.Errorf("without a login the account is observed: %+v", r.Findings)
	}
}

// When the share of a check moves, the node that had it speaks for the new one until that has looked.
func TestShareMoves(t *testing.T) {
	b := newTable(t, func(c *config.Check) { c.Quorum = config.Quorum{Nodes: 1, Agree: 1} })
	order := agree.Share(b.check.ID, three(), 3)
	b.board.SetNodes(order[1:]) // the first is not there yet
	r, _ := b.arrive(order[1].Node, b.look(order[1].Node, "ok"))
	if r.Sightings[0].Node != order[1].Node {
		t.Fatalf("probed by %+v", r.Sightings)
	}
	b.board.SetNodes(order)
	if s := b.board.Sweep(b.now); s.Unreported != 0 {
		t.Errorf("nobody reports: %+v", s)
	}
	r, _ = b.arrive(order[1].Node, b.look(order[1].Node, "connect", "refused"))
	if r.Health() != incident.Down {
		t.Errorf("what the one before sees while the new one has not looked: %+v", r)
	}
	r, _ = b.arrive(order[0].Node, b.look(order[0].Node, "ok"))
	if len(r.Sightings) != 1 || r.Sightings[0].Node != order[0].Node || r.Health() != incident.OK {
		t.Errorf("when the new one has looked: %+v", r)
	}
	b.now = b.now.Add(b.check.Probe.Interval*2 + b.check.Probe.Timeout + time.Second)
	if s := b.board.Sweep(b.now); s.Unreported != 1 || !slices.Equal(s.Examples, []config.CheckID{b.check.ID}) {
		t.Errorf("everything is old: %+v", s)
	}
	if results, _ := b.board.Decide(b.now); len(results) != 1 || results[0].Observed != 0 || results[0].Health() != incident.Unknown {
		t.Errorf("nothing is known: %+v", results)
	}
}

// Who decides waits for what each node saw before it says anything, but not for long.
func TestNewDeciderWaits(t *testing.T) {
	b := newTable(t)
	if r, _ := b.arrive("fra1", b.look("fra1", "connect", "timeout")); r.Check != "" {
		t.Errorf("after %s with one of three nodes it says %+v", b.now.Sub(began), r.Findings)
	}
	b.now = began.Add(11 * time.Second)
	if r, _ := b.arrive("fra1", nil); r.Health() != incident.Down || r.Findings[0].From != "frankfurt; only fra1 reports; lon1 and nyc1 are silent" {
		t.Errorf("after 11 s it says %+v", r.Findings)
	}
}

// The cause of the incident stays as long as a node gives it, also for a new decider.
func TestCauseStays(t *testing.T) {
	b := newTable(t)
	b.board.Recall(map[config.CheckID]config.Cause{b.check.ID: config.CauseReset})
	for _, node := range []string{"fra1", "lon1"} {
		if err := b.board.Take(node, b.look(node, "connect", "refused")[0], b.now); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := b.arrive("nyc1", b.look("nyc1", "tls", "reset"))
	if got := r.Findings[0].Cause; got != config.CauseReset {
		t.Errorf("the cause is %s", got)
	}
	if r, _ = b.arrive("nyc1", b.look("nyc1", "connect", "refused")); r.Findings[0].Cause != config.CauseRefused {
		t.Errorf("nobody gives it any more, and the cause is %s", r.Findings[0].Cause)
	}
}

// A node speaks for itself only, and whatever it says is sanitised.
func TestStrangersAndLiars(t *testing.T) {
	b := newTable(t)
	if err := b.board.Take("mal1", nil, b.now); err == nil {
		t.Error("a node is heard that is not in the files")
	}
	if err := b.board.Take("fra1", make([]byte, agree.MaxPacket+1), b.now); err == nil {
		t.Error("a packet is taken that is too large")
	}
	for _, packet := range [][]byte{nil, {1}, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte(strings.Repeat("\xff", 100))} {
		if err := b.board.Take("fra1", packet, b.now); err == nil {
			t.Errorf("%x is taken", packet)
		}
	}
	r := result([]string{"tls", "timeout"}, b.now)
	r.Findings[0].Hint, r.Findings[0].Address = "\x1b[31mred", "\u202e1.2.0.192"
	r.Addresses = []incident.Address{{Node: "lon1", Hint: "a\nb", Evidence: opaque.Sanitise("\x07")}}
	b.arrive("fra1", b.see("fra1", r))
	b.now = b.now.Add(time.Minute)
	results, _ := b.board.Decide(b.now)
	if text := fmt.Sprintf("%+v", results); strings.ContainsAny(text, "\x1b\x07\n\u202e") || results[0].Addresses[0].Node != "fra1" {
		t.Errorf("%q", text)
	}
}

// Good sights of a node travel together, a failing one at once; every few hours a good one travels in full.
func TestPacker(t *testing.T) {
	p := agree.NewPacker("fra1", began)
	now := began
	add := func(check string, kind ...string) (urgent bool) {
		r := result(kind, now)
		r.Check = config.CheckID(check)
		return p.Add(r, 1, now)
	}
	if add("a", "ok") || add("b", "ok") || !add("c", "connect", "timeout") || add("d", "unknown") {
		t.Error("urgent is what fails, and only that")
	}
	if packets := p.Flush(now); len(packets) != 1 || len(p.Flush(now)) != 0 {
		t.Errorf("%d packets", len(packets))
	}
	now = now.Add(time.Minute)
	if add("a", "ok") || !add("c", "ok") {
		t.Error("urgent is the first that does not fail")
	}
	p.Flush(now)
	full := 0
	for range 24 * 60 {
		now = now.Add(time.Minute)
		add("a", "ok")
		if len(p.Flush(now)[0]) > 60 {
			full++
		}
	}
	if full < 4 || full > 8 {
		t.Errorf("in a day %d full sights", full)
	}
	p.Keep(func(id config.CheckID) bool { return id == "a" })
	if all := p.All(now); len(all) != 1 || strings.Contains(string(all[0]), "b") {
		t.Errorf("%d packets of what is kept", len(all))
	}
	p.Forget()
	if all := p.All(now); len(all) != 0 {
		t.Errorf("%d packets of nothing", len(all))
	}
}

// No packet is too large, whatever it has to say, and of many checks the failing ones come first.
func TestManySights(t *testing.T) {
	p := agree.NewPacker("fra1", began)
	for i := range 8000 {
		kind := []string{"ok"}
		if i == 7999 {
			kind = []string{"connect", "timeout"}
		}
		r := result(kind, began)
		r.Check = config.CheckID(fmt.Sprintf("mx%d/imaps", i))
		r.Addresses = []incident.Address{{Health: incident.OK, Capabilities: strings.Fields(strings.Repeat("X-CAPABILITY ", 20))}}
		p.Add(r, 1, began)
	}
	huge := result([]string{"tls", "timeout"}, began)
	huge.Check = "huge"
	for range 60 {
		huge.Findings = append(huge.Findings, incident.Finding{Condition: config.ConditionService, Health: incident.Down, Hint: strings.Repeat("x", 3000)})
		huge.Addresses = append(huge.Addresses, incident.Address{Hint: strings.Repeat("x", 3000)})
	}
	p.Add(huge, 1, began)
	p.Flush(began)
	total := 0
	packets := p.All(began.Add(time.Second))
	for i, packet := range packets {
		total += len(packet)
		if len(packet) > agree.MaxPacket {
			t.Errorf("packet %d has %d bytes", i, len(packet))
		}
	}
	if total > 2<<20 || !strings.Contains(string(packets[0])+string(packets[1]), "mx7999/imaps") {
		t.Errorf("%d packets with %d bytes, and what fails is not first", len(packets), total)
	}
}

// In whatever order packets arrive, the end is the same.
func TestOrderOfPacketsMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newTable(t)
		type packet struct {
			node string
			data []byte
		}
		var packets []packet
		for range rapid.IntRange(1, 12).Draw(rt, "probes") {
			node := rapid.SampledFrom(three()).Draw(rt, "node").Node
			kind := rapid.SampledFrom([][]string{{"ok"}, {"ok"}, {"connect", "timeout"}, {"latency", "slow"}, {"unknown"}}).Draw(rt, "kind")
			for _, data := range b.look(node, kind...) {
				packets = append(packets, packet{node, data})
			}
		}
		b.now = b.now.Add(15 * time.Second)
		end := func(list []packet) []incident.Result {
			board := agree.NewBoard(began)
			board.SetNodes(three())
			board.Configure(&config.Config{Checks: map[config.CheckID]*config.Check{b.check.ID: b.check}})
			for _, p := range list {
				if err := board.Take(p.node, p.data, b.now); err != nil {
					rt.Fatal(err)
				}
			}
			results, _ := board.Decide(b.now)
			return results
		}
		want, got := end(packets), end(rapid.Permutation(packets).Draw(rt, "order"))
		if fmt.Sprintf("%+v", want) != fmt.Sprintf("%+v", got) {
			rt.Fatalf("in order:\n%+v\notherwise:\n%+v", want, got)
		}
	})
}

// Of full sights that arrive after a brief one, the newest says since when it is well.
func TestLateSights(t *testing.T) {
	b := newTable(t, func(c *config.Check) { c.Quorum = config.Quorum{Nodes: 1, Agree: 1} })
	b.look("fra1", "ok")
	b.now = b.now.Add(time.Minute)
	first := b.packers["fra1"].All(b.now)
	_, again := b.look("fra1", "connect", "timeout"), b.look("fra1", "ok")
	well := b.now.Add(-time.Second)
	for _, packets := range [][][]byte{b.look("fra1", "ok"), again, first} {
		if err := b.board.Take("fra1", packets[0], well.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	results, _ := b.board.Decide(b.now)
	want := []incident.Beginning{{Condition: config.ConditionService, At: well}}
	if len(results) != 1 || !slices.Equal(results[0].Began, want) {
		t.Errorf("want %v, got %+v", want, results)
	}
}

// A new decider knows since when all see a check well, where enough of them report to say so.
func TestSinceWhenAllSeeItWell(t *testing.T) {
	for name, silent := range map[string]bool{"all report": false, "too few report": true} {
		t.Run(name, func(t *testing.T) {
			b := newTable(t)
			var changed time.Time
			for _, kind := range [][]string{{"connect", "timeout"}, {"ok"}} {
				for _, m := range three() {
					b.arrive(m.Node, b.look(m.Node, kind...))
					changed = b.now.Add(-time.Second) // when it looked
				}
			}
			for _, m := range three() {
				b.arrive(m.Node, b.look(m.Node, "ok"))
			}
			b.board = agree.NewBoard(b.now)
			nodes := three()
			nodes[1].Silent, nodes[2].Silent = silent, silent
			b.board.SetNodes(nodes)
			b.board.Configure(&config.Config{Checks: map[config.CheckID]*config.Check{b.check.ID: b.check}})
			var last incident.Result
			for _, m := range nodes {
				if !m.Silent {
					last, _ = b.arrive(m.Node, b.packers[m.Node].All(b.now))
				}
			}
			want := []incident.Beginning{{Condition: config.ConditionService, At: changed}}
			if silent {
				want = nil
			}
			if last.Health() != incident.OK || len(last.Sightings) != 3 || !reflect.DeepEqual(last.Began, want) {
				t.Errorf("%s since %v, want %v", last.Health(), last.Began, want)
			}
			if last, _ = b.arrive("fra1", b.look("fra1", "ok")); len(last.Began) != 0 {
				t.Errorf("it is said again: %v", last.Began)
			}
		})
	}
}
