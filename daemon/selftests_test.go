package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Test messages are sent on the first Tuesday of the month, or each Tuesday, in the late morning of
// the role's zone, and else at the same hours of the working days after it.
func TestWhenTestMessagesAreDue(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const offset = 30 * time.Minute
	for _, test := range []struct {
		every  config.ReportPeriod
		at     string
		period string
		due    bool
	}{
		{config.EveryMonth, "2026-12-01 10:29", "2026-12", false}, // a Tuesday
		{config.EveryMonth, "2026-12-01 10:30", "2026-12", true},
		{config.EveryMonth, "2026-12-01 15:59", "2026-12", true},
		{config.EveryMonth, "2026-12-01 16:00", "2026-12", false},
		{config.EveryMonth, "2026-12-02 03:00", "2026-12", false},
		{config.EveryMonth, "2026-12-02 11:00", "2026-12", true},
		{config.EveryMonth, "2026-12-05 11:00", "2026-12", false}, // a Saturday
		{config.EveryMonth, "2026-12-31 11:00", "2026-12", true},
		{config.EveryMonth, "2026-10-05 11:00", "2026-10", false}, // a Monday before the first Tuesday
		{config.EveryMonth, "2026-10-06 11:00", "2026-10", true},
		{config.EveryWeek, "2026-12-28 11:00", "2026-W53", false}, // a Monday
		{config.EveryWeek, "2026-12-29 11:00", "2026-W53", true},
		{config.EveryWeek, "2027-01-01 11:00", "2026-W53", true},
		{config.EveryWeek, "2027-01-03 11:00", "2026-W53", false},
		{config.EveryWeek, "2027-01-04 11:00", "2027-W01", false},
		{config.EveryWeek, "2027-01-05 11:00", "2027-W01", true},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", test.at, berlin)
		if err != nil {
			t.Fatal(err)
		}
		if period, due := testDue(test.every, offset, at); period != test.period || due != test.due {
			t.Errorf("%s, %s: %s %t", test.every, test.at, period, due)
		}
	}
	for i := range 1000 {
		id := config.RoleID(fmt.Sprint("role", i))
		if got := testOffset("vigil1", id); got < 0 || got >= testsSpread || got != testOffset("vigil1", id) {
			t.Fatalf("%s: %s", id, got)
		}
	}
}

// A postbox is a notifier that delivers, or not.
type postbox struct {
	mu   sync.Mutex
	sent []string
	fail error
}

func (p *postbox) Notify(_ context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return notifiers.Receipt{}, p.fail
	}
	p.sent = append(p.sent, fmt.Sprintf("%s %s every %s", time.Now().UTC().Format("2006-01-02 15:04"), to, m.TestEvery))
	return notifiers.Receipt{}, nil
}

func (p *postbox) Close() error { return nil }

func (p *postbox) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func (p *postbox) taken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := strings.Join(p.sent, "; ")
	p.sent = nil
	return text
}

type postSettings struct{}

func (postSettings) Kind() notifiers.Kind              { return "postbox" }
func (postSettings) Open() (notifiers.Notifier, error) { return nil, errors.New("not here") }
func (postSettings) DecodeTarget(data []byte) (notifiers.Target, error) {
	var to target
	return to, json.Unmarshal(data, &to)
}

// A testRun is a daemon as far as it sends test messages.
type testRun struct {
	t     *testing.T
	dir   string
	box   *postbox
	cfg   *config.Config
	m     *monitor
	begun time.Time
	idle  bool // sends nothing by itself
	stop  func()
}

func newTestRun(t *testing.T) *testRun {
	t.Helper()
	role := &config.Role{ID: "it_team", Label: "IT team", NotifyTest: config.EveryMonth, Zone: time.UTC}
	for _, to := range []target{"#ops", "#night", "#ops"} { // the third is an escalation
		role.Notify = append(role.Notify, config.Notify{ID: config.NotifyID{Role: role.ID, Notifier: "postbox.it", Target: string(to)}, Target: to})
	}
	other := &config.Role{ID: "cto", Notify: []config.Notify{{ID: config.NotifyID{Role: "cto", Notifier: "postbox.it", Target: "#cto"}, Target: target("#cto")}}}
	r := &testRun{t: t, dir: t.TempDir(), box: &postbox{}, begun: time.Now()}
	r.cfg = &config.Config{
		Roles:     map[config.RoleID]*config.Role{role.ID: role, other.ID: other},
		Notifiers: map[config.NotifierID]*config.Notifier{"postbox.it": {ID: "postbox.it", Settings: postSettings{}}},
	}
	return r
}

