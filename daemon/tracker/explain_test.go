package tracker_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// The log says why a destination is not told when the reason is another one, not in each
// round; and only a log that shows everything.
func TestReasonsAreLoggedOnce(t *testing.T) {
	for _, c := range []struct {
		level zapcore.Level
		want  []string
	}{
		{zapcore.DebugLevel, []string{"after #late", "gathering #ops"}},
		{zapcore.InfoLevel, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			core, logs := observer.New(c.level)
			cfg := house(1)
			role := cfg.Roles["it"]
			role.Notify = append(role.Notify, config.Notify{
				ID: config.NotifyID{Role: "it", Notifier: "slack.chat", Target: "#late"}, Target: room("#late"), After: time.Hour,
			})
			quiet := &channel{open: map[string]bool{}}
			tr := logging(t, zap.New(core), past{}, cfg, map[config.NotifierID]outbox.Channel{
				"slack.chat":   {Notifier: quiet, Settings: plain{slack.Kind}},
				"webhook.hook": {Notifier: quiet, Settings: plain{webhook.Kind}},
			})
			for range 20 {
				everybody(tr, cfg, symptoms["refused"].finding)
				time.Sleep(15 * time.Second)
			}
			synctest.Wait()
			var got []string
			for _, e := range logs.FilterMessage("a destination is not notified now").All() {
				fields := e.ContextMap()
				got = append(got, fields["reason"].(string)+" "+fields["target"].(string))
			}
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("at level %s the log says %q, want %q", c.level, got, c.want)
			}
		})
	}
}

func TestExplainingWhatDoesNotExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := running(t, past{}, house(1), nil)
		if _, err := tr.Explain(context.Background(), "nothing"); err == nil || err.Error() != "there is no incident nothing" {
			t.Errorf("the answer is %v", err)
		}
	})
}
