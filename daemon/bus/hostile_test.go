//go:build !quick

package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// Whoever asks says where the answer goes. A node that may not decide, and that somebody else controls, asks
// everything that a server or a node could answer, and wants each answer in the journal: nobody does
// that for it. Before, a server put its own "not found" there.
func TestNoAnswerGetsIntoTheJournal(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 3} {
		t.Run(fmt.Sprint(servers), func(t *testing.T) {
			t.Parallel()
			setup := three()
			setup.Servers = servers
			s := bustest.Start(t, setup)
			decider := withStream(t, s)
			appendPatiently(t, decider, 0)
			var mu sync.Mutex
			from := map[string]bool{}
			answer := func(_ context.Context, q bus.Question) []byte {
				mu.Lock()
				defer mu.Unlock()
				from[q.From+" "+string(q.Data)] = true
				return []byte("an answer")
			}
			for _, topic := range []bus.Topic{bus.Seat, bus.Node(bustest.Decider)} {
				stop, err := decider.Answer(topic, answer)
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
			}
			hostile := s.Raw(t, bustest.Follower)
			bustest.AskIntoTheJournal(t, hostile)
			// What comes after it is answered, so all of it was heard.
			follower := s.Connect(t, bustest.Follower)
			for _, topic := range []bus.Topic{bus.Seat, bus.Node(bustest.Decider)} {
				for ctx := limited(t); ; {
					if _, err := follower.Ask(ctx, topic, []byte("honest")); err == nil {
						break
					} else if ctx.Err() != nil {
						t.Fatal(err)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if !from[bustest.Follower+" honest"] || len(from) != 1 {
				t.Errorf("%v are answered", from)
			}
			holds(t, decider, 1)
			appendPatiently(t, decider, 1)
			holds(t, decider, 2)
		})
	}
}

// A node that asks is known by what only it hears, on servers and in all topics.
func TestANodeCannotAskAsAnother(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	decider, follower := s.Connect(t, bustest.Decider), s.Connect(t, bustest.Follower)
	asked := make(chan string, 100)
	stop, err := decider.Answer(bus.Seat, func(_ context.Context, q bus.Question) []byte {
		asked <- q.From + " " + string(q.Data)
		return []byte("an answer")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	hostile := s.Raw(t, bustest.Follower)
	for i, inbox := range []string{bustest.Candidate, bustest.Decider, bustest.Follower} {
		for _, name := range []string{bustest.Candidate, bustest.Decider} {
			reply := "_INBOX.iv." + bustest.Cluster + "." + inbox + "." + strconv.Itoa(i)
			bustest.Must(t, hostile.Ask(bus.Seat, reply, map[string]string{"Imapvigil-From": name, "Imapvigil-Word": "a guess"}, []byte("forged")))
		}
	}
	for ctx := limited(t); ; {
		if _, err := follower.Ask(ctx, bus.Seat, []byte("honest")); err == nil {
			break
		} else if !errors.Is(err, bus.ErrNobody) {
			t.Fatal(err)
		}
	}
	if first := <-asked; first != bustest.Follower+" honest" {
		t.Errorf("%q is answered", first)
	}
}

// Where the servers have the configuration of an earlier imapvigil, a node that does not decide reads the journal
// from them, as it did.
func TestServersOfAnEarlierImapvigil(t *testing.T) {
	t.Parallel()
	setup := three()
	setup.Servers, setup.Earlier = 1, true
	s := bustest.Start(t, setup)
	decider := withStream(t, s)
	for after := range uint64(3) {
		appendPatiently(t, decider, after)
	}
	follower := s.Connect(t, bustest.Follower)
	holds(t, follower, 3)
	if _, err := follower.Stream().Get(limited(t), 4); !errors.Is(err, bus.ErrGone) {
		t.Error("the message after the last:", err)
	}
	if _, err := follower.Stream().Append(limited(t), 3, "id", nil); !errors.Is(err, bus.ErrForbidden) {
		t.Error("append:", err)
	}
}
