package bustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// create makes the stream and returns it as the decider sees it.
func create(t testing.TB, n Network) bus.Stream {
	t.Helper()
	s := n.Connect(t, Decider).Stream()
	if err := s.Create(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	return s
}

// fill appends messages "1" to "last" after the others.
func fill(t testing.TB, s bus.Stream, first, last uint64) {
	t.Helper()
	for seq := first; seq <= last; seq++ {
		got, err := s.Append(limited(t), seq-1, fmt.Sprint("id", seq), fmt.Append(nil, seq))
		if got != seq || err != nil {
			t.Fatalf("append %d: %d, %v", seq, got, err)
		}
	}
}

func testNoStream(t *testing.T, n Network) {
	s := n.Connect(t, Decider).Stream()
	ctx := limited(t)
	_, appended := s.Append(ctx, 0, "id", nil)
	_, _, ends := s.Ends(ctx)
	_, got := s.Get(ctx, 1)
	read := s.Read(ctx, 1, 2, func(uint64, []byte) error { return nil })
	for what, err := range map[string]error{
		"append": appended, "ends": ends, "get": got, "read": read, "purge": s.Purge(ctx, 1),
	} {
		if !errors.Is(err, bus.ErrNoStream) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Create(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if first, last, err := s.Ends(ctx); first != 1 || last != 0 || err != nil {
		t.Errorf("a new stream: %d, %d, %v", first, last, err)
	}
	if err := s.Create(ctx, 1); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Error("made twice:", err)
	}
	fill(t, s, 1, 1)
}

// A stream can begin with a later sequence, and nobody appends to it who expects an earlier one.
func testLaterFirst(t *testing.T, n Network) {
	s := n.Connect(t, Decider).Stream()
	const begin = 1_000_001
	if err := s.Create(limited(t), begin); err != nil {
		t.Fatal(err)
	}
	if first, last, err := s.Ends(limited(t)); first != begin || last != begin-1 || err != nil {
		t.Errorf("a new stream: %d, %d, %v", first, last, err)
	}
	if _, err := s.Append(limited(t), 0, "other", nil); !errors.Is(err, bus.ErrReplaced) {
		t.Error("after 0:", err)
	}
	fill(t, s, begin, begin+2)
	if first, last, err := n.Connect(t, Candidate).Stream().Ends(limited(t)); first != begin || last != begin+2 || err != nil {
		t.Errorf("as another node sees it: %d, %d, %v", first, last, err)
	}
}

func testAppend(t *testing.T, n Network) {
	s := create(t, n)
	fill(t, s, 1, 3)
	for _, after := range []uint64{0, 2, 4} {
		if _, err := s.Append(limited(t), after, fmt.Sprint("other", after), nil); !errors.Is(err, bus.ErrReplaced) {
			t.Errorf("after %d: %v", after, err)
		}
	}
	if first, last, err := s.Ends(limited(t)); first != 1 || last != 3 || err != nil {
		t.Error(first, last, err)
	}
	largest := bytes.Repeat([]byte{1}, bus.MaxMessage)
	if seq, err := s.Append(limited(t), 3, "largest", largest); seq != 4 || err != nil {
		t.Error(seq, err)
	}
	other := n.Connect(t, Candidate).Stream()
	if got, err := other.Get(limited(t), 4); err != nil || !bytes.Equal(got, largest) {
		t.Error("the largest message has changed:", len(got), err)
	}
	if _, err := other.Get(limited(t), 5); !errors.Is(err, bus.ErrGone) {
		t.Error("the message after the last:", err)
	}
	if first, last, err := other.Ends(limited(t)); first != 1 || last != 4 || err != nil {
		t.Error("as another node sees it:", first, last, err)
	}
}

func testSameID(t *testing.T, n Network) {
	s := create(t, n)
	fill(t, s, 1, 2)
	if seq, err := s.Append(limited(t), 0, "id1", []byte("1")); seq != 1 || err != nil {
		t.Error("the first again:", seq, err)
	}
	if _, last, err := s.Ends(limited(t)); last != 2 || err != nil {
		t.Error(last, err)
	}
}

func testRace(t *testing.T, n Network) {
	a := create(t, n)
	b := n.Connect(t, Candidate).Stream()
	type outcome struct {
		seq uint64
		err error
	}
	for after := range uint64(20) {
		outcomes := make(chan outcome, 2)
		for i, s := range []bus.Stream{a, b} {
			go func() {
				seq, err := s.Append(limited(t), after, fmt.Sprint("id", after, i), []byte{byte(i)})
				outcomes <- outcome{seq, err}
			}()
		}
		won, refused := 0, 0
		for range 2 {
			o := <-outcomes
			if o.err == nil && o.seq == after+1 {
				won++
			}
			if errors.Is(o.err, bus.ErrReplaced) {
				refused++
			}
		}
		if won != 1 || refused != 1 {
			t.Fatalf("after %d: %d won, %d were refused", after, won, refused)
		}
	}
}

func testLog(t *testing.T, n Network) {
	s := create(t, n)
	follower := n.Connect(t, Follower)
	heard := listen(t, follower, bus.Log)
	seq := uint64(0)
	eventually(t, "what is appended is heard", func() bool {
		seq++
		fill(t, s, seq, seq)
		select {
		case m := <-heard.heard:
			return m.Seq == seq
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	fill(t, s, seq+1, seq+20)
	for want := seq + 1; want <= seq+20; want++ {
		if m := heard.next(t); m.Seq != want || string(m.Data) != fmt.Sprint(want) || m.Topic != bus.Log {
			t.Fatalf("heard %d %q, not %d", m.Seq, m.Data, want)
		}
	}
}

func testRead(t *testing.T, n Network) {
	s := create(t, n)
	const messages = 600
	fill(t, s, 1, messages)
	for _, b := range []bus.Stream{s, n.Connect(t, Candidate).Stream()} {
		for _, span := range [][2]uint64{{1, messages}, {17, 17}, {255, 258}, {3, 2}} {
			next := span[0]
			err := b.Read(limited(t), span[0], span[1], func(seq uint64, data []byte) error {
				if seq != next || string(data) != fmt.Sprint(seq) {
					t.Fatalf("read %d %q, not %d", seq, data, next)
				}
				next++
				return nil
			})
			if err != nil || next != span[1]+1 {
				t.Errorf("%v: read up to %d, %v", span, next-1, err)
			}
		}
		if err := b.Read(limited(t), messages, messages+1, func(uint64, []byte) error { return nil }); !errors.Is(err, bus.ErrGone) {
			t.Error("more than there is:", err)
		}
	}
	enough := errors.New("enough")
	if err := s.Read(limited(t), 1, 10, func(uint64, []byte) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

func testPurge(t *testing.T, n Network) {
	s := create(t, n)
	fill(t, s, 1, 10)
	if err := s.Purge(limited(t), 8); err != nil {
		t.Fatal(err)
	}
	for _, b := range []bus.Stream{s, n.Connect(t, Candidate).Stream()} {
		if first, last, err := b.Ends(limited(t)); first != 8 || last != 10 || err != nil {
			t.Error(first, last, err)
		}
		if _, err := b.Get(limited(t), 7); !errors.Is(err, bus.ErrGone) {
			t.Error("what was purged:", err)
		}
		if got, err := b.Get(limited(t), 8); string(got) != "8" || err != nil {
			t.Errorf("what is left: %q, %v", got, err)
		}
		err := b.Read(limited(t), 5, 10, func(uint64, []byte) error { return nil })
		if !errors.Is(err, bus.ErrGone) {
			t.Error("read:", err)
		}
	}
	fill(t, s, 11, 11)
	if err := s.Purge(limited(t), 100); err != nil {
		t.Fatal(err)
	}
	if first, last, err := s.Ends(limited(t)); first != 12 || last != 11 || err != nil {
		t.Error("all purged:", first, last, err)
	}
	fill(t, s, 12, 12)
}
