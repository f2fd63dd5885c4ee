package stream_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// A member is a node with its copy and what it has folded: the records of Replay and OnRecords.
type member struct {
	*stream.Copy
	t       rapid.TB
	name    string
	dir     string
	bus     bus.Bus
	connect func() bus.Bus
	fs      journal.FS

	mu     sync.Mutex
	folded []string
	stale  bool // what is folded is not what the stream says, or may not be
}

// record is a record of the tests.
func record(words string) journal.Record {
	data, _ := json.Marshal(words)
	return journal.Record{At: time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC), Kind: "test", Data: data}
}

func state(words ...string) iter.Seq[journal.Record] {
	return func(yield func(journal.Record) bool) {
		for _, w := range words {
			if !yield(record(w)) {
				return
			}
		}
	}
}

// words returns what the tests have put into records; the cluster's own are left out.
func words(records ...journal.Record) (list []string) {
	for _, r := range records {
		if !strings.HasPrefix(r.Kind, "cluster.") {
			var w string
			_ = json.Unmarshal(r.Data, &w)
			list = append(list, w)
		}
	}
	return list
}

// newNetwork returns a network with a stream that holds a state.
func newNetwork(t rapid.TB, words ...string) *local.Network {
	t.Helper()
	net := local.New()
	b := net.Connect("maker")
	defer b.Close()
	if err := stream.Create(context.Background(), b.Stream(), 0, state(words...)); err != nil {
		t.Fatal(err)
	}
	return net
}

// join returns a node with an empty copy, which hears what is appended.
func join(t *testing.T, net *local.Network, name string) *member {
	t.Helper()
	m := &member{t: t, name: name, dir: t.TempDir(), connect: func() bus.Bus { return net.Connect(name) }}
	m.start()
	t.Cleanup(m.stop)
	return m
}

// start opens the copy, as a daemon does that starts.
func (m *member) start() {
	m.t.Helper()
	m.stale = true
	m.bus = m.connect()
	c, err := stream.Open(m.dir, m.bus.Stream(), stream.Options{Node: m.name, Version: "1.0", FS: m.fs, OnRecords: m.fold, OnAnew: m.noteAnew})
	if err != nil {
		m.t.Fatal(err)
	}
	m.Copy = c
	if _, err := m.bus.Listen(bus.Log, func(e bus.Message) { c.Heard(e.Seq, e.Data) }); err != nil {
		m.t.Fatal(err)
	}
}

// stop ends the node.
func (m *member) stop() {
	if m.Copy == nil {
		return
	}
	m.bus.Close()
	// A copy on a disk that fails loses what it has not written, and reads it again.
	if err := m.Close(); err != nil && m.fs == nil {
		m.t.Error(err)
	}
	m.Copy = nil
}

func (m *member) fold(records []journal.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.folded = append(m.folded, words(records...)...)
}

func (m *member) noteAnew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale = true
}

// catchUp reads to the end of the stream, and folds what is held.
func (m *member) catchUp() {
	m.t.Helper()
	if err := m.CatchUp(context.Background()); err != nil {
		m.t.Fatal(m.name, err)
	}
	m.replay()
}

// replay folds anew what is held.
func (m *member) replay() {
	m.t.Helper()
	m.mu.Lock()
	m.folded, m.stale = nil, false
	m.mu.Unlock()
	begun := false
	for r, err := range m.Replay() {
		if err != nil {
			m.t.Fatal(err)
		}
		if !begun { // what OnRecords has given until Replay began is in it
			begun = true
			m.mu.Lock()
			m.folded = nil
			m.mu.Unlock()
		}
		m.fold([]journal.Record{r})
	}
}

// held returns what the copy holds.
func (m *member) held() (list []string) {
	m.t.Helper()
	for r, err := range m.Replay() {
		if err != nil {
			m.t.Fatal(err)
		}
		list = append(list, words(r)...)
	}
	return list
}

// begin has a node decide.
func (m *member) begin() {
	m.t.Helper()
	m.catchUp()
	if _, err := m.Begin(context.Background()); err != nil {
		m.t.Fatal(m.name, err)
	}
}

// append appends a record for each word.
func (m *member) append(words ...string) {
	m.t.Helper()
	if err := m.Append(slices.Collect(state(words...))...); err != nil {
		m.t.Fatal(m.name, err)
	}
}

// wantHeld compares what all copies hold.
func wantHeld(t rapid.TB, want string, all ...*member) {
	t.Helper()
	for _, m := range all {
		if got := strings.Join(m.held(), " "); got != want {
			t.Errorf("%s holds %q, want %q", m.name, got, want)
		}
	}
}

func TestCopiesHoldWhatTheDeciderAppends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a", "b")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		nyc.catchUp()
		fra.begin()
		fra.append("c", "d")
		fra.append("e")
		synctest.Wait()
		if got := strings.Join(nyc.folded, " "); got != "a b c d e" {
			t.Errorf("nyc1 has folded %q", got)
		}
		wantHeld(t, "a b c d e", fra, nyc)
		lon := join(t, net, "lon1")
		lon.catchUp()
		wantHeld(t, "a b c d e", lon)
		lon.stop()
		lon.start()
		wantHeld(t, "a b c d e", lon)
		if lon.Place() != fra.Place() || lon.Place() == 0 {
			t.Errorf("lon1 is at %d, fra1 at %d", lon.Place(), fra.Place())
		}
	})
}

