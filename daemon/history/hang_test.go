package history

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A disk that hangs holds the writer, and nobody else: results and reloads go on, the oldest
// observations are dropped and counted, and at the end the daemon waits for three seconds.
func TestADiskThatHangsHoldsOnlyTheWriter(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a"))
		s.probe(2*time.Minute, "a")
		hang := make(chan struct{})
		s.fail(func(string) error { <-hang; return nil })
		s.probe(10*time.Minute, "a")
		s.store.Use(configuration("a", "b"))
		s.store.Events([]incident.Event{{Kind: incident.Opened}})
		if h := s.store.Health(); h.Dropped == 0 {
			t.Errorf("nothing is dropped: %+v", h)
		}
		begun := time.Now()
		s.stop()
		if took := time.Since(begun); took != lastTime {
			t.Errorf("it took %s to end", took)
		}
		if h := s.store.Health(); h.Writable || !strings.Contains(h.Error, "does not answer") {
			t.Errorf("%+v", h)
		}
		close(hang) // the process would have ended
		synctest.Wait()
		s.stop = func() {}
	})
}

// What happens to an incident is written within a second, and while the file cannot be written
// the disk is asked each 30 seconds, however much happens.
func TestWhenTheWriterComes(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a"))
		s.wait(11 * time.Second)
		s.know(record("x", "a", time.Now().Add(-time.Minute), time.Time{}))
		s.store.Events([]incident.Event{{Kind: incident.Opened}})
		s.wait(time.Second)
		if list, err := s.store.Incidents(s.t.Context(), time.Now().Add(-time.Hour), time.Now()); err != nil || len(list) != 1 {
			t.Errorf("after a second: %v %v", list, err)
		}
		var tries atomic.Int32
		s.fail(func(string) error { tries.Add(1); return errDisk{} }) // the first statement of each round
		for range 300 {
			s.store.Events([]incident.Event{{Kind: incident.Opened}})
			s.wait(time.Second)
		}
		if n := tries.Load(); n < 9 || n > 11 || len(s.said()) != 1 {
			t.Errorf("tried %d times in 300 seconds, and said %q", n, s.said())
		}
		s.fail(nil)
		s.wait(retryEvery + newsEvery)
		if h := s.store.Health(); !h.Writable {
			t.Errorf("%+v", h)
		}
		if said := s.said(); len(said) != 2 || !strings.HasPrefix(said[1], "the history is written again") {
			t.Errorf("said %q", said)
		}
	})
}

// When the daemon ends, what came last is written, and the file says that nothing is lost.
func TestTheLastResultsAreWrittenAtTheEnd(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a"))
		s.wait(11 * time.Second)
		s.store.Result(good("a", "192.0.2.1"))
		s.stop()
		db, err := openFile(context.Background(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var clean, rows int
		if err := db.QueryRow("SELECT (SELECT v FROM meta WHERE k = 'clean'), (SELECT count(*) FROM log)").Scan(&clean, &rows); err != nil || clean != 1 || rows != 1 {
			t.Errorf("clean %d, %d rows, %v", clean, rows, err)
		}
		s.stop = func() {}
	})
}