// start starts the daemon, as after a restart.
func (r *testRun) start() {
	r.t.Helper()
	j, err := journal.Open(r.dir, journal.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	m := &monitor{Options: Options{StateDir: r.dir, Log: zap.NewNop()}, node: "vigil1"}
	m.proofs = m.openProofs()
	m.sender = outbox.NewSender(func(a outbox.Attempt) { m.deciding.own.Attempted(a) })
	m.sender.Use(channels{"postbox.it": {Notifier: r.box, Settings: postSettings{}}})
	if m.deciding.own, err = tracker.Open(tracker.Options{Journal: j, Sender: m.sender}); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { _ = m.deciding.own.Run(ctx) })
	if err := m.deciding.own.Configure(ctx, r.cfg); err != nil {
		r.t.Fatal(err)
	}
	if !r.idle {
		tasks.Go(func() { _ = m.sendTests(ctx) })
	}
	r.m = m
	r.stop = func() {
		cancel()
		tasks.Wait()
		m.sender.Stop(ctx)
		if err := j.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// until lets time pass until a moment.
func (r *testRun) until(at string) {
	r.t.Helper()
	when, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		r.t.Fatal(err)
	}
	<-time.After(time.Until(when))
	synctest.Wait()
}

// trouble returns the headline of the incident about test messages; empty: none is open.
func (r *testRun) trouble() string {
	r.t.Helper()
	s, err := r.m.deciding.own.Snapshot(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for in := range s.Incidents() {
		if in.Incident.Open() {
			return in.Incident.Finding.Hint
		}
	}
	return ""
}

// A role gets its test message once a month at each of its destinations, also when the daemon is
// restarted, or did not run on the first Tuesday.
func TestTestMessagesComeOnceAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from Saturday, 2000-01-01 on
		r := newTestRun(t)
		r.until("2000-01-04 09:00") // without the daemon, whose days take long
		r.start()
		r.until("2000-01-04 10:00")
		if sent := r.box.taken(); sent != "" {
			t.Errorf("too early: %s", sent)
		}
		r.until("2000-01-04 12:01")
		sent := r.box.taken()
		if strings.Count(sent, "2000-01-04 1") != 2 || strings.Count(sent, "#ops every month") != 1 || strings.Count(sent, "#night every month") != 1 {
			t.Errorf("on the first Tuesday: %s", sent)
		}
		r.stop()
		r.start()
		r.until("2000-01-04 16:01")
		r.stop()
		r.until("2000-01-05 09:59")
		r.start()
		r.until("2000-01-05 12:01")
		if sent := r.box.taken(); sent != "" {
			t.Errorf("again after a restart: %s", sent)
		}
		r.stop()
		r.until("2000-02-03 09:59")
		r.start()
		r.until("2000-02-03 12:01")
		if sent := r.box.taken(); strings.Count(sent, "2000-02-03 1") != 2 || strings.Count(sent, "every month") != 2 {
			t.Errorf("after a first Tuesday without a daemon: %s", sent)
		}
		r.stop()
		list := r.m.proofs.destinations(r.cfg)
		if len(list) != 3 || list[0].Role != "cto" || list[0].ProvedAt != nil || list[1].ProvedBy != "test" || list[1].NotifyTest != "month" || list[1].ProvedAt.Day() != 3 {
			t.Errorf("%+v", list)
		}
	})
}

// A node that follows notes what the node that decides has sent, and does not send it again when it
// decides itself.
func TestTestMessagesComeFromOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t)
		r.idle = true
		r.start()
		test := func(at string, follows bool) string {
			r.until(at)
			s, err := r.m.deciding.own.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r.m.testRoles(t.Context(), s, time.Now(), follows)
			return r.box.taken()
		}
		if sent := test("2000-01-04 12:01", true); sent != "" {
			t.Errorf("following: %s", sent)
		}
		if sent := test("2000-01-05 12:01", false); sent != "" {
			t.Errorf("deciding a day later: %s", sent)
		}
		r.stop() // a month that it runs takes minutes of a disk
		r.until("2000-02-01 12:00")
		r.start()
		if sent := test("2000-02-01 12:01", false); strings.Count(sent, "every month") != 2 {
			t.Errorf("deciding a month later: %s", sent)
		}
		r.stop()
	})
}

