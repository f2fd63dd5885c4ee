package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// said makes what a notifier says of recipients: "a sent, b retrying full".
func said(text string) (list []notifiers.Recipient) {
	for one := range strings.SplitSeq(text, ", ") {
		if fields := strings.SplitN(one, " ", 3); len(fields) > 1 {
			fields = append(fields, "")
			list = append(list, notifiers.Recipient{Address: fields[0], State: notifiers.RecipientState(fields[1]), Answer: opaque.Sanitise(fields[2])})
		}
	}
	return list
}

func shown(list []notifiers.Recipient) string {
	var parts []string
	for _, one := range list {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", one.Address, one.State, one.Answer)))
	}
	return strings.Join(parts, ", ")
}

// What an attempt says of each recipient is added to what is known of them.
func TestConcludeForEachRecipient(t *testing.T) {
	t.Parallel()
	var (
		later  = errors.New("later")
		never  = notifiers.Permanent(errors.New("never"))
		answer = notifiers.Receipt{Answer: opaque.Sanitise("250 ok")}
	)
	for _, c := range []struct {
		name     string
		before   string
		attempts int
		said     string
		err      error
		after    time.Duration
		want     string // state, settled recipients, recipients, answer
	}{
		{"all alike", "", 0, "", nil, 0, "sent | | | 250 ok"},
		{
			"one is deferred", "", 0, "a sent ok, b retrying full", later, 0,
			"retrying | a | a sent ok, b retrying full | later",
		},
		{
			"one is refused", "", 0, "a sent ok, b dead who", nil, 0,
			"sent | a | a sent ok, b dead who | 250 ok",
		},
		{
			"the deferred one gets it", "a sent ok, b retrying full", 1, "", nil, time.Minute,
			"sent | a b | a sent ok, b sent 250 ok | 250 ok",
		},
		{
			"the deferred one gets it, another one was refused", "a sent ok, b retrying full, c dead who", 1, "", nil, time.Minute,
			"sent | a b | a sent ok, b sent 250 ok, c dead who | 250 ok; refused: c: who",
		},
		{
			"the server is away", "a sent ok, b retrying full", 1, "", errors.New("away"), time.Minute,
			"retrying | a | a sent ok, b retrying away | away",
		},
		{
			"two are answered differently", "a sent ok, b retrying full, c retrying full", 1, "b dead who, c retrying still", later, time.Minute,
			"retrying | a b | a sent ok, b dead who, c retrying still | later",
		},
		{
			"the deferred one is refused", "a sent ok, b retrying full", 2, "", never, time.Minute,
			"sent | a | a sent ok, b dead never | 1 of 2 recipients got it; refused: b: never",
		},
		{
			"the deferred one is given up", "a sent ok, b retrying full", 99, "", later, 72 * time.Hour,
			"sent | a | a sent ok, b dead later | 1 of 2 recipients got it; refused: b: later",
		},
		{
			"nobody has it, and it is given up", "a retrying full, b dead who", 99, "", later, 72 * time.Hour,
			"expired | | a dead later, b dead who | later",
		},
		{
			"all are refused, the first time", "", 0, "a dead who, b dead you", never, 0,
			"retrying | | a dead who, b dead you | never",
		},
		{
			"all are refused, the third time", "a dead who, b dead you", 2, "a dead who, b dead you", never, time.Minute,
			"dead | | a dead who, b dead you | never",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := outbox.NewBook()
			b.Apply(outbox.Notification{Key: "k", At: epoch})
			before := outbox.Outcome{Key: "k", At: epoch, State: outbox.Retrying, Attempts: c.attempts, Poisoned: c.attempts, Receipt: notifiers.Receipt{Recipients: said(c.before)}}
			b.ApplyOutcome(before)
			d, _ := b.Delivery("k")
			receipt := notifiers.Receipt{Recipients: said(c.said)}
			if c.err == nil {
				receipt.Answer = answer.Answer
			}
			o := outbox.Conclude(*d, receipt, c.err, epoch.Add(c.after), 0.5)
			b.ApplyOutcome(o)
			got := fmt.Sprintf("%s | %s | %s | %s", d.State, strings.Join(d.Settled(), " "), shown(d.Recipients()), d.Answer())
			if got = strings.ReplaceAll(strings.ReplaceAll(got, "|  |", "| |"), "|  |", "| |"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Whatever a server answers, who has got a message is never sent it again, and who
// is deferred is asked again until the message is final.
func TestRecipientsGetItOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "recipients")]
		b := outbox.NewBook()
		b.Apply(outbox.Notification{Key: "k", At: epoch})
		d, _ := b.Delivery("k")
		got := map[string]int{}
		for now := epoch; !d.State.Final(); now = d.NextAt {
			settled := map[string]bool{}
			for _, address := range d.Settled() {
				settled[address] = true
			}
			r := receiver{err: errors.New("away")}
			if rapid.Bool().Draw(t, "answers") {
				for _, address := range all {
					if settled[address] {
						continue
					}
					state := rapid.SampledFrom([]notifiers.RecipientState{notifiers.RecipientSent, notifiers.RecipientRetrying, notifiers.RecipientDead}).Draw(t, address)
					r.recipients = append(r.recipients, notifiers.Recipient{Address: address, State: state})
					if state == notifiers.RecipientSent {
						got[address]++
					}
				}
			}
			receipt, err := r.answer(d.Settled())
			b.ApplyOutcome(outbox.Conclude(*d, receipt, err, now, 0.5))
		}
		anybody := false
		for _, address := range all {
			if got[address] > 1 {
				t.Fatalf("%s got it %d times", address, got[address])
			}
			anybody = anybody || got[address] > 0
		}
		if (d.State == outbox.Sent) != anybody {
			t.Fatalf("it is %s, and %v have it", d.State, got)
		}
		for _, one := range d.Recipients() {
			if one.State == notifiers.RecipientRetrying || (one.State == notifiers.RecipientSent) != (got[one.Address] == 1) {
				t.Fatalf("it is %s, %v have it, and the book says %s", d.State, got, shown(d.Recipients()))
			}
		}
	})
}
