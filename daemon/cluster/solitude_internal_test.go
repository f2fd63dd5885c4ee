package cluster

import (
	"testing"
	"time"
)

func TestSolitude(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	normal := company{mayDecide: true, aloneAfter: time.Minute}
	without := func(d time.Duration) company { c := normal; c.without = d; return c }
	with := func(d time.Duration) company { c := normal; c.with = d; return c }
	s := solitude{since: now}
	for i, step := range []struct {
		heard company
		want  phase
	}{
		{without(59 * time.Second), together},
		{without(time.Minute), apart},
		{with(4 * time.Second), apart},
		{with(5 * time.Second), handingOver},
		{without(4 * time.Second), handingOver},
		{without(5 * time.Second), apart}, // it was alone a moment ago
		{company{mayDecide: true, deciding: true, without: time.Hour, with: 5 * time.Second, aloneAfter: time.Minute}, handingOver},
		{company{mayDecide: true, deciding: true, without: time.Hour, aloneAfter: time.Minute}, handingOver},
	} {
		s.next(step.heard, now)
		if s.phase != step.want {
			t.Fatalf("step %d: %d, want %d", i, s.phase, step.want)
		}
	}
	s.handedOver(now)
	if s.next(without(30*time.Second), now); s.phase != together {
		t.Error("it is alone although nothing is left of the last time")
	}
}

func TestWhoMayNotDecideIsNeverAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := solitude{since: now}
	if s.next(company{without: time.Hour, aloneAfter: time.Minute}, now); s.phase != together {
		t.Error("it is alone")
	}
	s.phase = apart // a reload took the right to decide from it
	if s.next(company{without: time.Hour, aloneAfter: time.Minute}, now); s.phase != handingOver {
		t.Error("it goes on deciding")
	}
}

// After a start there may be incidents of a time when the node was alone. It has not been alone since.
func TestAfterAStartANodeIsAloneAfterItsTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := solitude{phase: handingOver, since: now}
	if s.next(company{mayDecide: true, without: 59 * time.Second, aloneAfter: time.Minute}, now); s.phase != handingOver {
		t.Error("it is alone too early")
	}
	if s.next(company{mayDecide: true, without: time.Minute, aloneAfter: time.Minute}, now); s.phase != apart {
		t.Error("it is never alone")
	}
}
