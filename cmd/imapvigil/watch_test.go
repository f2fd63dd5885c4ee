package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Only what has changed is written again, and never more than the screen has.
func TestDisplay(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &display{out: &out}
	small := screen{width: 20, height: 4, moves: true}
	for _, step := range []struct {
		name  string
		lines string
		on    screen
		want  string
	}{
		{"all of it at first", "08:00 1 down|  a|  b", small, "␛[2J␛[1;1H␛[2K08:00 1 down␛[2;1H␛[2K  a␛[3;1H␛[2K  b"},
		{"nothing has changed", "08:00 1 down|  a|  b", small, ""},
		{"one line", "08:02 1 down|  a|  b", small, "␛[1;1H␛[2K08:02 1 down"},
		{"fewer lines", "08:02 1 down|  a", small, "␛[3;1H␛[2K"},
		{"more than fit", "08:02 1 down|  a|  b|  c|  d|  e", small, "␛[3;1H␛[2K  b␛[4;1H␛[2Kand 3 more lines"},
		{"as many as fit", "08:02 1 down|  a|  b|  c", small, "␛[4;1H␛[2K  c"},
		{"another size", "08:02 1 down|  a", screen{width: 30, height: 9, moves: true}, "␛[2J␛[1;1H␛[2K08:02 1 down␛[2;1H␛[2K  a"},
	} {
		out.Reset()
		d.showLines(strings.Split(step.lines, "|"), step.on)
		if got := strings.ReplaceAll(out.String(), "\x1b", "␛"); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
	}
}

// While no daemon answers, what was known stays, below the reason.
func TestWatchedLinesOfADaemonThatIsGone(t *testing.T) {
	t.Parallel()
	p := &program{out: &bytes.Buffer{}, screen: &screen{width: 60}, utc: true}
	lines := p.watchedLines(fleet(3), statusFilter{}, "no daemon answers on /run/c.sock")
	want := "! no daemon answers on /run/c.sock. What follows is what was\n! known then.\n2026-11-30 08:00:12 UTC  3 checks: 3 ok\n"
	if got := strings.Join(lines, "\n"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s", got)
	}
}

// However many checks fail, what is worst stands on the screen.
func TestWatchShowsTheWorstFirst(t *testing.T) {
	t.Parallel()
	s := fleet(300)
	for i := range s.Checks {
		if i%2 == 0 {
			fails(&s.Checks[i], "degraded", "tls", fmt.Sprint("cause", i), "Soon.", 0)
		}
	}
	refuse(&s.Checks[299])
	var out bytes.Buffer
	sc := screen{width: 80, height: 24, moves: true}
	p := &program{out: &out, screen: &sc, utc: true}
	d := &display{out: &out}
	d.showLines(p.watchedLines(s, statusFilter{all: true}, ""), sc)
	if len(d.shown) != 24 || !strings.HasPrefix(d.shown[2], "  down         mx100/login") {
		t.Errorf("shown is\n%s", strings.Join(d.shown, "\n"))
	}
}
