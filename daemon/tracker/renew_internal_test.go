package tracker

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Somebody deletes the journal under the tracker. What the tracker knows is
// written anew, and a start finds it: incidents, silences, what was told to whom.
func TestADeletedJournalIsWrittenAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		j := b.Journal.(*journal.Journal)
		b.inputs(begun("i", "c", b.now).handle, func(_ *Tracker, r *round) {
			if _, err := b.silence(r, outbox.Silence{Scope: outbox.Scope{Check: "c"}, Reason: "racks", Until: b.now.Add(time.Hour)}); err != nil {
				t.Error(err)
			}
		})
		told := outbox.Notification{Key: "k", At: b.now, Items: []outbox.Item{{Incident: "i", Transition: "opened", Episode: 1}}}
		r := &round{now: b.now}
		decide(r, []outbox.Notification{told})
		b.appendRecords(r)
		b.notificationJournaled(told)
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Tracker.Run(ctx) }()
		if err := b.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		j.Verify()
		for j.Status().Losses == 0 || !j.Status().Durable {
			<-j.Changed()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		before, keys := b.known(), len(b.book.Of("i"))
		b.again()
		if d := cmp.Diff(before, b.known()); d != "" || len(b.silences) != 1 || keys != 1 || len(b.book.Of("i")) != 1 {
			t.Errorf("%d silences, %d messages (-memory +replay):\n%s", len(b.silences), len(b.book.Of("i")), d)
		}
	})
}

// It may be deleted a moment before the daemon ends.
func TestAJournalThatIsDeletedAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBounded(t)
		b.inputs(begun("i", "c", b.now).handle)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
		if err := b.Tracker.Run(ctx); err != nil {
			t.Fatal(err)
		}
		before := b.known()
		b.again()
		if d := cmp.Diff(before, b.known()); d != "" || len(before) != 1 {
			t.Errorf("(-memory +replay):\n%s", d)
		}
	})
}

// A journal that refuses the snapshot asks again.
func TestARenewalThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	g := &grown{refuses: 1}
	tr, err := Open(Options{Journal: g})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tr.addEvents(&round{now: now}, []incident.Event{begun("i", "c", now)[0]})
	for range 2 {
		tr.renewing = true
		if err := tr.round(context.Background(), nil, now); err != nil {
			panic(err)
		}
	}
	if g.compactions != 2 || len(g.kept) != 1 || tr.renewing {
		t.Errorf("%d compactions, kept %v", g.compactions, g.kept)
	}
}

var errRefused = errors.New("refused")
