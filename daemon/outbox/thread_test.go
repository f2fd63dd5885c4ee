package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

// A message gets back what its channel returned for the first message about each incident and for
// the last one, also when the answers between had no thread, and from a journal that was compacted.
func TestThreads(t *testing.T) {
	t.Parallel()
	to := outbox.Destination{Notifier: "slack.chat", Target: "#ops"}
	book := outbox.NewBook()
	told := 0
	deliver := func(thread string, ids ...incident.ID) {
		told++
		n := outbox.Notification{
			Key: outbox.Key(fmt.Sprint("iv_", told)), At: epoch.Add(time.Duration(told) * time.Minute), Kind: slack.Kind,
			NotifyID: config.NotifyID{Role: "it", Notifier: to.Notifier, Target: to.Target},
		}
		for _, id := range ids {
			n.Items = append(n.Items, outbox.Item{Incident: id, Transition: notifiers.Opened, Episode: 1, Worsened: told})
		}
		book.Apply(parse[outbox.Notification](text(n)))
		book.ApplyOutcome(parse[outbox.Outcome](text(outbox.Outcome{
			Key: n.Key, State: outbox.Sent, Attempts: 1, Receipt: notifiers.Receipt{Thread: thread},
		})))
	}
	deliver("", "a") // the answer had none
	deliver("t2", "a")
	deliver("t3", "b", "c")
	deliver("t4", "a", "b")
	deliver("", "a")
	check := func(when string) {
		t.Helper()
		for id, want := range map[incident.ID]notifiers.Thread{
			"a": {First: notifiers.Receipt{Thread: "t2"}, Last: notifiers.Receipt{Thread: "t4"}, Alone: true},
			"b": {First: notifiers.Receipt{Thread: "t3"}, Last: notifiers.Receipt{Thread: "t4"}},
			"c": {First: notifiers.Receipt{Thread: "t3"}, Last: notifiers.Receipt{Thread: "t3"}},
			"d": {},
		} {
			got := book.Thread(id, to)
			if got.First.Thread != want.First.Thread || got.Last.Thread != want.Last.Thread || got.Alone != want.Alone {
				t.Errorf("%s, %s belongs to %+v, want %+v", when, id, got, want)
			}
		}
	}
	check("at first")
	kept := book.Keep(func(incident.ID) bool { return true })
	book = outbox.NewBook()
	for _, d := range kept {
		book.Apply(parse[outbox.Notification](text(d.Notification)))
		book.ApplyOutcome(parse[outbox.Outcome](text(d.Last)))
	}
	check("from a compacted journal")
}
