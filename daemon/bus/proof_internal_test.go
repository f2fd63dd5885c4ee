package bus

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go"
)

// question returns a question that says that it is from a node.
func question(from, reply string, words ...string) *nats.Msg {
	return &nats.Msg{Reply: reply, Header: nats.Header{fromHeader: {from}, wordHeader: words}}
}

// A node is told its word in its own inbox, and believed when it says it. Nobody else is.
func TestAWordIsToldToItsNodeOnly(t *testing.T) {
	t.Parallel()
	s, g := subjects{"imapvigil"}, newWordGiver(Seat)
	from, tell, ok := g.identify(s, question("lon1", "_INBOX.iv.imapvigil.lon1.x"))
	if from != "" || ok || tell == nil || tell.Subject != "_INBOX.iv.imapvigil.lon1.x" {
		t.Fatalf("%q, %+v, %v", from, tell, ok)
	}
	word := tell.Header.Get(wordHeader)
	if from, tell, ok := g.identify(s, question("lon1", "_INBOX.iv.imapvigil.lon1.x", "another", word)); from != "lon1" || tell != nil || !ok {
		t.Errorf("with the word: %q, %+v, %v", from, tell, ok)
	}
	if from, _, ok := g.identify(s, question("fra1", "_INBOX.iv.imapvigil.fra1.x", word)); ok {
		t.Errorf("with the word of another node it is %q", from)
	}
	if from, _, ok := newWordGiver(Seat).identify(s, question("lon1", "_INBOX.iv.imapvigil.lon1.x", word)); ok {
		t.Errorf("with the word of whoever answered before it is %q", from)
	}
	for _, reply := range []string{"_INBOX.iv.imapvigil.lon1.x", "iv.imapvigil.journal", "_INBOX.iv.imapvigil.fra1", "_INBOX.iv.imapvigil.fra11.x", ""} {
		if from, tell, ok := g.identify(s, question("fra1", reply, g.wordFor("fra1"))); from != "" || tell != nil || ok {
			t.Errorf("with the inbox %q it is %q, %+v, %v", reply, from, tell, ok)
		}
	}
	// An earlier imapvigil says no name.
	if from, tell, ok := g.identify(s, &nats.Msg{Reply: "_INBOX.iv.imapvigil.fra1.x"}); from != "" || tell != nil || !ok {
		t.Errorf("without a name: %q, %+v, %v", from, tell, ok)
	}
}

// FuzzIdentify: whatever is in a question, an answer goes into the inbox of the node that it is from.
func FuzzIdentify(f *testing.F) {
	s, g := subjects{"imapvigil"}, newWordGiver(Seat)
	f.Add("lon1", "_INBOX.iv.imapvigil.lon1.x", "")
	f.Add("", "iv.imapvigil.journal", "")
	f.Add("a.b", "_INBOX.iv.imapvigil.a/b.x", "")
	f.Fuzz(func(t *testing.T, from, reply, word string) {
		for _, said := range []string{word, g.wordFor(from)} {
			m := &nats.Msg{Reply: reply, Header: nats.Header{}}
			m.Header.Set(fromHeader, from)
			m.Header.Set(wordHeader, said)
			known, tell, ok := g.identify(s, m)
			if !ok && tell == nil {
				continue
			}
			if !strings.HasPrefix(reply, "_INBOX.iv.imapvigil.") || from != "" && !strings.HasPrefix(reply, s.inbox(from)+".") {
				t.Errorf("%q is answered into %q", from, reply)
			}
			if ok && known != from || known != "" && said != g.wordFor(known) || tell != nil && tell.Subject != reply {
				t.Errorf("%q with %q is %q, %v, %+v", from, said, known, ok, tell)
			}
		}
	})
}

func TestOnlyTheNewestWordsAreKept(t *testing.T) {
	t.Parallel()
	var w words
	for _, word := range []string{"1", "2", "2", "3", strings.Repeat("x", longestWord+1), "4", "5"} {
		w.keepWord(Seat, word)
	}
	if got := w.wordsUnder(Seat); !slices.Equal(got, []string{"5", "4", "3", "2"}) || len(w.wordsUnder(Beat)) != 0 {
		t.Errorf("%q", got)
	}
}

// However much one node asks, a few of its questions are answered at once, and there is room for others.
func TestOneNodeLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a askers
		ctx, cancel := context.WithCancel(t.Context())
		running, most, heard := 0, 0, 0
		for range 1000 {
			who := a.admitQuestion("lon1")
			if who == nil {
				continue
			}
			heard++
			go func() {
				defer a.freeRoomOf("lon1")
				who.runInTurn(ctx, func() {
					a.mu.Lock()
					running++
					most = max(most, running)
					a.mu.Unlock()
					<-ctx.Done()
				})
			}()
		}
		synctest.Wait()
		if heard != maxAskedBy || most != maxAnsweringTo {
			t.Errorf("%d were heard, %d answered at once", heard, most)
		}
		if who := a.admitQuestion("fra1"); who == nil {
			t.Error("another node is not heard")
		} else {
			answered := false
			who.runInTurn(ctx, func() { answered = true })
			a.freeRoomOf("fra1")
			if !answered {
				t.Error("another node is not answered")
			}
		}
		cancel()
		synctest.Wait()
		if a.all != 0 || len(a.nodes) != 0 {
			t.Errorf("%d questions of %d nodes are left", a.all, len(a.nodes))
		}
		for i := range 1000 {
			a.admitQuestion(string(rune('a' + i%8)))
		}
		if a.all != maxAnswering {
			t.Errorf("all together %d are heard", a.all)
		}
	})
}
