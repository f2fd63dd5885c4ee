package outbox_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// TestForeseeAgreesWithPlan: what is foreseen is what a daemon sends that looks every few
// seconds, whatever the notify blocks ask for and whatever is silenced or in maintenance;
// and each destination is foreseen or has a reason.
func TestForeseeAgreesWithPlan(t *testing.T) {
	t.Parallel()
	const horizon, step = 90 * time.Minute, 5 * time.Second
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawFiles(t)
		c := cfg.Checks["mx1/imaps"]
		condition := rapid.SampledFrom([]config.Condition{config.ConditionService, config.ConditionCertificate}).Draw(t, "condition")
		subject := outbox.Suppose(cfg, c, condition, condition.Severity(), epoch)
		w := outbox.WorldOf(cfg)
		w.AssumeWell(c.ID)
		for range rapid.IntRange(0, 2).Draw(t, "silences") {
			from := epoch.Add(time.Duration(rapid.IntRange(-10, 10).Draw(t, "from")) * time.Minute)
			until := from.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute)
			scope := rapid.SampledFrom([]outbox.Scope{{Role: "a"}, {Role: "b"}, {Check: c.ID}, {Check: "other"}, {Server: "mx1"}}).Draw(t, "scope")
			w.Silences = append(w.Silences, outbox.NewSilence(scope, "", from, until))
		}
		if rapid.Bool().Draw(t, "parent is down") {
			in := outbox.Suppose(cfg, cfg.Checks["gw"], config.ConditionService, config.SeverityDown, epoch.Add(-time.Hour)).Incident
			w.Services["gw"] = outbox.Service{Incident: in, Observed: true}
		}

		forecast := outbox.Foresee(w, subject, horizon)
		var foreseen []string
		for _, s := range forecast.Sent {
			foreseen = append(foreseen, sentWords(s.NotifyID, s.Kind, s.Roles, s.Transition, s.At))
		}
		slices.Sort(foreseen)
		sent := stepByStep(w, subject, horizon, step)
		if diff := cmp.Diff(sent, foreseen); diff != "" {
			t.Fatalf("Plan sends, and Foresee says otherwise (-plan +foresee):\n%s", diff)
		}
		// People are one destination for all roles, and a program is one for each.
		isFor := func(block config.NotifyID, id config.NotifyID) bool {
			return id.Notifier == block.Notifier && id.Target == block.Target && (id.Notifier != "webhook.hook" || id.Role == block.Role)
		}
		for _, block := range subject.Notify {
			told := slices.ContainsFunc(forecast.Sent, func(s outbox.Foreseen) bool { return isFor(block.ID, s.NotifyID) })
			held := slices.ContainsFunc(forecast.Held, func(h outbox.Held) bool { return isFor(block.ID, h.NotifyID) })
			if told == held {
				t.Fatalf("%v is foreseen: %v, has a reason: %v", block.ID, told, held)
			}
		}
		if len(subject.Notify) == 0 && (len(forecast.Held) != 1 || forecast.Held[0].Reason != outbox.HeldByNobody) {
			t.Fatalf("nobody is notified, and the reason is %v", forecast.Held)
		}
	})
}

// stepByStep does what the daemon does, every step.
func stepByStep(w outbox.World, s outbox.Subject, horizon, step time.Duration) (sent []string) {
	book := outbox.NewBook()
	s.Remind = 0
	w.Subjects = []outbox.Subject{s}
	for now := s.ReportedAt; !now.After(s.ReportedAt.Add(horizon)); now = now.Add(step) {
		planned := outbox.Plan(book, w, now)
		book.Hold(w.Subjects, planned.Held)
		for _, n := range planned.Tell {
			book.Apply(n)
			book.ApplyOutcome(outbox.Outcome{Key: n.Key, At: now, State: outbox.Sent})
			sent = append(sent, sentWords(n.NotifyID, n.Kind, n.AskedBy(), n.Items[0].Transition, now))
		}
	}
	slices.Sort(sent)
	return sent
}

func sentWords(id config.NotifyID, kind notifiers.Kind, roles []config.RoleID, transition notifiers.Transition, at time.Time) string {
	return fmt.Sprintf("%s %s %s %s for %v at %s", kind, id.Notifier, id.Target, transition, roles, at.Sub(epoch))
}