// What a node that was cut off hears of its successor must not teach it where the stream ends.
func TestDeciderThatWakesAfterItsSuccessorAppendedIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.begin()
		fra.append("b")
		nyc.begin()
		nyc.append("c")
		synctest.Wait()
		if fra.Place() != nyc.Place() {
			t.Errorf("fra1 has heard messages up to %d, nyc1 has appended %d", fra.Place(), nyc.Place())
		}
		for range 2 {
			fra.ForgetThatItEnded() // only the stream refuses
			if err := fra.Append(record("wrong")); !errors.Is(err, journal.ErrReplaced) {
				t.Error("fra1 was not refused:", err)
			}
		}
		if err := fra.Sure(t.Context()); !errors.Is(err, journal.ErrReplaced) {
			t.Error("fra1 is sure:", err)
		}
		wantHeld(t, "a b c", fra, nyc)
	})
}

func TestOfTwoThatBeginAtOnceOneDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.catchUp()
		nyc.catchUp()
		net.Delay(40 * time.Millisecond)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, m := range []*member{fra, nyc} {
			wg.Go(func() { _, errs[i] = m.Begin(context.Background()) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), journal.ErrReplaced) {
			t.Error(errs)
		}
	})
}

// A slowBus is one on which appends wait.
type slowBus struct {
	bus.Bus
	wait func()
}

func (b slowBus) Stream() bus.Stream { return slowStream{b.Bus.Stream(), b.wait} }

type slowStream struct {
	bus.Stream
	wait func()
}

func (s slowStream) Append(ctx context.Context, after uint64, id string, data []byte) (uint64, error) {
	s.wait()
	return s.Stream.Append(ctx, after, id, data)
}

// Two nodes begin after the same message, so that their terms have the same number. Who comes too late has
// folded what the other one has appended before it knows.
func TestWhoBeginsTooLateHasFoldedWhatTheOtherOneDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.stop()
		begins := make(chan struct{})
		fra.connect = func() bus.Bus { return slowBus{net.Connect("fra1"), func() { <-begins }} }
		fra.start()
		fra.catchUp()
		begun := make(chan error, 1)
		go func() { _, err := fra.Begin(context.Background()); begun <- err }()
		synctest.Wait()
		nyc.begin()
		nyc.append("b")
		synctest.Wait()
		close(begins)
		if err := <-begun; !errors.Is(err, journal.ErrReplaced) {
			t.Error(err)
		}
		nyc.append("c")
		synctest.Wait()
		fra.mu.Lock()
		defer fra.mu.Unlock()
		if got := strings.Join(fra.folded, " "); got != "a b c" {
			t.Errorf("fra1 has folded %q", got)
		}
	})
}

func TestAppendThatIsNotAnsweredIsMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra := join(t, net, "fra1")
		fra.begin()
		net.LoseAcknowledgements(true)
		time.AfterFunc(5*time.Second, func() { net.LoseAcknowledgements(false) })
		fra.append("a")
		fra.append("b")
		wantHeld(t, "a b", fra)
	})
}

func TestAppendThatNobodyAnswersEndsTheTerm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra := join(t, net, "fra1")
		fra.begin()
		net.CutStream(true)
		began := time.Now()
		err := fra.Append(record("a"))
		if took := time.Since(began); !errors.Is(err, journal.ErrReplaced) || took < 12*time.Second || took > 13*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// What Sure says rests on when the last message was sent, not on when its acknowledgement came.
func TestSureAppendsWhenTheLastAcknowledgementIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra := join(t, net, "fra1")
		fra.begin()
		at := fra.Place()
		sure := func(want uint64) {
			t.Helper()
			if err := fra.Sure(t.Context()); err != nil || fra.Place() != at+want {
				t.Errorf("%v, and %d messages were appended, want %d", err, fra.Place()-at, want)
			}
		}
		sure(0)
		time.Sleep(3900 * time.Millisecond)
		sure(0)
		time.Sleep(200 * time.Millisecond)
		sure(1)
		sure(1)
		net.CutStream(true)
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := fra.Sure(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("the stream does not answer:", err)
		}
		net.CutStream(false)
		sure(3) // the one that was not answered, and one that is sent now
	})
}

