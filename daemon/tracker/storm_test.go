package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
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
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// room is where a message of the storm goes.
type room string

func (r room) String() string { return string(r) }

// plain are the settings of a channel of the storm.
type plain struct{ kind notifiers.Kind }

func (p plain) Kind() notifiers.Kind            { return p.kind }
func (plain) Open() (notifiers.Notifier, error) { return nil, errors.New("nobody opens it") }

func (plain) DecodeTarget(d []byte) (notifiers.Target, error) { return notifiers.DecodeTarget[room](d) }

// A channel of the storm counts what arrives, and asks to come again for a while.
type channel struct {
	busyUntil time.Time
	takes     time.Duration // each message

	mu      sync.Mutex
	arrived []time.Time
	open    map[string]bool // incidents that a reader believes to be open
	refused int
}

func (c *channel) Close() error { return nil }

func (c *channel) Notify(_ context.Context, _ notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	time.Sleep(c.takes)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Before(c.busyUntil) {
		c.refused++
		return notifiers.Receipt{}, notifiers.RetryAfter(errors.New("too many requests"), 30*time.Second)
	}
	c.arrived = append(c.arrived, time.Now())
	for _, item := range m.Items {
		c.open[item.Incident.ID] = item.Transition != notifiers.Closed
	}
	return notifiers.Receipt{}, nil
}

// counts are the messages that arrived, and those that were refused.
func (c *channel) counts() (arrived, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.arrived), c.refused
}

func (c *channel) times() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrived)
}

func (c *channel) believed() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, open := range c.open {
		if open {
			n++
		}
	}
	return n
}

// house is so many checks of one role that people and a program listen for.
func house(checks int) *config.Config {
	ways := []config.Notify{
		{ID: config.NotifyID{Role: "it", Notifier: "slack.chat", Target: "#ops"}, Target: room("#ops")},
		{ID: config.NotifyID{Role: "it", Notifier: "webhook.hook"}, Target: room("")},
	}
	cfg := &config.Config{
		Checks: map[config.CheckID]*config.Check{}, Roles: map[config.RoleID]*config.Role{"it": {ID: "it", Notify: ways}},
		Notifiers: map[config.NotifierID]*config.Notifier{
			"slack.chat":   {ID: "slack.chat", Settings: plain{slack.Kind}},
			"webhook.hook": {ID: "webhook.hook", Settings: plain{webhook.Kind}},
		},
	}
	policy := config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: time.Hour, Remind: 12 * time.Hour}
	for i := range checks {
		id := config.CheckID(fmt.Sprintf("customer%05d", i))
		cfg.Checks[id] = &config.Check{ID: id, Label: string(id), Enabled: true, Policy: policy, Roles: []config.RoleID{"it"}}
	}
	return cfg
}

// onDisk is a journal as it is.
func onDisk(t testing.TB) tracker.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// running starts a tracker with a sender of its own.
func running(t testing.TB, j tracker.Journal, cfg *config.Config, channels map[config.NotifierID]outbox.Channel) *tracker.Tracker {
	t.Helper()
	return logging(t, nil, j, cfg, channels)
}

// logging is running with a log; nil: none.
func logging(
	t testing.TB, log *zap.Logger, j tracker.Journal, cfg *config.Config, channels map[config.NotifierID]outbox.Channel,
) *tracker.Tracker {
	t.Helper()
	var tr *tracker.Tracker
	sender := outbox.NewSender(func(a outbox.Attempt) { tr.Attempted(a) })
	sender.Use(channels)
	tr, err := tracker.Open(tracker.Options{Journal: j, Sender: sender, Log: log, Jitter: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = tr.Run(ctx) }()
	t.Cleanup(func() {
		sender.Stop(ctx)
		cancel()
		<-done
	})
	if err := tr.Configure(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	return tr
}

// everybody has all checks report the same, side by side, and waits for it.
func everybody(tr *tracker.Tracker, cfg *config.Config, findings ...incident.Finding) {
	var reports sync.WaitGroup
	now := time.Now()
	for id := range cfg.Checks {
		reports.Go(func() {
			tr.Observe(context.Background(), incident.Result{
				Check: id, Target: "mx:993", Started: now, Ended: now, Observed: outside, Findings: findings,
			})
		})
	}
	reports.Wait()
}

// 10,000 checks fail at once while Slack asks to be left alone for ten minutes:
// the first message is out 10 seconds after the incidents are reported, people
// have five minutes between digests, programs, which take 100 ms for each, hear every
// event within 90 s, and in the end everybody knows all of it. The journal is none, since 20,000 events one after the
// other are as many fsyncs: a slow disk would be what is tested.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const checks = 10_000
		cfg := house(checks)
		chat := &channel{open: map[string]bool{}}
		hook := &channel{open: map[string]bool{}, takes: 100 * time.Millisecond}
		tr := running(t, past{}, cfg, map[config.NotifierID]outbox.Channel{
			"slack.chat":   {Notifier: chat, Settings: plain{slack.Kind}},
			"webhook.hook": {Notifier: hook, Settings: plain{webhook.Kind}},
		})
		refused := symptoms["refused"].finding
		began := time.Now()
		chat.busyUntil = began.Add(13 * time.Minute)
		everybody(tr, cfg, refused)
		time.Sleep(3 * time.Minute)
		everybody(tr, cfg, refused)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, refused := chat.counts(); refused != 1 {
			t.Errorf("%d messages after 10 s, want one", refused)
		}
		time.Sleep(80 * time.Second)
		synctest.Wait()
		if arrived, _ := hook.counts(); arrived != checks {
			t.Errorf("the program has heard %d events", arrived)
		}
		time.Sleep(30 * time.Minute)
		if n := chat.believed(); n != checks {
			t.Errorf("people know of %d incidents", n)
		}
		everybody(tr, cfg)
		time.Sleep(2 * time.Minute)
		everybody(tr, cfg)
		time.Sleep(time.Hour)
		if people, program := chat.believed(), hook.believed(); people+program > 0 {
			t.Errorf("people believe that %d are open, the program %d", people, program)
		}
		synctest.Wait()
		arrived := chat.times()
		for i := 1; i < len(arrived); i++ {
			if pause := arrived[i].Sub(arrived[i-1]); pause < 5*time.Minute-30*time.Second {
				t.Errorf("a digest %s after the one before", pause)
			}
		}
		if n := len(hook.times()); n != 2*checks {
			t.Errorf("%d events for %d transitions", n, 2*checks)
		}
	})
}

