package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A fleet is many checks of two addresses each, and a clock that the benchmark turns.
type fleet struct {
	store   *Store
	writer  *writer
	now     time.Time
	ids     []config.CheckID
	results []incident.Result
}

func newFleet(tb testing.TB, checks int) *fleet {
	tb.Helper()
	f := &fleet{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.store = Open(Options{Path: filepath.Join(tb.TempDir(), "history.db"), Node: "n1", Log: func(msg string, err error) {
		if err != nil {
			tb.Error(msg, err)
		}
	}})
	f.store.now = func() time.Time { return f.now }
	f.store.begun = f.now
	f.writer = &writer{Store: f.store, packer: newPacker()}
	tb.Cleanup(f.writer.close)
	for i := range checks {
		f.ids = append(f.ids, config.CheckID(fmt.Sprintf("mx%05d/imaps", i)))
		r := incident.Result{Check: f.ids[i], Observed: config.ConditionSet(config.ConditionService)}
		for a := range 2 {
			r.Addresses = append(r.Addresses, incident.Address{
				Node: "n1", IP: netip.AddrFrom4([4]byte{192, byte(a), byte(i >> 8), byte(i)}), Health: incident.OK,
				TLS: &incident.TLSInfo{SHA256: fmt.Sprintf("%064d", i), Subject: "CN=mx", Issuer: "CN=ca"},
			})
		}
		f.results = append(f.results, r)
	}
	f.store.Use(configuration(stringsOf(f.ids)...))
	return f
}

func stringsOf(ids []config.CheckID) (list []string) {
	for _, id := range ids {
		list = append(list, string(id))
	}
	return list
}

// timings are what a server takes that is as fast as it usually is.
func timings(random *rand.Rand) (t config.PhaseTimes) {
	for p, usual := range map[config.Phase]time.Duration{
		config.PhaseDNS: time.Millisecond, config.PhaseConnect: 12 * time.Millisecond, config.PhaseTLS: 26 * time.Millisecond,
		config.PhaseGreeting: 13 * time.Millisecond, config.PhaseCapability: 12 * time.Millisecond, config.PhaseLogin: 40 * time.Millisecond,
		config.PhaseLogout: 12 * time.Millisecond,
	} {
		t[p] = time.Duration(float64(usual) * (1 + 0.1*random.ExpFloat64()))
		t[config.WholeConversation] += t[p]
	}
	return t
}

// minute has all checks probed, and the writer come each ten seconds.
func (f *fleet) minute(random *rand.Rand, measured []config.PhaseTimes) error {
	begun := f.now
	for slice := range 6 {
		for i := slice; i < len(f.results); i += 6 {
			r := &f.results[i]
			r.Started = begun.Add(time.Duration(slice)*10*time.Second + time.Duration(i*7919%10000)*time.Millisecond)
			for a := range r.Addresses {
				r.Addresses[a].Timings = measured[random.IntN(len(measured))]
			}
			f.store.Result(*r)
		}
		f.now = begun.Add(time.Duration(slice+1) * 10 * time.Second)
		if err := f.writer.round(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkThreeHours is what the history costs of 10,000 checks of two addresses, each probed
// once a minute, for three hours in fast motion: per observation the time of the processor,
// the bytes that are written, and those that the file has in the end.
//
//	go test -run '^$' -bench ThreeHours -benchtime 1x ./daemon/history
func BenchmarkThreeHours(b *testing.B) {
	for b.Loop() {
		f := newFleet(b, 10_000)
		random := rand.New(rand.NewPCG(1, 2))
		measured := make([]config.PhaseTimes, 10_000)
		for i := range measured {
			measured[i] = timings(random)
		}
		cpu, written := processorTime(b), writtenBytes(b)
		const minutes = 3*60 + 3 // so that the third hour is folded
		for range minutes {
			if err := f.minute(random, measured); err != nil {
				b.Fatal(err)
			}
		}
		n := float64(2 * len(f.ids) * minutes)
		b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/1000/n, "µs/observation")
		b.ReportMetric(float64(writtenBytes(b)-written)/n, "written_B/observation")
		if _, err := f.writer.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			b.Fatal(err)
		}
		used, free, err := f.writer.pages(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((used-free)*f.writer.pageSize)/n, "file_B/observation")
		b.ReportMetric(float64(f.writer.size())/n, "file_with_free_B/observation")
	}
}

func processorTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writtenBytes returns how much this process has handed to write(2).
func writtenBytes(tb testing.TB) int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
	}
	tb.Fatal("/proc/self/io has no wchar")
	return 0
}

