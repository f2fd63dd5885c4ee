package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// forgets are settings of a receiver that has to be told again.
type forgets struct {
	plain
	every time.Duration
}

func (f forgets) ResendEvery() time.Duration { return f.every }

// A written journal keeps what is appended, for the next start.
type written struct {
	past
	list *[]journal.Record
}

func (w written) Append(records ...journal.Record) error {
	*w.list = append(*w.list, records...)
	return nil
}

// A repeater is a tracker whose receiver forgets. It notes what is repeated to it.
type repeater struct {
	t       *testing.T
	tracker *tracker.Tracker
	records []journal.Record
	cfg     *config.Config
	stop    func()
	clock   atomic.Pointer[clock.Reading]

	mu      sync.Mutex
	refuses bool
	began   time.Time
	heard   []string
	largest int // of the batches
	// mayResend says whether there is room, in place of the sender; nil: always.
	mayResend func() bool
}

var toAM = config.NotifyID{Role: "it", Notifier: "alertmanager.am"}

// repeating starts a tracker of one check without tolerances, whose role has a receiver that
// forgets, and a webhook.
func repeating(t *testing.T, checks ...config.CheckID) *repeater {
	t.Helper()
	hook := config.NotifyID{Role: "it", Notifier: "webhook.hook"}
	r := &repeater{t: t, began: time.Now(), cfg: &config.Config{
		Roles: map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{
			{ID: toAM, Target: room("")}, {ID: hook, Target: room("")},
		}}},
		Notifiers: map[config.NotifierID]*config.Notifier{
			toAM.Notifier: {ID: toAM.Notifier, Settings: forgets{plain{webhook.Kind}, time.Minute}},
			hook.Notifier: {ID: hook.Notifier, Settings: plain{webhook.Kind}},
		},
		Checks: map[config.CheckID]*config.Check{},
	}}
	for _, id := range checks {
		r.cfg.Checks[id] = &config.Check{ID: id, Label: string(id), Enabled: true, Roles: []config.RoleID{"it"}}
	}
	r.clock.Store(&clock.Reading{})
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *repeater) start() {
	tr, err := tracker.Open(tracker.Options{
		Journal: written{past(slices.Clone(r.records)), &r.records}, Sender: r, Resend: r.resend, Jitter: func() float64 { return 0.5 },
		Clock: func() clock.Reading { return *r.clock.Load() },
		MayResend: func(config.NotifierID) bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.mayResend == nil || r.mayResend()
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	r.tracker, r.stop = tr, func() { cancel(); <-ended }
	r.configure()
}

func (r *repeater) configure() {
	if err := r.tracker.Configure(context.Background(), r.cfg); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

// Send implements [tracker.Sender]: the receiver answers at once.
func (r *repeater) Send(_ config.NotifyID, _ json.RawMessage, m notifiers.Message) {
	a := outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now(), Receipt: notifiers.Receipt{Thread: "t"}}
	r.mu.Lock()
	if r.refuses {
		a.Receipt, a.Err = notifiers.Receipt{}, notifiers.RetryAfter(errors.New("busy"), 10*time.Minute)
	}
	r.mu.Unlock()
	tr := r.tracker
	go tr.Attempted(a)
}

func (r *repeater) resend(to config.NotifyID, _ json.RawMessage, messages []notifiers.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to != toAM {
		r.t.Errorf("repeated to %v", to)
	}
	r.largest = max(r.largest, len(messages))
	for _, m := range messages {
		in := m.Items[0].Incident
		r.heard = append(r.heard, fmt.Sprintf("%s %s %s %s", time.Since(r.began), m.Items[0].Transition, in.Check, in.State))
	}
}

// take returns what was repeated since it was called last.
func (r *repeater) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	heard := r.heard
	r.heard = nil
	return heard
}

func (r *repeater) refuse(refuses bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = refuses
}

// observe has the checks found failing, or well, twice, which opens or closes incidents.
func (r *repeater) observe(failing bool) {
	for id := range r.cfg.Checks {
		for range 2 {
			now := time.Now()
			result := incident.Result{Check: id, Started: now, Ended: now, Observed: outside}
			if failing {
				result.Findings = []incident.Finding{symptoms["refused"].finding}
			}
			r.tracker.Observe(context.Background(), result)
		}
	}
	synctest.Wait()
}

// expect waits, and compares what was repeated meanwhile.
func (r *repeater) expect(pause time.Duration, want ...string) {
	r.t.Helper()
	r.take()
	time.Sleep(pause)
	synctest.Wait()
	if heard := r.take(); !slices.Equal(heard, want) {
		r.t.Errorf("repeated:\n%s\nwant:\n%s", strings.Join(heard, "\n"), strings.Join(want, "\n"))
	}
}

// What a receiver was told is repeated to it every minute, its end for 15 minutes, and nothing
// of that is journaled, counted or shown.
func TestWhatIsOpenIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := repeating(t, "a")
		r.expect(3 * time.Minute)
		r.observe(true)
		records, before := len(r.records), look(t, r.tracker)
		r.expect(2*time.Minute+time.Second, "4m0s opened a open", "5m0s opened a open")
		if after := look(t, r.tracker); len(r.records) != records || !reflect.DeepEqual(after.Notifications, before.Notifications) {
			t.Errorf("%d records, %+v; before it %d, %+v", len(r.records), after.Notifications, records, before.Notifications)
		}
		r.observe(false)
		r.expect(2*time.Minute, "6m0s closed a closed", "7m0s closed a closed")
		time.Sleep(12 * time.Minute)
		r.expect(time.Hour, "20m0s closed a closed")
	})
}

