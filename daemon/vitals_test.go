package daemon

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// living makes a monitor whose rooms run, without probes.
func living(t *testing.T) (m *monitor, stopTracker func()) {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m = &monitor{journal: j, loop: &probe.Loop{}}
	m.sender = outbox.NewSender(func(a outbox.Attempt) { m.deciding.own.Attempted(a) })
	if m.deciding.own, err = tracker.Open(tracker.Options{Journal: j, Sender: m.sender}); err != nil {
		t.Fatal(err)
	}
	m.reloads = newReloader(m.Options, nil, nil, nil)
	m.vitals = &vitals{m: m}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.deciding.own.Run(ctx) }()
	stopTracker = func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(func() {
		stopTracker()
		m.sender.Stop(t.Context())
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, stopTracker
}

func TestVitalsOfAMonitorThatLives(t *testing.T) {
	m, _ := living(t)
	var seen int64
	if err := m.vitals.checkProgress(t.Context(), &seen); err != nil {
		t.Error(err)
	}
}

func TestVitalsNoticeATrackerThatHasStopped(t *testing.T) {
	m, stop := living(t)
	stop()
	var seen int64
	if err := m.vitals.checkProgress(t.Context(), &seen); err == nil || !strings.Contains(err.Error(), "tracker is stuck") {
		t.Errorf("got %v", err)
	}
}

// A check that is due while no probe begins means that the scheduler is stuck;
// as long as probes begin it is merely busy.
func TestVitalsNoticeASchedulerThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := living(t)
		hanging := make(chan struct{})
		m.loop = &probe.Loop{
			Limit: 1,
			Probe: func(context.Context, config.CheckID, config.Probe) verdict.Probe {
				<-hanging
				return verdict.Probe{}
			},
			Report: func(context.Context, *config.Probe, verdict.Probe) incident.Pace { return incident.Pace{} },
			Lag:    m.vitals.noteProbeBegan,
		}
		m.reloads.cfg = &config.Config{Checks: map[config.CheckID]*config.Check{"a": {ID: "a"}, "b": {ID: "b"}}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{}, 2)
		for id := range m.reloads.cfg.Checks {
			go func() {
				m.loop.Run(ctx, id, config.Probe{Interval: time.Second})
				ended <- struct{}{}
			}()
		}
		var seen int64
		time.Sleep(tooLate) // virtual: one probe has begun and hangs, the other waits for it
		synctest.Wait()
		if err := m.vitals.checkProgress(t.Context(), &seen); err != nil {
			t.Errorf("a probe has begun since the last look: %v", err)
		}
		time.Sleep(tooLate)
		synctest.Wait()
		if err := m.vitals.checkProgress(t.Context(), &seen); err == nil || !strings.Contains(err.Error(), "scheduler is stuck") {
			t.Errorf("got %v", err)
		}
		stop()
		close(hanging)
		<-ended
		<-ended
	})
}

func TestHeartbeatTellsNoSecret(t *testing.T) {
	const canary = "canary-4711"
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer broken.Close()
	for _, url := range []string{"http://127.0.0.1:1/" + canary, broken.URL + "/" + canary, "://" + canary} {
		err := askOnce(t.Context(), opaque.NewSecret(url))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v", err)
		}
	}
}