// BenchmarkTransitions is 10,000 checks that begin to fail at once, until all of
// it is in the journal.
func BenchmarkTransitions(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		cfg := house(10_000)
		tr := running(b, onDisk(b), cfg, nil)
		b.StartTimer()
		everybody(tr, cfg, symptoms["refused"].finding)
	}
}

// BenchmarkSteady is one more failed observation while 10,000 incidents are
// open, and everybody knows of them.
func BenchmarkSteady(b *testing.B) {
	cfg := house(10_000)
	quiet := &channel{open: map[string]bool{}}
	tr := running(b, onDisk(b), cfg, map[config.NotifierID]outbox.Channel{
		"slack.chat":   {Notifier: quiet, Settings: plain{slack.Kind}},
		"webhook.hook": {Notifier: quiet, Settings: plain{webhook.Kind}},
	})
	for _, c := range cfg.Checks {
		c.Policy.FaultTolerance = 0
	}
	everybody(tr, cfg, symptoms["refused"].finding)
	everybody(tr, cfg, symptoms["refused"].finding)
	for {
		if look(b, tr).Notifications.Queued == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	r := incident.Result{Check: "customer00001", Target: "mx:993", Observed: outside, Findings: []incident.Finding{symptoms["refused"].finding}}
	b.ReportAllocs()
	for b.Loop() {
		r.Started = time.Now()
		r.Ended = r.Started
		tr.Observe(context.Background(), r)
	}
}

// BenchmarkOpen is a start with 100,000 checks that are down, and told of.
func BenchmarkOpen(b *testing.B) {
	now := time.Now()
	var written past
	finding := symptoms["refused"].finding
	for i := range 100_000 {
		id := config.CheckID(fmt.Sprintf("customer%06d", i))
		e := incident.Event{At: now, Since: now, Incident: incident.ID(fmt.Sprintf("%010d", i)), Check: id, Condition: config.ConditionService, Finding: &finding, Target: "mx:993"}
		e.Kind = incident.Failing
		written = append(written, journal.Record{Seq: uint64(len(written) + 1), At: now, Kind: "incident.failing", Data: encoded(b, e)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tracker.Open(tracker.Options{Journal: written}); err != nil {
			b.Fatal(err)
		}
	}
}

func encoded(b *testing.B, v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// BenchmarkFold is what a node that follows does with 100,000 transitions that another one has journaled, in rounds,
// and what the snapshot costs that whoever asks for the status waits for.
func BenchmarkFold(b *testing.B) {
	const many = 100_000
	cfg := house(many)
	finding := symptoms["refused"].finding
	for b.Loop() {
		tr := following(b, cfg)
		var rounds [][]journal.Record
		for id := range cfg.Checks {
			now := time.Now()
			text := encoded(b, incident.Event{
				Kind: incident.Failing, At: now, Since: now, Incident: incident.ID("of " + id), Check: id,
				Condition: config.ConditionService, Finding: &finding, Target: "mx:993",
			})
			if len(rounds) == 0 || len(rounds[len(rounds)-1]) == 800 { // as many as a message has
				rounds = append(rounds, nil)
			}
			last := &rounds[len(rounds)-1]
			*last = append(*last, journal.Record{At: now, Kind: "incident.failing", Data: text})
		}
		if _, err := tr.Snapshot(b.Context()); err != nil {
			b.Fatal(err)
		}
		began, asked := cpu(b), time.Now()
		for _, records := range rounds {
			tr.Fold(records)
		}
		if err := tr.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(cpu(b)-began)/many/1000, "cpu-µs/transition")
		b.ReportMetric(time.Since(asked).Seconds(), "s-folding")
		began = cpu(b)
		s, err := tr.Snapshot(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpu(b) - began).Milliseconds()), "cpu-ms-snapshot")
		if n := len(s.Changes(0).Incidents); n > 0 {
			b.Fatalf("%d incidents of failures that are not confirmed", n)
		}
	}
}

// following starts a tracker that stands by.
func following(b *testing.B, cfg *config.Config) *tracker.Tracker {
	b.Helper()
	tr, err := tracker.Open(tracker.Options{Journal: past{}, Sender: outbox.NewSender(nil), Standby: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = tr.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	if err := tr.Configure(ctx, cfg); err != nil {
		b.Fatal(err)
	}
	return tr
}

// cpu returns what this process has spent.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
