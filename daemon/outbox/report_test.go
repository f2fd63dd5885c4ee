package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

var october = [2]time.Time{time.Date(2026, 9, 30, 22, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)}

func reportNotice(key string, at time.Time) outbox.ReportNotice {
	return outbox.ReportNotice{Key: outbox.Key(key), At: at, NotifyID: mail, Roles: []config.RoleID{"it"}, Kind: "email", To: toIt, Report: "customers", From: october[0], Until: october[1]}
}

// TestReportNotices go to each email destination of the roles once, and to nothing else.
func TestReportNotices(t *testing.T) {
	t.Parallel()
	to := func(addresses ...string) notifiers.Target {
		target, err := email.NewTarget(addresses, nil)
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	block := func(role config.RoleID, notifier config.NotifierID, target notifiers.Target) config.Notify {
		return config.Notify{ID: config.NotifyID{Role: role, Notifier: notifier, Target: target.String()}, Target: target}
	}
	cfg := &config.Config{
		Notifiers: map[config.NotifierID]*config.Notifier{
			"email.a": {ID: "email.a", Settings: email.Settings{}}, "slack.b": {ID: "slack.b", Settings: slack.Settings{}},
		},
		Roles: map[config.RoleID]*config.Role{
			"boss": {ID: "boss", Notify: []config.Notify{block("boss", "email.a", to("boss@example.org")), block("boss", "slack.b", to("x@example.org"))}},
			"both": {ID: "both", Notify: []config.Notify{block("both", "email.a", to("boss@example.org")), block("both", "email.a", to("it@example.org"))}},
		},
	}
	now := october[1].Add(time.Hour)
	list, err := outbox.NewReportNotices(cfg, &config.Report{Name: "customers", Roles: []config.RoleID{"boss", "both", "gone"}}, "2026-10", october[0], october[1], now)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if list[0].Key != "report/customers/2026-10" || list[0].NotifyID.Target != "boss@example.org" || len(list[0].Roles) != 2 {
		t.Errorf("the first: %+v", list[0])
	}
	if list[1].Key != "report/customers/2026-10/2" || list[1].NotifyID.Target != "it@example.org" || string(list[1].To) != `{"to":"it@example.org"}` {
		t.Errorf("the second: %+v", list[1])
	}
}

// TestReportsAreTriedForAWeek is given up when the report has become too old, even one that was
// decided late.
func TestReportsAreTriedForAWeek(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{time.Hour, 6 * 24 * time.Hour, 7*24*time.Hour - time.Minute} {
		book := outbox.NewReportBook()
		now := october[1].Add(late)
		book.Apply(reportNotice("report/customers/2026-10", now))
		attempts := 0
		for {
			d, again := book.Next(now)
			if d == nil {
				if again.IsZero() {
					break
				}
				now = again
				continue
			}
			book.Begin(d.ReportNotice.Key)
			attempts++
			book.ApplyOutcome(outbox.Conclude(d.Delivery, notifiers.Receipt{}, errors.New("no route"), now, 0.9))
		}
		d, _ := book.Delivery("report/customers/2026-10")
		end := october[1].Add(outbox.ReportsLate)
		if d.State != outbox.Expired || now.Before(end) || now.After(end.Add(time.Hour)) || attempts < 4 {
			t.Errorf("decided %s late, it is %s at %s after %d attempts", late, d.State, now, attempts)
		}
	}
}

// TestReportsOfAJournal gives the same book when what was journaled is applied again, before and
// after what is old was forgotten; and never two attempts are under way.
func TestReportsOfAJournal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		book := outbox.NewReportBook()
		now := october[1]
		var journal [][]byte
		write := func(value any) {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			journal = append(journal, text)
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "minutes")) * time.Minute)
			if rapid.Bool().Draw(t, "decide") {
				key := rapid.SampledFrom([]string{"report/a/1", "report/a/2", "report/b/1"}).Draw(t, "key")
				if !book.Decided(outbox.Key(key)) {
					n := reportNotice(key, now)
					write(n)
					book.Apply(n)
				}
				continue
			}
			d, _ := book.Next(now)
			if d == nil {
				continue
			}
			book.Begin(d.ReportNotice.Key)
			if other, _ := book.Next(now.Add(time.Hour)); other != nil {
				t.Fatalf("two attempts are under way: %s and %s", d.ReportNotice.Key, other.ReportNotice.Key)
			}
			var err error
			if rapid.Bool().Draw(t, "fails") {
				err = errors.New("no")
			}
			o := outbox.Conclude(d.Delivery, notifiers.Receipt{}, err, now, 0.5)
			write(o)
			book.ApplyOutcome(o)
		}
		replayed := outbox.NewReportBook()
		for _, text := range journal {
			var n outbox.ReportNotice
			var o outbox.Outcome
			if _ = json.Unmarshal(text, &n); n.Report != "" {
				replayed.Apply(n)
			} else if err := json.Unmarshal(text, &o); err == nil {
				replayed.ApplyOutcome(o)
			}
		}
		if diff := cmp.Diff(states(book), states(replayed)); diff != "" {
			t.Fatalf("a replay gives another book (-want +got):\n%s", diff)
		}
		kept := outbox.NewReportBook()
		for _, d := range book.Keep(now) {
			kept.Apply(d.ReportNotice)
			if d.Attempts > 0 {
				kept.ApplyOutcome(d.Last)
			}
		}
		if diff := cmp.Diff(states(book), states(kept)); diff != "" {
			t.Fatalf("what is kept gives another book (-want +got):\n%s", diff)
		}
	})
}

