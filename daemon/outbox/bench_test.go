package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// storm is 10,000 open incidents of one role with three ways.
func storm(b *testing.B) outbox.World {
	var ways []config.Notify
	for _, spec := range []string{"email.mail:it@", "webhook.hook", "sms.twilio:+1,after=15m"} {
		w, err := way("it", spec)
		if err != nil {
			b.Fatal(err)
		}
		ways = append(ways, w)
	}
	w := outbox.World{Rates: outbox.DefaultRates, Notifiers: channels(nil)}
	for i := range 10_000 {
		w.Subjects = append(w.Subjects, outbox.Subject{
			Incident: incident.Incident{
				ID: incident.ID(fmt.Sprintf("%010d", i)), Check: config.CheckID(fmt.Sprintf("mx%d/imaps", i)),
				Condition: config.ConditionService, Severity: config.SeverityDown, ReportedAt: epoch, StartedAt: epoch, Reported: 1,
			},
			Notify: ways, Remind: 12 * time.Hour, Fresh: true,
		})
	}
	return w
}

// BenchmarkPlan is what one look at 10,000 open incidents costs: when nobody
// has been told yet, when all is told, and when all of it is still queued.
func BenchmarkPlan(b *testing.B) {
	w := storm(b)
	now := epoch.Add(time.Minute)
	b.Run("untold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if tell := outbox.Plan(outbox.NewBook(), w, now).Tell; len(tell) != 10_001 {
				b.Fatal(len(tell))
			}
		}
	})
	b.Run("told", func(b *testing.B) {
		b.ReportAllocs()
		book := outbox.NewBook()
		tell := outbox.Plan(book, w, now).Tell
		for _, t := range tell {
			book.Apply(t)
			book.ApplyOutcome(outbox.Outcome{Key: t.Key, State: outbox.Sent})
		}
		for b.Loop() {
			if tell := outbox.Plan(book, w, now.Add(time.Minute)).Tell; len(tell) != 0 {
				b.Fatal(len(tell))
			}
		}
	})
	b.Run("queued", func(b *testing.B) {
		b.ReportAllocs()
		book := outbox.NewBook()
		for _, t := range outbox.Plan(book, w, now).Tell {
			book.Apply(t)
		}
		for b.Loop() {
			if tell := outbox.Plan(book, w, now.Add(time.Minute)).Tell; len(tell) != 0 {
				b.Fatal(len(tell))
			}
		}
	})
}

// BenchmarkDue is what choosing the next attempts among 10,000 costs.
func BenchmarkDue(b *testing.B) {
	w := storm(b)
	book := outbox.NewBook()
	tell := outbox.Plan(book, w, epoch.Add(time.Minute)).Tell
	for _, t := range tell {
		book.Apply(t)
	}
	const want = 1 + 16 // people get one message at a time, a program 16
	b.ReportAllocs()
	for b.Loop() {
		if due, _ := book.Due(epoch.Add(time.Minute), func(*outbox.Delivery) bool { return false }, func(id incident.ID) outbox.Topic { return outbox.Topic{Check: config.CheckID(id)} }); len(due) != want {
			b.Fatal(len(due))
		}
	}
}