// BenchmarkHear is what one result of two addresses costs the goroutine that decides alarms.
//
//	go test -run '^$' -bench Hear -benchmem ./daemon/history
func BenchmarkHear(b *testing.B) {
	f := newFleet(b, 10_000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range f.results {
		for a := range f.results[i].Addresses {
			f.results[i].Addresses[a].Timings = timings(random)
		}
	}
	at, i := f.now, 0
	b.ReportAllocs()
	cpu := processorTime(b)
	for b.Loop() {
		r := &f.results[i%len(f.results)]
		if i++; i%len(f.results) == 0 {
			at = at.Add(time.Minute)
		}
		r.Started = at
		f.store.Result(*r)
	}
	// The clock of the wall says little on a machine that does other things, too.
	b.ReportMetric(float64((processorTime(b)-cpu).Nanoseconds())/float64(b.N), "cpu_ns/op")
}

// BenchmarkOverview is what the overview asks of 10,000 checks over 90 days: their lives, from
// about 20,000 intervals and episodes, and one check's points of 90 days.
//
//	go test -run '^$' -bench Overview ./daemon/history
func BenchmarkOverview(b *testing.B) {
	f := newFleet(b, 10_000)
	if err := f.writer.round(context.Background()); err != nil {
		b.Fatal(err)
	}
	f.fillPast(b)
	from := f.now.Add(-90 * 24 * time.Hour)
	for name, ask := range map[string]func() error{
		"lives of all": func() error {
			lives, err := f.store.Lives(context.Background(), f.ids, from, f.now)
			if err == nil && len(lives) != len(f.ids) {
				err = fmt.Errorf("%d lives", len(lives))
			}
			return err
		},
		"life of one": func() error {
			_, err := f.store.Lives(context.Background(), f.ids[:1], from, f.now)
			return err
		},
		"points of one": func() error {
			list, err := f.store.Points(context.Background(), f.ids[0], from, f.now, time.Hour)
			if err == nil && len(list) < 80*24 {
				err = fmt.Errorf("%d points", len(list))
			}
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			cpu := processorTime(b)
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime(b)-cpu).Milliseconds())/float64(b.N), "cpu_ms/op")
		})
	}
}

// fillPast gives the checks 90 days of intervals and episodes, and the first of them hours.
func (f *fleet) fillPast(b *testing.B) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	err := f.writer.transact(context.Background(), func(c change) error {
		for i := range 20_000 {
			at := f.now.Add(-time.Duration(random.IntN(90*24*60)) * time.Minute).UnixMilli()
			check := f.writer.checks[f.ids[i/2]].id
			if i%2 == 0 {
				if err := c.span(check, at, at+600_000, availability.Unknown, whyNoProbe); err != nil {
					return err
				}
				continue
			}
			id := fmt.Sprintf("%010d", i)
			if err := c.do(insertIncident, id, check, "service", "down", at, at, nil, nil, at+600_000, "recovered", "connect", "refused", 1, []byte{}); err != nil {
				return err
			}
			if err := c.do(insertBout, id, at, at+600_000, at); err != nil {
				return err
			}
		}
		var d day
		for h := range d {
			d[h] = &rollup{n: 60, ok: 60}
			for range 120 {
				d[h].total[bucketOf(timings(random)[0])]++
			}
			for p := range config.Phases() {
				d[h].p50[p], d[h].p95[p] = 100, 110
			}
		}
		data, err := f.writer.packer.packDay(&d)
		if err != nil {
			return err
		}
		today := hourOf(f.now.UnixMilli()) / 24
		for back := range int64(90) {
			if err := c.do("INSERT INTO hourly VALUES(?, ?, ?)", f.writer.checks[f.ids[0]].id, today-back, data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