func states(b *outbox.ReportBook) map[outbox.Key]string {
	list := map[outbox.Key]string{}
	for _, d := range b.List() {
		list[d.ReportNotice.Key] = string(d.State) + " " + d.NextAt.UTC().String()
	}
	return list
}

// TestReportsAreForgottenLate remembers a report that was sent for longer than it could be sent
// again.
func TestReportsAreForgottenLate(t *testing.T) {
	t.Parallel()
	book := outbox.NewReportBook()
	n := reportNotice("report/customers/2026-10", october[1])
	book.Apply(n)
	book.ApplyOutcome(outbox.Outcome{Key: n.Key, At: n.At, State: outbox.Sent, Attempts: 1})
	if len(book.Keep(n.At.AddDate(0, 4, 0))) != 1 {
		t.Error("it is forgotten after four months")
	}
	if len(book.Keep(n.At.AddDate(0, 8, 0))) != 0 {
		t.Error("it is remembered for ever")
	}
}

// TestReportIsComposedInItsAttempt, not where alarms are decided; one that cannot be made is tried
// again.
func TestReportIsComposedInItsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got reports
		s := outbox.NewSender(got.add)
		made := errors.New("the history is not available")
		s.Compose = func(_ context.Context, r notifiers.Report, _ time.Time) (notifiers.Report, error) {
			r.Subject = "made"
			return r, made
		}
		var subjects []string
		s.Use(map[config.NotifierID]outbox.Channel{mail.Notifier: {Settings: settings{}, Notifier: notifier(func(_ context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
			subjects = append(subjects, m.Report.Subject)
			return notifiers.Receipt{}, nil
		})}})
		m := notifiers.Message{Key: "report/customers/2026-10", Report: &notifiers.Report{Name: "customers"}}
		s.Send(mail, toIt, m)
		if list := got.take(); len(list) != 1 || list[0].Err == nil || notifiers.IsPermanent(list[0].Err) {
			t.Errorf("%+v", list)
		}
		made = nil
		s.Send(mail, toIt, m)
		if list := got.take(); len(list) != 1 || list[0].Err != nil || len(subjects) != 1 || subjects[0] != "made" {
			t.Errorf("%+v, sent %q", list, subjects)
		}
		s.Stop(t.Context())
	})
}
