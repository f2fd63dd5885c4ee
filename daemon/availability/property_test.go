package availability_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A everySecond is the model: it asks of each second, by itself, what it counts as.
type everySecond struct {
	life        availability.Life
	now         time.Time
	corrections []config.Correction
}

func (e *everySecond) within(at, from, to time.Time) bool {
	if to.IsZero() || to.After(e.now) {
		to = e.now
	}
	return !at.Before(from) && at.Before(to)
}

func (e *everySecond) kind(at time.Time, k availability.Kind) bool {
	for _, i := range e.life.Intervals {
		if i.Kind == k && e.within(at, i.From, i.To) {
			return true
		}
	}
	return false
}

func (e *everySecond) corrected(at time.Time, as config.CountAs) bool {
	for _, c := range e.corrections {
		if c.CountAs == as && e.within(at, c.Start, c.End) {
			return true
		}
	}
	return false
}

func (e *everySecond) failing(at time.Time, service, reported bool) bool {
	for _, b := range e.life.Bouts {
		if b.Service == service && b.Reported.IsZero() != reported && e.within(at, b.From, b.To) {
			return true
		}
	}
	return false
}

// count adds the second that begins at a time to what the formula of the contract calls it:
// E, M, U, D, O with G, and beside them the short failures.
func (e *everySecond) count(s *availability.Seconds, at time.Time) {
	short := e.failing(at, true, false) && !e.corrected(at, config.CountUp)
	switch {
	case e.kind(at, availability.Absent) || e.kind(at, availability.Paused):
		s.Absent += time.Second
	case e.corrected(at, config.CountDown):
		s.Down += time.Second
	case e.corrected(at, config.CountUnknown):
		s.Unknown += time.Second
	case e.corrected(at, config.CountMaintenance):
		s.Maintenance += time.Second
	case e.corrected(at, config.CountUp):
		s.OK += time.Second
	case e.kind(at, availability.Maintenance):
		s.Maintenance += time.Second
	case e.kind(at, availability.Unknown):
		s.Unknown += time.Second
	case e.failing(at, true, true):
		s.Down += time.Second
	case e.failing(at, false, true):
		s.Degraded += time.Second
		if short {
			s.Short += time.Second
		}
	default:
		s.OK += time.Second
		if short {
			s.Short += time.Second
		}
	}
}

func (e *everySecond) measure(from, to time.Time) (s availability.Seconds) {
	for at := from; at.Before(to) && at.Before(e.now); at = at.Add(time.Second) {
		e.count(&s, at)
	}
	return s
}

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// second draws a time around a window of 600 seconds.
func second(t *rapid.T, name string) time.Time {
	return start.Add(time.Duration(rapid.IntRange(-60, 660).Draw(t, name)) * time.Second)
}

// ending draws the end of something: after, before or equal to its start, or still open.
func ending(t *rapid.T, name string) time.Time {
	if rapid.IntRange(0, 3).Draw(t, name+" open") == 0 {
		return time.Time{}
	}
	return second(t, name)
}

func drawLife(t *rapid.T) (l availability.Life) {
	for range rapid.IntRange(0, 6).Draw(t, "intervals") {
		kind := rapid.SampledFrom([]availability.Kind{availability.Absent, availability.Paused, availability.Maintenance, availability.Unknown}).Draw(t, "kind")
		l.Intervals = append(l.Intervals, availability.Interval{From: second(t, "from"), To: ending(t, "to"), Kind: kind})
	}
	for range rapid.IntRange(0, 6).Draw(t, "bouts") {
		b := availability.Bout{From: second(t, "from"), To: ending(t, "to"), Service: rapid.Bool().Draw(t, "service")}
		if rapid.Bool().Draw(t, "reported") {
			b.Reported = second(t, "reported at")
		}
		b.Incident = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "incident")
		l.Bouts = append(l.Bouts, b)
	}
	return l
}