// drawFiles draws a configuration of a check that two roles may hear of.
func drawFiles(t *rapid.T) *config.Config {
	minute := func(name string, low, high int) time.Duration {
		return time.Duration(rapid.IntRange(low, high).Draw(t, name)) * time.Minute
	}
	cfg := &config.Config{
		Notifiers: channels(nil), Roles: map[config.RoleID]*config.Role{}, Schedules: map[config.ScheduleID]*config.Schedule{},
		Checks: map[config.CheckID]*config.Check{
			"mx1/imaps": {ID: "mx1/imaps", Server: "mx1", Enabled: true, DependsOn: []config.Ref{{Check: "gw"}}, Policy: config.Policy{FaultTolerance: minute("tolerance", 0, 5), Remind: 4 * time.Hour}},
			"gw":        {ID: "gw", Enabled: true},
		},
		Servers: map[config.ServerID]*config.Server{"mx1": {ID: "mx1"}},
	}
	for _, id := range []config.ScheduleID{"soon", "now"} {
		from := epoch.Add(minute("window", 0, 30))
		if id == "now" {
			from = epoch.Add(-time.Hour)
		}
		w := config.Window{From: from.Hour()*60 + from.Minute(), To: from.Hour()*60 + from.Minute() + 1 + rapid.IntRange(0, 80).Draw(t, "to")}
		w.Days[from.Weekday()] = true
		cfg.Schedules[id] = &config.Schedule{ID: id, Zone: time.UTC, Windows: []config.Window{w}}
	}
	if rapid.Bool().Draw(t, "maintenance") {
		from := epoch.Add(minute("work", -20, 20))
		cfg.Maintenance = []config.Maintenance{{
			Name: "work", Zone: time.UTC, Start: from, Clock: from, Duration: minute("long", 1, 40), AppliesTo: []config.Ref{{Server: "mx1"}},
		}}
	}
	for _, id := range []config.RoleID{"a", "b"} {
		role := &config.Role{ID: id}
		for range rapid.IntRange(0, 3).Draw(t, "blocks") {
			role.Notify = append(role.Notify, config.Notify{
				ID: config.NotifyID{
					Role: id, Notifier: rapid.SampledFrom([]config.NotifierID{"email.mail", "sms.twilio", "webhook.hook"}).Draw(t, "notifier"),
					Target: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "target"),
				},
				Target: target("x"), After: minute("after", 0, 20) * time.Duration(rapid.IntRange(0, 1).Draw(t, "later")),
				During:     rapid.SampledFrom([]config.ScheduleID{"", "", "soon", "now"}).Draw(t, "during"),
				Severity:   rapid.SampledFrom([]config.Severity{config.SeverityDegraded, config.SeverityDown}).Draw(t, "severity"),
				Conditions: rapid.SampledFrom([]config.Conditions{0, config.ConditionSet(config.ConditionService)}).Draw(t, "conditions"),
				On:         rapid.SampledFrom([][]notifiers.Transition{nil, {notifiers.Closed}, {notifiers.Opened}, {notifiers.Reminder}}).Draw(t, "on"),
			})
		}
		cfg.Roles[id] = role
	}
	cfg.Checks["mx1/imaps"].Roles = rapid.SampledFrom([][]config.RoleID{{"a"}, {"a", "b"}, {}}).Draw(t, "roles")
	return cfg
}

// Whoever is silenced for longer than a forecast looks ahead is not said to wait for the schedule, at whatever time
// the incident begins.
func TestForeseeNamesTheSilenceThatOutlastsASchedule(t *testing.T) {
	t.Parallel()
	daily := func(id config.ScheduleID, from, to int) *config.Schedule {
		w := config.Window{From: from * 60, To: to * 60}
		for day := range w.Days {
			w.Days[day] = true
		}
		return &config.Schedule{ID: id, Zone: time.UTC, Windows: []config.Window{w}}
	}
	cfg := &config.Config{
		Notifiers: channels(nil),
		Schedules: map[config.ScheduleID]*config.Schedule{"office": daily("office", 8, 18), "evening": daily("evening", 20, 22)},
		Checks:    map[config.CheckID]*config.Check{"mx1/imaps": {ID: "mx1/imaps", Enabled: true, Roles: []config.RoleID{"boss", "ops"}}},
		Roles: map[config.RoleID]*config.Role{
			"boss": {ID: "boss", Notify: []config.Notify{{
				ID: config.NotifyID{Role: "boss", Notifier: "email.mail", Target: "x"}, Target: target("x"), During: "office",
			}}},
			// Each evening it is looked whether these people lack anything, when the office is closed.
			"ops": {ID: "ops", Notify: []config.Notify{{
				ID: config.NotifyID{Role: "ops", Notifier: "email.ops", Target: "y"}, Target: target("y"), During: "evening",
			}}},
		},
	}
	for hour := range 24 {
		begins := epoch.Add(time.Duration(hour) * time.Hour)
		w := outbox.WorldOf(cfg)
		until := begins.Add(30 * 24 * time.Hour)
		w.Silences = []outbox.Silence{outbox.NewSilence(outbox.Scope{Role: "boss"}, "", begins, until)}
		subject := outbox.Suppose(cfg, cfg.Checks["mx1/imaps"], config.ConditionService, config.SeverityDown, begins)
		held := outbox.Foresee(w, subject, outbox.Horizon).Held
		if len(held) != 1 || held[0].Reason != outbox.HeldBySilence || !held[0].Until.Equal(until) {
			t.Errorf("beginning at %s: %+v", begins, held)
		}
	}
}