// What a receiver has got stays as it is there while somebody works on it, while it is silenced
// or in maintenance, and while its end must not be told.
func TestSilencesLeaveWhatWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := repeating(t, "a")
		r.observe(true)
		id := look(t, r.tracker).Incidents[0].ID
		if _, err := r.tracker.Acknowledge(t.Context(), id, tracker.Acknowledgement{By: "anna"}); err != nil {
			t.Fatal(err)
		}
		silence := outbox.Silence{Scope: outbox.Scope{Check: "a"}, Until: time.Now().Add(150 * time.Second)}
		if _, err := r.tracker.Silence(t.Context(), silence); err != nil {
			t.Fatal(err)
		}
		r.expect(61*time.Second, "1m0s opened a acknowledged")
		r.observe(false)
		r.expect(2*time.Minute, "2m0s opened a closed", "3m0s closed a closed")
	})
}

// What has not arrived, or is under way just now, is left to its delivery.
func TestWhatHasNotArrivedIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := repeating(t, "a")
		r.refuse(true)
		r.observe(true)
		r.expect(5 * time.Minute)
		r.refuse(false)
		r.expect(6*time.Minute, "11m0s opened a open")
		// Its end does not arrive: what the receiver knows is repeated.
		r.refuse(true)
		r.observe(false)
		r.expect(time.Minute+time.Second, "12m0s opened a closed")
	})
}

// A start, and a reload that changes the notifier, tell a receiver at once: it may be a new one.
// One that leaves the files is told nothing more.
func TestAStartAndAReloadRepeatAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := repeating(t, "a")
		r.observe(true)
		time.Sleep(90 * time.Second)
		r.stop()
		r.take()
		r.start()
		if heard, want := r.take(), []string{"1m30s opened a open"}; !slices.Equal(heard, want) {
			t.Errorf("after the start %q, want %q", heard, want)
		}
		time.Sleep(10 * time.Second)
		r.configure() // nothing has changed
		if heard := r.take(); len(heard) > 0 {
			t.Errorf("repeated for no reason: %q", heard)
		}
		am := *r.cfg.Notifiers[toAM.Notifier]
		am.Settings = forgets{plain{webhook.Kind}, 2 * time.Minute}
		changed := *r.cfg
		changed.Notifiers = map[config.NotifierID]*config.Notifier{toAM.Notifier: &am}
		r.cfg = &changed
		r.configure()
		if heard, want := r.take(), []string{"1m40s opened a open"}; !slices.Equal(heard, want) {
			t.Errorf("after the reload %q, want %q", heard, want)
		}
		r.expect(3*time.Minute, "3m40s opened a open")
		gone := changed
		gone.Notifiers = nil
		r.cfg = &gone
		r.configure()
		r.expect(time.Hour)
	})
}

