package tracker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// Who asks for that hears who works on an incident, and each message says from which severity on it
// may mention somebody.
func TestAcknowledgementsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		block := config.Notify{
			ID: config.NotifyID{Role: "it", Notifier: "webhook.hook"}, Target: webhook.Target{}, MentionSeverity: config.SeverityDown,
			On: []notifiers.Transition{notifiers.Opened, notifiers.Acknowledged},
		}
		w.configure(&config.Config{
			Roles:     map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{block}}},
			Notifiers: map[config.NotifierID]*config.Notifier{"webhook.hook": {Settings: webhook.Settings{}}},
		}, "partner", "it")
		down := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
		for range 2 {
			w.observe("partner", config.ConditionSet(config.ConditionService), down)
		}
		opening := <-w.sent
		w.tracker.Attempted(outbox.Attempt{Key: outbox.Key(opening.Key), At: time.Now()})
		id := incident.ID(opening.Items[0].Incident.ID)
		if _, err := w.tracker.Acknowledge(t.Context(), id, tracker.Acknowledgement{By: "anna", Reason: "a disk"}); err != nil {
			t.Fatal(err)
		}
		m := <-w.sent
		if item := m.Items[0]; item.Transition != notifiers.Acknowledged || item.Incident.State != "acknowledged" || item.Incident.Acknowledgement.By != "anna" {
			t.Errorf("told %+v", item)
		}
		if m.MentionSeverity != "down" || m.Key == opening.Key {
			t.Errorf("mentions from %q on, key %s after %s", m.MentionSeverity, m.Key, opening.Key)
		}
		w.tracker.Attempted(outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now()})
		// That it is taken back is told to nobody; the acknowledgement of somebody else is news.
		if _, err := w.tracker.Unacknowledge(t.Context(), id, "anna"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := w.tracker.Acknowledge(t.Context(), id, tracker.Acknowledgement{By: "bert"}); err != nil {
			t.Fatal(err)
		}
		if m := <-w.sent; m.Items[0].Transition != notifiers.Acknowledged || m.Items[0].Incident.Acknowledgement.By != "bert" {
			t.Errorf("told %+v", m.Items[0])
		}
	})
}