// A round that is too large for one message becomes several; one record that is too large for one is
// compressed; and what does not fit even so is refused alone.
func TestRecordsOfAllSizes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t)
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		nyc.catchUp()
		fra.begin()
		noise := make([]byte, 750<<10)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
		sizes := []string{"small", strings.Repeat("a", 300<<10), strings.Repeat("b", 300<<10), strings.Repeat("c", 900<<10), "end"}
		records := slices.Collect(state(sizes...))
		wrong := record(base64.StdEncoding.EncodeToString(noise))
		records = slices.Insert(records, 2, wrong, journal.Record{Kind: "test", Data: json.RawMessage("{")})
		err := fra.Append(records...)
		var refused *journal.RefusedError
		if !errors.As(err, &refused) || refused.Index != 2 || strings.Count(err.Error(), "record ") != 2 {
			t.Error(err)
		}
		synctest.Wait()
		wantHeld(t, strings.Join(sizes, " "), fra, nyc)
		if got := strings.Join(nyc.folded, " "); got != strings.Join(sizes, " ") {
			t.Error("nyc1 has folded something else")
		}
	})
}

// A large state goes to the stream between the alarms that are decided meanwhile, which are no part
// of it.
func TestAlarmsDoNotWaitForACompaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var large []string
		for i := range 40 {
			large = append(large, fmt.Sprint(i, strings.Repeat("x", 300<<10)))
		}
		net := newNetwork(t, large...)
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		nyc.catchUp()
		fra.begin()
		net.Delay(100 * time.Millisecond)
		began := time.Now()
		if err := fra.Compact(state(large...)); !errors.Is(err, journal.ErrNotDurable) {
			t.Error("40 messages are appended in less than 8 seconds:", err)
		}
		if took := time.Since(began); took > 400*time.Millisecond {
			t.Error("whoever decides alarms has waited for", took)
		}
		if err := fra.Compact(state(large...)); err == nil {
			t.Error("a second compaction has begun")
		}
		began = time.Now()
		fra.append("alarm")
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Error("an alarm has waited for", took)
		}
		time.Sleep(time.Minute)
		fra.append("later")
		time.Sleep(time.Second)
		lon := join(t, net, "lon1")
		lon.catchUp()
		wantHeld(t, strings.Join(append(large, "alarm", "later"), " "), fra, nyc, lon)
		if size := fra.Size(); size > 1000 {
			t.Error("after the compaction it has grown by", size)
		}
		if first, _, err := fra.bus.Stream().Ends(t.Context()); err != nil || first < 40 {
			t.Errorf("the stream begins with message %d: %v", first, err)
		}
	})
}

// An end in the middle of a compaction leaves everything as it was.
func TestCompactionThatIsCutShortChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := []string{"a" + strings.Repeat("x", 300<<10), "b" + strings.Repeat("x", 300<<10), "c" + strings.Repeat("x", 300<<10)}
		net := newNetwork(t, "a", "b", "c")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.begin()
		net.Delay(300 * time.Millisecond)
		if err := fra.Compact(state(large...)); !errors.Is(err, journal.ErrNotDurable) {
			t.Error(err)
		}
		fra.End()
		nyc.begin()
		nyc.append("d")
		time.Sleep(time.Second)
		wantHeld(t, "a b c d", fra, nyc)
		if err := nyc.Compact(state("a", "b", "c", "d")); err != nil && !errors.Is(err, journal.ErrNotDurable) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		lon := join(t, net, "lon1")
		lon.catchUp()
		wantHeld(t, "a b c d", fra, nyc, lon)
	})
}

// Who decided in a journal that was lost, and hears nothing of it, is refused by the one that takes its place,
// even when that has as many messages.
func TestWhoDecidedInALostJournalIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, "a")
		fra, nyc := join(t, net, "fra1"), join(t, net, "nyc1")
		fra.begin()
		fra.append("b")
		synctest.Wait()
		net.LoseStream()
		if err := stream.Create(t.Context(), nyc.bus.Stream(), fra.Place(), state("a", "b")); err != nil {
			t.Fatal(err)
		}
		nyc.begin()
		nyc.append("c")
		fra.ForgetThatItEnded() // only the stream refuses
		if err := fra.Append(record("wrong")); !errors.Is(err, journal.ErrReplaced) {
			t.Error("fra1 was not refused:", err)
		}
	})
}

// A making of the stream that was interrupted goes on.
func TestCreateGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := local.New()
		b := net.Connect("maker")
		defer b.Close()
		fra := join(t, net, "fra1")
		if err := fra.CatchUp(t.Context()); !errors.Is(err, bus.ErrNoStream) {
			t.Error("there is no stream:", err)
		}
		net.Delay(900 * time.Millisecond) // each answer takes 1.8 s, just below what an append waits for it
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := stream.Create(ctx, b.Stream(), 0, state("a", "b")); err == nil {
			t.Error("it was not interrupted")
		}
		if err := fra.CatchUp(t.Context()); err == nil || fra.Place() != 0 {
			t.Errorf("a stream that is not finished: %v, and fra1 is at %d", err, fra.Place())
		}
		if err := stream.Create(t.Context(), b.Stream(), 0, state("a", "b")); err != nil {
			t.Fatal(err)
		}
		fra.catchUp()
		wantHeld(t, "a b", fra)
		if err := stream.Create(t.Context(), b.Stream(), 0, state("a", "b")); !errors.Is(err, stream.ErrMade) {
			t.Error("it was made twice:", err)
		}
	})
}
