//go:build !quick

package daemon

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
)

// 21: ten thousand reloads, of which one in four is refused and one in four
// changes nothing. What the process holds afterwards is what it held when it had
// seen each kind of them a few times.
func TestNothingGrows(t *testing.T) {
	inBubble(t, func(s *stage, h *hand) {
		s.watch.Poll = never // else a poll may be first
		h.do("write conf/a.hcl a=1,b=1; write conf/x/c.hcl c=1")
		s.start()
		var early holdings
		for n := range reloads {
			want := "applied"
			switch n % 4 {
			case 0: // every check is another one
				h.do(fmt.Sprintf("put conf/x/c.hcl c=%d,d%d=1", 2+n, n))
			case 1:
				want = "unchanged"
			case 2:
				want = "rejected"
				h.do("put conf/x/c.hcl broken")
			case 3:
				h.do(fmt.Sprintf("put conf/x/c.hcl c=%d", 2+n))
			}
			if v := s.reload(); v != want {
				t.Fatalf("reload %d was %s, not %s", n, v, want)
			}
			s.ledger.forget()
			if n == 499 {
				early = hold(t)
			}
		}
		late := hold(t)
		t.Logf("early %+v, late %+v", early, late)
		if late.goroutines > early.goroutines || late.descriptors > early.descriptors {
			t.Errorf("early %+v, late %+v", early, late)
		}
		// What a reload reads is some kilobytes; to keep it would be twenty times as
		// much as this.
		const slack = 1 << 20
		if late.heap > early.heap+slack {
			t.Errorf("early %+v, late %+v", early, late)
		}
	})
}

// forget lets go of what has happened.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.looks, l.said = nil, []string{""}, nil
}

// holdings are what this process has of the machine.
type holdings struct {
	goroutines, descriptors int
	heap                    uint64
}

// hold waits until all that was started has ended or waits itself.
func hold(t *testing.T) holdings {
	t.Helper()
	synctest.Wait()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	for range 3 { // what is forgotten weakly goes with the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return holdings{runtime.NumGoroutine(), len(descriptors), m.HeapAlloc}
}
