package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// However short ago somebody looked: who has a check probed, or pauses it, sees
// what came of it.
func TestViewShowsWhatWasAskedFor(t *testing.T) {
	tr, err := tracker.Open(tracker.Options{Journal: past{}, Sender: make(outgoing, 8)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	configure := func(enabled bool) {
		c := &config.Check{ID: "mx1/imaps", Enabled: enabled, Policy: config.Policy{FaultTolerance: time.Hour}}
		if err := tr.Configure(ctx, &config.Config{Checks: map[config.CheckID]*config.Check{c.ID: c}}); err != nil {
			t.Fatal(err)
		}
	}
	probe := func(findings ...incident.Finding) {
		now := time.Now()
		tr.Observe(ctx, incident.Result{
			Check: "mx1/imaps", Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService), Findings: findings,
		})
	}
	expect := func(state incident.CheckState, cause string) {
		t.Helper()
		if c := look(t, tr).Checks[0]; c.State != state || c.Cause != cause {
			t.Errorf("the check is %q with cause %q, want %q with %q", c.State, c.Cause, state, cause)
		}
	}

	configure(true)
	expect("unknown", "")
	probe()
	refused := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: "refused"}
	if _, err := tr.Await(ctx, "mx1/imaps", func() { go probe(refused) }); err != nil {
		t.Fatal(err)
	}
	expect("failing", "refused")
	configure(false)
	expect("paused", "")
}

// A probe that ends after its check was paused, or is gone, says nothing any more.
func TestLateResultsCountForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		for _, checks := range []map[config.CheckID]*config.Check{{}, {"partner": {ID: "partner"}}} {
			if err := w.tracker.Configure(t.Context(), &config.Config{Checks: checks}); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				w.observe("partner", config.ConditionSet(config.ConditionService), down)
			}
		}
		w.configure(&config.Config{}, "partner")
		if state := w.view().Checks[0].State; state != "unknown" {
			t.Errorf("the check is %s", state)
		}
	})
}

// A check that has another id is known under it at once.
func TestViewKnowsARenamedCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{}, "partner")
		w.observe("partner", config.ConditionSet(config.ConditionService))
		w.configure(&config.Config{Moved: []config.Move{{From: "partner", To: "acme"}}}, "acme")
		if c := w.view().Checks[0]; c.State != "ok" || c.LastProbeAt == nil {
			t.Errorf("the renamed check is shown as %+v", c)
		}
	})
}

// A check whose login was due and not tried is no better known than before: unknown at
// first, later what it was.
func TestLoginThatWasNotTriedShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		untried := incident.Finding{Condition: config.ConditionAccount, Health: incident.Unknown, Phase: config.PhaseLogin, Cause: config.CauseLoginNotTried}
		refused := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused}
		service, rest := config.ConditionSet(config.ConditionService, config.ConditionAccount), config.ConditionSet(config.ConditionCertificate)
		look := func(state incident.CheckState, cause string) {
			t.Helper()
			if c := w.view().Checks[0]; c.State != state || c.Cause != cause {
				t.Errorf("the check is %q with cause %q, want %q with %q", c.State, c.Cause, state, cause)
			}
		}
		w.configure(&config.Config{}, "partner")
		w.observe("partner", rest, untried)
		look("unknown", "login_not_tried")
		w.observe("partner", service)
		look("ok", "")
		w.observe("partner", rest, untried)
		look("ok", "")
		w.observe("partner", service, refused)
		w.observe("partner", rest, untried)
		look("failing", "refused")
	})
}

// A login that is left out is not observed: the incident of the account stays as
// it is, until there is a login again, or the files say that there is none.
func TestNothingIsKnownOfALoginThatIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		both := config.ConditionSet(config.ConditionService, config.ConditionAccount)
		rejected := incident.Finding{
			Condition: config.ConditionAccount, Health: incident.Degraded, Phase: config.PhaseLogin, Cause: config.CauseCredentialsRejected,
		}
		probeThrice := func(findings ...incident.Finding) {
			for range 3 {
				w.observe("partner", both, findings...)
			}
		}
		w.configure(&config.Config{}, "partner")
		probeThrice(rejected)
		w.configure(&config.Config{LoginLeftOut: map[config.CheckID]bool{"partner": true}}, "partner")
		probeThrice()
		if state := w.view().Incidents[0].State; state != "open" {
			t.Errorf("without a login the incident is %s", state)
		}
		w.configure(&config.Config{}, "partner")
		probeThrice()
		if state := w.view().Incidents[0].State; state != "closed" {
			t.Errorf("with a login that works the incident is %s", state)
		}
	})
}

// Somebody can take on what is open, and nothing else.
func TestOnlyWhatIsOpenIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		service := config.ConditionSet(config.ConditionService)
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		w.configure(&config.Config{}, "partner")
		w.observe("partner", service, down)
		w.observe("partner", service, down)
		id := w.view().Incidents[0].ID
		for _, step := range []struct {
			id   incident.ID
			well int // observations before it
			err  string
		}{
			{id: "nobody", err: "there is no incident nobody"},
			{id: id},
			{id: id, well: 3, err: "incident " + string(id) + " is not open"},
		} {
			for range step.well {
				w.observe("partner", service)
			}
			_, err := w.tracker.Acknowledge(t.Context(), step.id, tracker.Acknowledgement{Reason: "on it"})
			if (err == nil) != (step.err == "") || err != nil && err.Error() != step.err {
				t.Errorf("acknowledging %s: %v, want %q", step.id, err, step.err)
			}
		}
		if state := w.view().Incidents[0].State; state != "closed" {
			t.Errorf("the incident is %s", state)
		}
	})
}