// What does not arrive is tried again twice, and is then a problem of imapvigil itself until a message
// arrives, also after a restart.
func TestTestMessagesThatDoNotArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t)
		r.box.refuse(errors.New("HTTP 404: flow\x1b[31m not found"))
		r.until("2000-01-04 09:59")
		r.start()
		r.until("2000-01-04 12:01")
		if trouble := r.trouble(); trouble != "" && r.m.proofs.of(place{"postbox.it", "#ops"}).Failed.Tries < 3 {
			t.Errorf("told too early: %s", trouble)
		}
		r.until("2000-01-04 12:40")
		const want = "Test messages to it_team by postbox.it are not delivered. Nor are those to 1 more."
		if trouble := r.trouble(); !strings.HasPrefix(trouble, want) {
			t.Errorf("%q", trouble)
		}
		r.stop()
		r.start()
		r.until("2000-01-04 13:00")
		if trouble := r.trouble(); !strings.HasPrefix(trouble, want) {
			t.Errorf("after a restart: %q", trouble)
		}
		if d := r.m.proofs.destinations(r.cfg)[1]; d.FailedAt == nil || d.FailedAt.Day() != 4 || d.Error != `HTTP 404: flow\x1b[31m not found` {
			t.Errorf("%+v", d)
		}
		r.box.refuse(nil)
		for _, block := range r.cfg.Roles["it_team"].Notify { // as somebody does by hand
			r.m.tryDestination(t.Context(), r.cfg, block, notifiers.Message{Key: "k", At: time.Now()})
		}
		r.until("2000-01-04 13:02")
		if trouble := r.trouble(); trouble != "" {
			t.Errorf("still open: %s", trouble)
		}
		r.stop()
	})
}

// While people have incidents to read of, test messages wait.
func TestTestMessagesWaitForQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t)
		r.cfg.Checks = map[config.CheckID]*config.Check{"mx1/imaps": {ID: "mx1/imaps", Enabled: true}}
		r.until("2000-01-04 09:54")
		r.start()
		r.until("2000-01-04 09:55")
		down := incident.Result{
			Check: "mx1/imaps", Started: time.Now(), Ended: time.Now(), Observed: config.ConditionSet(config.ConditionService),
			Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}},
		}
		for range 3 {
			r.m.deciding.own.Observe(t.Context(), down)
		}
		if testOffset("vigil1", "it_team") > 50*time.Minute {
			t.Fatal("it is not due before the hour is over")
		}
		r.until("2000-01-04 10:54")
		if sent := r.box.taken(); sent != "" {
			t.Errorf("during an outage: %s", sent)
		}
		r.until("2000-01-04 12:01")
		if sent := r.box.taken(); strings.Count(sent, "every month") != 2 {
			t.Errorf("an hour after it was reported: %s", sent)
		}
		r.stop()
	})
}

// A file that cannot be read is begun anew; where it cannot be written, no test message is sent, since
// a restart would send it again.
func TestProofsThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t)
		m := &monitor{Options: Options{StateDir: r.dir, Log: zap.NewNop()}}
		if err := os.WriteFile(r.dir+"/"+proofsFile, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := m.openProofs()
		if len(p.places) != 0 || !p.claim("it_team", "2000-01") || p.claim("it_team", "2000-01") {
			t.Error("a damaged file is no start")
		}
		p.file = r.dir + "/missing/" + proofsFile
		if p.claim("it_team", "2000-02") {
			t.Error("sent although that cannot be kept")
		}
		p.file = r.dir + "/" + proofsFile
		if !p.claim("it_team", "2000-02") {
			t.Error("not sent when it can be kept again")
		}
	})
}

// What is known of a place goes when the files send nothing there any more, and a message that
// arrived later counts more than one before.
func TestProofsFollowTheFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRun(t)
		m := &monitor{Options: Options{StateDir: r.dir, Log: zap.NewNop()}}
		p := m.openProofs()
		ops, gone := place{"postbox.it", "#ops"}, place{"postbox.old", "x"}
		p.note(ops, proof{At: r.begun, Test: true})
		p.note(ops, proof{At: r.begun.Add(-time.Hour)})
		p.note(gone, proof{At: r.begun})
		p.noteFailure(ops, failedTest{Role: "it_team", At: r.begun})
		p.forget(r.cfg)
		if known := p.of(ops); !known.Test || known.Failed == nil || !p.of(gone).At.IsZero() {
			t.Errorf("%+v, %+v", known, p.of(gone))
		}
		r.cfg.Roles["it_team"].NotifyTest = ""
		p.forget(r.cfg)
		if known := p.of(ops); !known.Test || known.Failed != nil {
			t.Errorf("without notify_test: %+v", known)
		}
	})
}