// After a suspend the receiver has forgotten, and is told at once.
func TestASuspendRepeatsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := repeating(t, "a")
		r.observe(true)
		r.expect(80*time.Second, "1m0s opened a open")
		r.clock.Store(&clock.Reading{Suspended: time.Hour})
		if err := r.tracker.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if heard, want := r.take(), []string{"1m20s opened a open"}; !slices.Equal(heard, want) {
			t.Errorf("after the suspend %q, want %q", heard, want)
		}
		r.expect(2*time.Minute, "2m20s opened a open", "3m20s opened a open")
	})
}

// Many open incidents are repeated in parts, so that what comes in meanwhile does
// not wait for all of them.
func TestManyAreRepeatedInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const checks = 1_700
		var ids []config.CheckID
		for i := range checks {
			ids = append(ids, config.CheckID(fmt.Sprintf("customer%05d", i)))
		}
		r := repeating(t, ids...)
		r.observe(true)
		r.take()
		time.Sleep(time.Minute)
		synctest.Wait()
		heard := r.take()
		slices.Sort(heard)
		if n := len(slices.Compact(heard)); n != checks {
			t.Errorf("%d of %d are repeated", n, checks)
		}
		if r.largest != 500 {
			t.Errorf("as many as %d at once", r.largest)
		}
	})
}

// Where a receiver has no room for more, the rest is repeated as soon as it has.
func TestTheRestWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []config.CheckID
		for i := range 1_200 {
			ids = append(ids, config.CheckID(fmt.Sprintf("customer%05d", i)))
		}
		r := repeating(t, ids...)
		r.observe(true)
		full := time.Now().Add(70 * time.Second)
		r.mu.Lock()
		r.mayResend = func() bool { return time.Now().After(full) || len(r.heard) < 500 }
		r.mu.Unlock()
		for _, want := range []struct {
			after time.Duration
			heard int
		}{{65 * time.Second, 500}, {10 * time.Second, 700}, {20 * time.Second, 0}, {30 * time.Second, 1200}} {
			time.Sleep(want.after)
			synctest.Wait()
			if n := len(r.take()); n != want.heard {
				t.Errorf("%d are repeated, want %d", n, want.heard)
			}
		}
	})
}

// BenchmarkRepeat is what a round of the tracker takes while 10,000 open incidents are repeated: the
// longest time for which an observation has to wait, of all that it takes.
func BenchmarkRepeat(b *testing.B) {
	cfg := house(10_000)
	for _, c := range cfg.Checks {
		c.Policy.FaultTolerance = 0
	}
	am := cfg.Notifiers["webhook.hook"]
	quiet := &channel{open: map[string]bool{}}
	var tr *tracker.Tracker
	sender := outbox.NewSender(func(a outbox.Attempt) { tr.Attempted(a) })
	sender.Use(map[config.NotifierID]outbox.Channel{
		"slack.chat":   {Notifier: quiet, Settings: plain{slack.Kind}},
		"webhook.hook": {Notifier: quiet, Settings: plain{webhook.Kind}},
	})
	heard := make(chan int, 1000)
	tr, err := tracker.Open(tracker.Options{
		Journal: onDisk(b), Sender: sender,
		Resend: func(_ config.NotifyID, _ json.RawMessage, messages []notifiers.Message) { heard <- len(messages) },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = tr.Run(ctx) }()
	b.Cleanup(func() { sender.Stop(ctx); cancel(); <-done })
	configure := func(settings notifiers.Settings) {
		changed := *am
		changed.Settings = settings
		again := *cfg
		again.Notifiers = map[config.NotifierID]*config.Notifier{"slack.chat": cfg.Notifiers["slack.chat"], "webhook.hook": &changed}
		if err := tr.Configure(ctx, &again); err != nil {
			b.Fatal(err)
		}
	}
	configure(am.Settings)
	everybody(tr, cfg, symptoms["refused"].finding)
	everybody(tr, cfg, symptoms["refused"].finding)
	for look(b, tr).Notifications.Queued > 0 {
		if err := tr.Ping(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	every, longest := time.Hour, time.Duration(0)
	for b.Loop() {
		every++ // other settings, so that everything is repeated at once
		configure(forgets{plain{webhook.Kind}, every})
		for left := 10_000; left > 0; {
			began := time.Now()
			if err := tr.Ping(ctx); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, time.Since(began))
			for len(heard) > 0 {
				left -= <-heard
			}
		}
	}
	b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
}
