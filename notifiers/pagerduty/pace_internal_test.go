package pagerduty

import (
	"fmt"
	"testing"
	"time"
)

// A storm of a thousand incidents is no more than PagerDuty takes in any minute, and each message
// asks twice: when it comes, and when it is its turn.
func TestAStormIsPaced(t *testing.T) {
	p, now, asked := newPace(), time.Now(), 0
	next := map[string]time.Time{}
	for i := range 1000 {
		next[fmt.Sprint(i)] = now
	}
	began, sent := now, []time.Time(nil)
	for ; len(next) > 0; now = now.Add(time.Second) {
		for key, turn := range next {
			if turn.After(now) {
				continue
			}
			asked++
			if wait := p.wait(key, now); wait > 0 {
				next[key] = now.Add(wait)
				continue
			}
			sent = append(sent, now)
			delete(next, key)
		}
	}
	for i := 120; i < len(sent); i++ {
		if pause := sent[i].Sub(sent[i-120]); pause < time.Minute {
			t.Fatalf("121 events within %s", pause)
		}
	}
	if took := now.Sub(began); took > 16*time.Minute || asked > 2000 || len(p.turns) > 0 {
		t.Errorf("it took %s and %d calls; %d turns are left", took, asked, len(p.turns))
	}
}

// The turns of messages that never come again are forgotten some day.
func TestTurnsAreForgotten(t *testing.T) {
	p, now := newPace(), time.Now()
	for i := range 50_000 {
		p.wait(fmt.Sprint(i), now)
		now = now.Add(time.Second / 2) // twice as many as there are turns
	}
	if n := len(p.turns); n > 30_000 {
		t.Errorf("%d are kept", n)
	}
}
