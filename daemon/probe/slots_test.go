package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A crowd is many checks on one Loop with few slots. Servers whose name begins
// with h can be made to hang; all others answer within 100 ms.
type crowd struct {
	loop *Loop

	mu      sync.Mutex
	hang    bool
	busy    int
	most    int
	lag     map[bool]time.Duration // the longest, of those that can hang and of the others
	results map[config.CheckID]int
	discard int
}

const (
	hangTime = 10 * time.Second
	wellTime = 100 * time.Millisecond
)

func newCrowd(limit int) *crowd {
	c := &crowd{lag: map[bool]time.Duration{}, results: map[config.CheckID]int{}}
	c.loop = &Loop{Limit: limit, Probe: c.probe, Report: c.report, Lag: c.late}
	return c
}

func canHang(id config.CheckID) bool { return id[0] == 'h' }

func (c *crowd) probe(ctx context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
	c.mu.Lock()
	c.busy++
	c.most = max(c.most, c.busy)
	takes := wellTime
	if c.hang && canHang(id) {
		takes = hangTime
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.busy--
		c.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		c.mu.Lock()
		c.discard++
		c.mu.Unlock()
	}
	p := verdict.Probe{Check: id}
	if takes == hangTime {
		p.Conversations = []verdict.Conversation{{Failure: &incident.Finding{Health: incident.Down}}}
	}
	return p
}

func (c *crowd) report(_ context.Context, _ *config.Probe, p verdict.Probe) incident.Pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[p.Check]++
	return incident.Pace{Confirming: len(p.Conversations) > 0, Since: time.Now()}
}

func (c *crowd) late(id config.CheckID, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag[canHang(id)] = max(c.lag[canHang(id)], by)
}

// start runs so many checks that can hang, and so many others, each once a
// minute.
func (c *crowd) start(ctx context.Context, hanging, well int) {
	check := config.Probe{Interval: time.Minute, Timeout: hangTime, RetryInterval: 15 * time.Second}
	for i := range hanging {
		go c.loop.Run(ctx, config.CheckID(fmt.Sprint("h", i)), check)
	}
	for i := range well {
		go c.loop.Run(ctx, config.CheckID(fmt.Sprint("w", i)), check)
	}
}

// during lets time pass and gives the longest lag of the servers that are well,
// and how often a check that hangs was probed to the end at least.
func (c *crowd) during(span time.Duration) (lag time.Duration, fewest int) {
	c.mu.Lock()
	clear(c.lag)
	clear(c.results)
	c.mu.Unlock()
	time.Sleep(span)
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	fewest = 1 << 30
	for i := 0; c.loop.running[config.CheckID(fmt.Sprint("h", i))] != nil; i++ {
		fewest = min(fewest, c.results[config.CheckID(fmt.Sprint("h", i))])
	}
	return c.lag[false], fewest
}

