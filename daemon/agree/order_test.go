package agree_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Whoever begins to decide hears of thousands of checks at once. Those that fail are decided on first, also when
// they were first known to be well, and no call makes so many results that they would have to wait for them.
func TestFailuresAreDecidedFirst(t *testing.T) {
	const many = 10_000
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for i := range many {
		c := *newTable(t).check
		c.ID = config.CheckID(fmt.Sprintf("mx%05d/imaps", i))
		cfg.Checks[c.ID] = &c
	}
	board, now := agree.NewBoard(began), began.Add(time.Minute)
	board.SetNodes(three())
	board.Configure(cfg)
	const fails = config.CheckID("mx09999/imaps")
	packers := map[string]*agree.Packer{}
	see := func(node string, id config.CheckID, kind ...string) {
		r := result(kind, now)
		r.Check = id
		packers[node].Add(r, agree.Settings(cfg.Checks[id]), now)
	}
	take := func() {
		for node, p := range packers {
			for _, packet := range p.Flush(now) {
				if err := board.Take(node, packet, now); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, m := range three() {
		packers[m.Node] = agree.NewPacker(m.Node, began)
		for id := range cfg.Checks {
			see(m.Node, id, "ok")
		}
	}
	take()
	now = now.Add(time.Second)
	see("lon1", fails, "connect", "timeout")
	see("nyc1", fails, "connect", "timeout")
	take()
	seen := map[config.CheckID]bool{}
	for calls := 0; ; calls++ {
		results, _ := board.Decide(now)
		if len(results) == 0 {
			break
		}
		if calls == 0 && (results[0].Check != fails || results[0].Health() != incident.Down) {
			t.Errorf("the first result is about %s: %s", results[0].Check, results[0].Health())
		}
		if len(results) > many/2 {
			t.Errorf("%d results at once", len(results))
		}
		for i := range results {
			if seen[results[i].Check] {
				t.Errorf("%s is decided on twice", results[i].Check)
			}
			seen[results[i].Check] = true
		}
	}
	if len(seen) != many {
		t.Errorf("%d checks are decided on", len(seen))
	}
}

// Whoever begins to decide waits until each node has said what it saw, unless it makes no difference: as many as
// have to agree see the service fail.
func TestAFailureThatEnoughSeeWaitsForNobody(t *testing.T) {
	b := newTable(t)
	if r, _ := b.arrive("fra1", b.look("fra1", "connect", "timeout")); r.Check != "" {
		t.Errorf("one of three sees it fail: %+v", r)
	}
	b.now = b.now.Add(-5 * time.Second)
	if r, _ := b.arrive("lon1", b.look("lon1", "connect", "timeout")); r.Health() != incident.Down {
		t.Errorf("two of three see it fail: %+v", r)
	}

	b = newTable(t)
	b.arrive("fra1", b.look("fra1", "ok"))
	b.now = b.now.Add(-5 * time.Second)
	if r, _ := b.arrive("lon1", b.look("lon1", "ok")); r.Check != "" {
		t.Errorf("two of three see it well: %+v", r)
	}
}

// What a node answers is bounded, also when all that it probes fails and the servers say much about it: what does
// not fit travels with the next batch.
func TestAnAnswerIsBounded(t *testing.T) {
	const many = 20_000
	p, now := agree.NewPacker("fra1", began), began.Add(time.Minute)
	for i := range many {
		r := result([]string{"tls", "timeout"}, began)
		r.Check = config.CheckID(fmt.Sprintf("mx%05d/imaps", i))
		r.Findings[0].Hint = strings.Repeat("x", 3000)
		p.Add(r, 1, began)
	}
	p.Flush(began)
	answer := total(p.All(now))
	if rest := total(p.Flush(now)); answer > 41<<20 || answer+rest < many*3000 {
		t.Errorf("the answer has %d bytes, and the next batch %d", answer, rest)
	}
	if rest := total(p.Flush(now)); rest > 0 {
		t.Errorf("%d bytes more", rest)
	}
}

func total(packets [][]byte) (n int) {
	for _, packet := range packets {
		n += len(packet)
	}
	return n
}
