package availability_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A goldenDay is a life written by hand. Its lines are "WORD FROM .. TO rest"; a time without
// an offset is local, a missing TO goes on.
type goldenDay struct {
	zone     *time.Location
	from, to time.Time
	now      time.Time
	slo      float64
	model    everySecond
}

// TestGoldenDays reads lives that are hard to sum, and writes what they come to beside them, for
// people to check. The model of every second must agree with each.
func TestGoldenDays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/days/*.txtar")
	if err != nil || len(files) < 14 {
		t.Fatal(len(files), "days", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			day := readDay(t, string(archive.Files[0].Data))
			archive.Files = append(archive.Files[:1], txtar.File{Name: "comes to", Data: []byte(day.show(t))})
			golden.Compare(t, file, string(txtar.Format(archive)))
		})
	}
}

func readDay(t *testing.T, text string) *goldenDay {
	t.Helper()
	d := &goldenDay{zone: time.UTC}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := d.read(word, strings.TrimSpace(rest)); err != nil {
			t.Fatalf("%q: %v", strings.TrimSpace(line), err)
		}
	}
	if d.now.IsZero() {
		d.now = d.to
	}
	d.model.now = d.now
	return d
}

func (d *goldenDay) read(word, rest string) (err error) {
	fromText, after, _ := strings.Cut(rest, " .. ")
	toText, after, _ := strings.Cut(after, " ")
	switch word {
	case "zone":
		d.zone, err = time.LoadLocation(rest)
		return err
	case "now":
		d.now, err = d.time(rest)
		return err
	case "slo":
		d.slo, err = strconv.ParseFloat(rest, 64)
		return err
	}
	from, err := d.time(fromText)
	if err != nil {
		return err
	}
	to, err := d.time(toText)
	if err != nil {
		return err
	}
	switch word {
	case "window":
		d.from, d.to = from, to
	case "absent", "paused", "maintenance", "unknown":
		d.model.life.Intervals = append(d.model.life.Intervals, availability.Interval{From: from, To: to, Kind: availability.Kind(word), Why: after})
	case "fails", "degrades":
		return d.readBout(word == "fails", from, to, after)
	case "correct":
		as, reason, _ := strings.Cut(after, " ")
		d.model.corrections = append(d.model.corrections, config.Correction{Start: from, End: to, CountAs: config.CountAs(as), Reason: reason})
	default:
		return fmt.Errorf("%s is no word of a golden day", word)
	}
	return nil
}

// readBout reads "reported TIME of INCIDENT" or "unreported".
func (d *goldenDay) readBout(service bool, from, to time.Time, rest string) error {
	b := availability.Bout{From: from, To: to, Service: service}
	if words := strings.Fields(rest); len(words) == 4 {
		at, err := d.time(words[1])
		if err != nil {
			return err
		}
		b.Reported, b.Incident = at, words[3]
	}
	d.model.life.Bouts = append(d.model.life.Bouts, b)
	return nil
}

func (d *goldenDay) time(text string) (time.Time, error) {
	if text == "" || text == "open" {
		return time.Time{}, nil
	}
	if at, err := time.Parse("2006-01-02T15:04:05Z07:00", text); err == nil {
		return at, nil
	}
	return time.ParseInLocation("2006-01-02T15:04:05", text, d.zone)
}

func (d *goldenDay) show(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	line := availability.Timeline(d.model.life, d.from, d.to, d.now, d.model.corrections)
	for _, s := range line {
		note := s.Incident
		if s.Short {
			note += " (short failure)"
		}
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%s .. %s  %10s  %-11s %s", d.clock(s.From), d.clock(s.To), s.To.Sub(s.From), s.State, note)))
	}
	sum := availability.Sum(line)
	if want := d.model.measure(d.from, d.to); sum != want {
		t.Errorf("every second says %+v, the formula %+v", want, sum)
	}
	fmt.Fprintln(&b)
	showFigures(&b, "all", sum)
	borders := availability.DayBorders(d.from, d.to, d.zone)
	for i, day := range availability.Days(d.model.life, borders, d.now, d.model.corrections) {
		showFigures(&b, fmt.Sprintf("%s (%s)", borders[i].In(d.zone).Format("2006-01-02"), borders[i+1].Sub(borders[i])), day)
	}
	if d.slo > 0 {
		s := availability.Judge(sum, d.slo)
		fmt.Fprintf(&b, "\nslo %v: %s, budget %s, left %s\n", s.Objective, s.Verdict, s.Budget, s.Left)
	}
	return b.String()
}

func (d *goldenDay) clock(at time.Time) string {
	return at.In(d.zone).Format("2006-01-02 15:04:05 MST")
}

func showFigures(b *strings.Builder, name string, s availability.Seconds) {
	fmt.Fprintf(b, "%s: absent %s, maintenance %s, unknown %s, down %s, degraded %s, ok %s, short %s\n",
		name, s.Absent, s.Maintenance, s.Unknown, s.Down, s.Degraded, s.OK, s.Short)
	f := s.Figures()
	fmt.Fprintf(b, "    %s of %s of the time; not below %s, not above %s; strict %s\n", availability.Percent(f.Availability),
		availability.Percent(f.Coverage), availability.Percent(f.Floor), availability.Percent(f.Ceiling), availability.Percent(f.Strict))
}