// A thousand servers that hang do not delay a hundred that are well: hardly when
// it begins, whether at the start, when nothing is known of any, or in the midst
// of things; and then not at all. They are probed, too, as fast as their share of
// the slots allows.
func TestServersThatHangDoNotDelayTheOthers(t *testing.T) {
	const hanging, well = 1000, 100
	for _, test := range []struct {
		name    string
		limit   int
		before  time.Duration // that all are well
		first   time.Duration // the longest lag until all is known
		settled time.Duration // when that is
	}{
		{"from the start", 64, 0, time.Minute, 2 * time.Minute},
		{"suddenly", 64, 5 * time.Minute, 10 * time.Second, 2 * time.Minute},
		{"from the start, with the slots that are the default", DefaultLimit, 0, 3 * time.Second, time.Minute},
		{"suddenly, with the slots that are the default", DefaultLimit, 5 * time.Minute, 0, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(test.limit)
				ctx, cancel := context.WithCancel(t.Context())
				c.hang = test.before == 0
				c.start(ctx, hanging, well)
				time.Sleep(test.before)
				c.mu.Lock()
				c.hang = true
				c.mu.Unlock()
				first, _ := c.during(test.settled)
				discarded := c.discard
				later, fewest := c.during(20 * time.Minute)
				t.Logf("with %d slots: %v late at first, then %v; a check that hangs is probed %d times in 20 minutes, and %d probes made room",
					test.limit, first, later, fewest, discarded)
				if first > test.first || later > 0 {
					t.Errorf("%v late at first, then %v; want %v at most, then 0", first, later, test.first)
				}
				if c.most > test.limit || c.discard > hanging || c.discard > discarded {
					t.Errorf("%d at a time, %d probes made room, %d of them late", c.most, c.discard, c.discard-discarded)
				}
				if share := int(20 * time.Minute / hangTime * time.Duration(test.limit/2) / hanging); fewest < share-1 && fewest < 20 {
					t.Errorf("one that hangs was probed %d times", fewest)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// Room is made by the youngest of those that are no longer quick, for as many as
// wait, and as long as more than half of the slots are lost to such; not twice
// for one who waits, while they go.
func TestRoomIsMadeForAsManyAsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(8)
		var hanging []*slot
		for range 8 {
			hanging = append(hanging, s.enter(t.Context(), false, quickTime))
			time.Sleep(time.Millisecond)
		}
		told := func() (list []int) {
			for i, w := range hanging {
				if w.Err() != nil {
					list = append(list, i)
				}
			}
			return list
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		expect := func(when string, more int, want ...int) {
			t.Helper()
			for range more {
				waiting.Go(func() {
					if w := s.enter(ctx, false, quickTime); w != nil {
						<-ctx.Done()
						s.leave(w)
					}
				})
			}
			synctest.Wait()
			if got := told(); !slices.Equal(got, want) {
				t.Errorf("%s: %v are told to go, want %v", when, got, want)
			}
		}
		time.Sleep(quickTime)
		expect("nobody waits", 0)
		expect("somebody waits", 1, 7)
		expect("another one waits", 1, 6, 7)
		s.leave(hanging[7])
		expect("one went", 0, 6, 7)
		expect("more than may be told to go", 10, 4, 5, 6, 7)
		for i := range 7 {
			s.leave(hanging[i])
		}
		cancel()
		waiting.Wait()
		if s.taken != 0 || s.leaving != 0 {
			t.Errorf("in the end: %+v", s)
		}
	})
}

// Whatever comes in whatever order: there are never more than the limit, who
// waits gets a slot, who makes room was not quick and is told so once, and in the
// end all is as in the beginning.
func TestSlotsAreNeitherLostNorMade(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		visits := rapid.SliceOfN(rapid.Custom(drawVisit), 1, 40).Draw(rt, "visits")
		synctest.Test(t, func(t *testing.T) {
			s := newSlots(limit)
			var all sync.WaitGroup
			for _, v := range visits {
				all.Go(func() { v.make(t, s) })
			}
			all.Wait()
			synctest.Wait()
			if s.taken != 0 || s.slow != 0 || s.leaving != 0 || s.over.Len()+s.quick.Len()+s.queue.Len() != 0 {
				t.Errorf("in the end: %+v", s)
			}
		})
	})
}

// A visit is one turn of a check.
type visit struct {
	at, takes, bored time.Duration // bored is when it is stopped; 0: it is not
	slow             bool
	deaf             bool // it does not go at once when it is told
}

func drawVisit(rt *rapid.T) visit {
	seconds := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 20).Draw(rt, name)) * 500 * time.Millisecond
	}
	return visit{
		seconds("at"), seconds("takes"), seconds("bored"),
		rapid.Bool().Draw(rt, "slow"), rapid.Bool().Draw(rt, "deaf"),
	}
}

func (v visit) make(t *testing.T, s *slots) {
	time.Sleep(v.at)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if v.bored > 0 {
		defer time.AfterFunc(v.bored, cancel).Stop()
	}
	w := s.enter(ctx, v.slow, quickTime)
	if w == nil {
		if ctx.Err() == nil {
			t.Error("no slot for one who waits")
		}
		return
	}
	began := time.Now()
	s.mu.Lock()
	if s.taken > s.limit || s.slow > s.most {
		t.Errorf("%d slots are taken, %d by slow ones, of %d", s.taken, s.slow, s.limit)
	}
	s.mu.Unlock()
	gone := w.Done()
	if v.deaf {
		gone = nil
	}
	select {
	case <-time.After(v.takes):
	case <-gone:
	}
	told := context.Cause(w) == errMakeRoom //nolint:errorlint // it is the cause itself
	took := time.Since(began)
	if counts := s.leave(w); told && (counts || v.slow || took < quickTime) {
		t.Errorf("%+v was told to go after %v, and it counts: %v", v, took, counts)
	}
}