// A failure is an incident when it is reported, or when it is over.
func TestAFailureIsNoIncidentYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{}, "partner")
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		for _, step := range []struct {
			findings  []incident.Finding
			incidents int
		}{{[]incident.Finding{down}, 0}, {nil, 0}, {nil, 1}} {
			w.observe("partner", config.ConditionSet(config.ConditionService), step.findings...)
			if n := len(w.view().Incidents); n != step.incidents {
				t.Errorf("%d incidents after %v, want %d", n, step.findings, step.incidents)
			}
		}
	})
}

// A silence that would be over already is refused, and one that is cannot be ended.
func TestSilencesThatAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.configure(&config.Config{}, "partner")
		scope := outbox.Scope{Check: "partner"}
		if _, err := w.tracker.Silence(t.Context(), outbox.Silence{Scope: scope, Until: time.Now()}); err == nil {
			t.Error("a silence without any length")
		}
		silence, err := w.tracker.Silence(t.Context(), outbox.Silence{Scope: scope, By: "anna", Until: time.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := w.tracker.EndSilence(t.Context(), silence.ID, "anna"); err == nil {
			t.Error("a silence ended twice")
		}
	})
}

// A later message about an incident knows the receipts of the first one and of the last one, so
// that it can be put beside them.
func TestMessagesOfAnIncidentAreAThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		certificate := config.ConditionSet(config.ConditionCertificate)
		soon := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon}
		critical := soon
		critical.Grade = 1
		hook := config.NotifyID{Role: "it", Notifier: "webhook.hook"}
		w.configure(&config.Config{
			Roles:     map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{{ID: hook, Target: webhook.Target{}}}}},
			Notifiers: map[config.NotifierID]*config.Notifier{"webhook.hook": {Settings: webhook.Settings{}}},
		}, "partner", "it")
		var threads []string
		for i, findings := range [][]incident.Finding{{soon}, {critical}, nil} {
			for range 3 {
				w.observe("partner", certificate, findings...)
			}
			m := <-w.sent
			thread := m.Items[0].Thread
			if m.Previous.Thread != thread.First.Thread {
				t.Errorf("belongs to %q and to %q", m.Previous.Thread, thread.First.Thread)
			}
			threads = append(threads, thread.First.Thread+" "+thread.Last.Thread)
			receipt := notifiers.Receipt{Thread: fmt.Sprintf("message %d", i+1)}
			w.tracker.Attempted(outbox.Attempt{Key: outbox.Key(m.Key), Receipt: receipt})
		}
		if want := []string{" ", "message 1 message 1", "message 1 message 2"}; !slices.Equal(threads, want) {
			t.Errorf("messages belong to the threads %q, want %q", threads, want)
		}
	})
}

// Whoever counts hears what each attempt came to, by its notifier, but not of what was not sent
// because of its pace.
func TestOutcomesAreHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		hook := config.NotifyID{Role: "it", Notifier: "webhook.hook"}
		w.configure(&config.Config{
			Roles:     map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{{ID: hook, Target: webhook.Target{}}}}},
			Notifiers: map[config.NotifierID]*config.Notifier{"webhook.hook": {Settings: webhook.Settings{}}},
		}, "partner", "it")
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		for range 2 {
			w.observe("partner", config.ConditionSet(config.ConditionService), down)
		}
		for _, failed := range []error{notifiers.Paced(time.Second), errors.New("503"), nil} {
			m := <-w.sent
			w.tracker.Attempted(outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now(), Err: failed})
		}
		synctest.Wait()
		if want := []string{"webhook.hook retrying", "webhook.hook sent"}; !slices.Equal(w.came.came, want) {
			t.Errorf("heard %q, want %q", w.came.came, want)
		}
	})
}

// A watched is a tracker that runs, for tests of what it shows.
type watched struct {
	t       *testing.T
	tracker *tracker.Tracker
	sent    outgoing
	came    *order // the outcomes of attempts
}

func watch(t *testing.T) *watched {
	t.Helper()
	sent, came := make(outgoing, 8), &order{}
	tr, err := tracker.Open(tracker.Options{
		Journal: past{}, Sender: sent,
		Outcomes: func(id config.NotifyID, state outbox.DeliveryState) {
			came.note(fmt.Sprintf("%s %s", id.Notifier, state))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return &watched{t, tr, sent, came}
}

// configure has the tracker watch one check, without any tolerance.
func (w *watched) configure(cfg *config.Config, id config.CheckID, roles ...config.RoleID) {
	w.t.Helper()
	cfg.Checks = map[config.CheckID]*config.Check{id: {ID: id, Enabled: true, Roles: roles}}
	if err := w.tracker.Configure(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) observe(id config.CheckID, observed config.Conditions, findings ...incident.Finding) {
	now := time.Now()
	w.tracker.Observe(w.t.Context(), incident.Result{
		Check: id, Started: now, Ended: now, Observed: observed, Findings: findings,
	})
}

// A view is all that is known, as it is shown.
type view struct {
	api.Status
	Incidents []api.Incident
}

func look(t testing.TB, tr *tracker.Tracker) view {
	t.Helper()
	s, err := tr.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	status := api.NewStatus(s, api.Self{}, func(config.CheckID) time.Time { return time.Time{} })
	return view{status, api.NewIncidents(s).Incidents}
}

// view shows what is known a second later.
func (w *watched) view() view {
	w.t.Helper()
	time.Sleep(time.Second)
	return look(w.t, w.tracker)
}
