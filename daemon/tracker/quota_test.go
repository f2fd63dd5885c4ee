package tracker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// That the other side lets nothing through for long is known with its answer: the monitor says so at once,
// and until when. One that asks for a minute may still deliver in time.
func TestQuotaIsReportedAtOnce(t *testing.T) {
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
		for _, c := range []struct {
			wait time.Duration
			says string
		}{
			{time.Minute, ""},
			{time.Hour, "Messages to it by webhook.hook are not being delivered. See `imapvigil incidents "},
		} {
			m := <-w.sent
			until := time.Now().Add(c.wait).UTC().Format("2006-01-02 15:04 MST")
			w.tracker.Attempted(outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now(), Err: notifiers.RetryAfter(errors.New("quota"), c.wait)})
			said := ""
			for _, in := range w.view().Incidents {
				if in.Condition == config.ConditionMonitor {
					said = in.Hint
				}
			}
			if !strings.HasPrefix(said, c.says) || (said == "") != (c.says == "") ||
				said != "" && !strings.Contains(said, " The other side asked to wait until "+until+". This ends when ") {
				t.Errorf("asked to wait for %s, the monitor says %q", c.wait, said)
			}
		}
	})
}