func drawCorrections(t *rapid.T) (list []config.Correction) {
	for range rapid.IntRange(0, 2).Draw(t, "corrections") {
		as := rapid.SampledFrom([]config.CountAs{config.CountUp, config.CountDown, config.CountMaintenance, config.CountUnknown}).Draw(t, "count as")
		list = append(list, config.Correction{Start: second(t, "start"), End: second(t, "end"), CountAs: as})
	}
	return list
}

// TestEverySecondAgrees holds the sums of 10,000 random lives, their days and their timeline
// against a model that asks of each second what it counts as.
func TestEverySecondAgrees(t *testing.T) {
	t.Parallel()
	lives := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			lives++
			oneLifeAgrees(t)
		}
	})
	if lives < 10_000 {
		t.Errorf("only %d lives", lives)
	}
}

func oneLifeAgrees(t *rapid.T) {
	from, to := start, start.Add(600*time.Second)
	model := &everySecond{drawLife(t), second(t, "now"), drawCorrections(t)}
	want := model.measure(from, to)
	got := availability.Measure(model.life, from, to, model.now, model.corrections)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("every second says otherwise (-want +got):\n%s", diff)
	}
	line := availability.Timeline(model.life, from, to, model.now, model.corrections)
	for i, s := range line {
		if !s.From.Before(s.To) || i > 0 && !line[i-1].To.Equal(s.From) {
			t.Fatalf("the timeline has a gap or a stretch without length at %d: %+v", i, line)
		}
	}
	borders := []time.Time{from, from.Add(100 * time.Second), from.Add(101 * time.Second), from.Add(400 * time.Second), to}
	for i, day := range availability.Days(model.life, borders, model.now, model.corrections) {
		if diff := cmp.Diff(model.measure(borders[i], borders[i+1]), day); diff != "" {
			t.Fatalf("part %d (-want +got):\n%s", i, diff)
		}
	}
	boundsHold(t, got)
}

// boundsHold checks what is so of all figures.
func boundsHold(t *rapid.T, s availability.Seconds) {
	f := s.Figures()
	if (f.Floor == nil) != (s.Up()+s.Down+s.Unknown == 0) || (f.Availability == nil) != (s.Up()+s.Down == 0) {
		t.Fatalf("%+v: a figure without data, or data without a figure: %+v", s, f)
	}
	if f.Availability == nil {
		return
	}
	if *f.Floor > *f.Availability || *f.Availability > *f.Ceiling || *f.Strict > *f.Availability || *f.Strict < 0 {
		t.Fatalf("%+v: figures out of order: %v %v %v strict %v", s, *f.Floor, *f.Availability, *f.Ceiling, *f.Strict)
	}
	if s.Down > 0 && (*f.Availability >= 1 || availability.Percent(f.Availability) == "100.00 %") {
		t.Fatalf("%+v: 100 %% although it was down", s)
	}
}

// TestSeveralChecksAgree holds the times in which any and all of a group were down against the
// model.
func TestSeveralChecksAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to := start, start.Add(600*time.Second)
		now := second(t, "now")
		var models []*everySecond
		var lines [][]availability.Stretch
		for range rapid.IntRange(1, 4).Draw(t, "checks") {
			m := &everySecond{drawLife(t), now, nil}
			models = append(models, m)
			lines = append(lines, availability.Timeline(m.life, from, to, now, nil))
		}
		var want availability.Together
		for at := from; at.Before(to) && at.Before(now); at = at.Add(time.Second) {
			down, counting := 0, 0
			for _, m := range models {
				var s availability.Seconds
				m.count(&s, at)
				if s.Absent+s.Maintenance == 0 {
					counting++
				}
				if s.Down > 0 {
					down++
				}
			}
			if down > 0 {
				want.AnyDown += time.Second
			}
			if down > 0 && down == counting {
				want.AllDown += time.Second
			}
		}
		if diff := cmp.Diff(want, availability.Compare(lines...)); diff != "" {
			t.Fatalf("every second says otherwise (-want +got):\n%s", diff)
		}
	})
}
