package outbox_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// TestDismiss follows a message that was given up: dismissed it counts as nobody's trouble,
// after a replay and a compaction, too; and it can still be sent again.
func TestDismiss(t *testing.T) {
	at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	told := outbox.Notification{
		Key: "iv_1", At: at, NotifyID: config.NotifyID{Role: "it", Notifier: "slack.work", Target: "#ops"}, Kind: "slack",
		Items: []outbox.Item{{Incident: "i1", Transition: notifiers.Opened, Episode: 1}},
	}
	dead := outbox.Outcome{Key: "iv_1", At: at.Add(time.Second), State: outbox.Dead, Attempts: 3}
	book := func(outcomes ...outbox.Outcome) *outbox.Book {
		b := outbox.NewBook()
		b.Apply(told)
		for _, o := range outcomes {
			// As the journal has it.
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			var read outbox.Outcome
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			b.ApplyOutcome(read)
		}
		return b
	}
	counts := func(b *outbox.Book) [2]int {
		queued, dead := b.Counts()
		return [2]int{queued, dead}
	}

	if _, err := book().Dismiss("iv_1", "anna", at); err == nil {
		t.Error("a message is dismissed that is still being sent")
	}
	if _, err := book().Dismiss("iv_2", "anna", at); err == nil || err.Error() != "there is no delivery iv_2" {
		t.Errorf("an unknown message: %v", err)
	}
	b := book(dead)
	if got := counts(b); got != [2]int{0, 1} {
		t.Errorf("given up: %v", got)
	}
	o, err := b.Dismiss("iv_1", "anna", at.Add(time.Hour))
	if err != nil || o.State != outbox.Dead || o.Attempts != 3 || !o.At.Equal(dead.At) {
		t.Fatalf("%+v, %v", o, err)
	}
	for name, b := range map[string]*outbox.Book{"replayed": book(dead, o), "compacted": book(o)} {
		d, _ := b.Delivery("iv_1")
		if got := counts(b); got != [2]int{0, 0} || d.Neglected() || d.Last.DismissedBy != "anna" {
			t.Errorf("%s: %v, %+v", name, got, d.Last)
		}
		if _, err := b.Dismiss("iv_1", "bert", at); err == nil || err.Error() != "delivery iv_1 is dismissed already" {
			t.Errorf("%s: dismissed twice: %v", name, err)
		}
		again, err := b.Redeliver("iv_1", at.Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b.ApplyOutcome(again)
		if got := counts(b); got != [2]int{1, 0} {
			t.Errorf("%s: sent again: %v", name, got)
		}
		dead := dead
		dead.At = at.Add(3 * time.Hour)
		b.ApplyOutcome(dead)
		if got := counts(b); got != [2]int{0, 1} {
			t.Errorf("%s: given up again: %v", name, got)
		}
	}

	// A version that knows no dismissals folds a second end, which changes nothing.
	o.DismissedAt, o.DismissedBy = time.Time{}, ""
	b = book(dead, o)
	if d, _ := b.Delivery("iv_1"); !d.Neglected() || counts(b) != [2]int{0, 1} {
		t.Errorf("without the dismissal: %v, %+v", counts(b), d.Last)
	}
}
