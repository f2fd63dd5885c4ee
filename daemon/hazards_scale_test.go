package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// many checks: 400 customers with a file each.
const (
	scaleFiles  = 400
	scaleChecks = 25 // a file
)

// atScale makes a stage with 10,000 checks.
func atScale(b *testing.B) *stage {
	b.Helper()
	s := newStage(b)
	for i := range scaleFiles {
		s.text(scaleFile(i), scaleText(i, scaleChecks, 0))
	}
	return s
}

func scaleFile(i int) string { return filepath.Join("conf", fmt.Sprintf("customer%d.hcl", i)) }

func scaleText(file, checks, port int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "group \"customer%d\" {\n  label = \"Customer %d\"\n  server \"s%d\" {\n    hostname = \"127.0.0.1\"\n", file, file, file)
	for i := range checks {
		fmt.Fprintf(&b, "    imap_check \"c%d\" {\n      label    = \"Mail %d\"\n      port     = %d\n      security = \"tls\"\n      interval = \"24h\"\n    }\n", i, i, 1+port)
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

// BenchmarkStart is from the beginning to READY, with 10,000 checks in 400 files.
// The target is a second.
func BenchmarkStart(b *testing.B) {
	s := atScale(b)
	for b.Loop() {
		if err := s.launch(); err != nil {
			b.Fatal(err)
		}
		s.ledger.await(b, 1)
		b.StopTimer()
		s.stop()
		b.StartTimer()
	}
}

// BenchmarkChange is from one file written to its checks applied, with 10,000
// checks in 400 files, noticed by events. The target is a second.
func BenchmarkChange(b *testing.B) {
	s := atScale(b)
	s.start()
	defer s.stop()
	s.calm()
	for n := 1; b.Loop(); n++ {
		before := len(s.ledger.so())
		s.text(scaleFile(7), scaleText(7, scaleChecks, n))
		s.ledger.await(b, before+1)
	}
}

// BenchmarkNothingToDo is a reload of 10,000 checks in 400 files, none of which
// has changed. The target is 300 ms.
func BenchmarkNothingToDo(b *testing.B) {
	s := atScale(b)
	s.start()
	defer s.stop()
	s.calm()
	for b.Loop() {
		s.calm()
	}
}

// BenchmarkIdle is what 100,000 checks cost that wait for their turn, resident,
// in a daemon with all that it has: the files, the schedule, what is known of each
// check. The target is 5 KB. What the collector may take its time with is in the
// first figure, and not in the last. It is meant for a process of its own:
//
//	go test -run '^$' -bench 'Idle$' -benchtime 1x ./daemon
func BenchmarkIdle(b *testing.B) {
	const checks = 100_000
	for b.Loop() {
		s := newStage(b)
		s.bare = true
		before := resident(b)
		for i := range scaleFiles {
			s.text(scaleFile(i), scaleText(i, checks/scaleFiles, 0))
		}
		s.start()
		s.calm()
		for s.m.vitals.begun.Load() < checks {
			time.Sleep(100 * time.Millisecond) // the first probes take ten seconds
		}
		b.ReportMetric((resident(b)-before)/checks, "B-resident/check")
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/checks, "B-heap/check")
		b.ReportMetric(float64(m.StackInuse)/checks, "B-stack/check")
		b.ReportMetric((resident(b)-before)/checks, "B-collected/check")
		s.stop()
	}
}

// resident is the memory of this process, in bytes (proc_pid_status(5)).
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) * 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
