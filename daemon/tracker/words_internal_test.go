package tracker

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// TestMessagesKnowEveryWord sends each cause, phase and condition on its way: what
// people read has the cause in plain words and by its word, and what programs read
// has all three words.
func TestMessagesKnowEveryWord(t *testing.T) {
	tr := &Tracker{cfg: unconfigured, dependencies: outbox.NewDependencies(unconfigured)}
	tell := func(f incident.Finding) (text string, body map[string]any) {
		start := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)
		in := tr.describe(incident.Incident{
			ID: "abc", Check: "mx1/imaps", Condition: f.Condition, Severity: f.Condition.Severity(), Finding: f,
			StartedAt: start, FailingSince: start, ReportedAt: start,
		}, &failingChildren{})
		m := notifiers.Message{At: start, Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: in}}}
		written, err := webhook.Body(m)
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			Incident map[string]any `json:"incident"`
		}
		if err := json.Unmarshal(written, &event); err != nil {
			t.Fatal(err)
		}
		return m.Text(), event.Incident
	}
	for c := range config.Causes() {
		text, body := tell(incident.Finding{Condition: config.ConditionService, Cause: c})
		if want := c.Text() + " (" + string(c) + ")"; c.Text() == "" || !strings.Contains(unfolded(text), want) {
			t.Errorf("a message about %s does not say %q:\n%s", c, want, text)
		}
		if body["cause"] != string(c) {
			t.Errorf("the webhook's body about %s has the cause %v", c, body["cause"])
		}
	}
	for p := range config.Phases() {
		text, body := tell(incident.Finding{Condition: config.ConditionService, Phase: p, Cause: config.CauseTimeout})
		if want := p.String() + ": no answer in time"; !strings.Contains(unfolded(text), want) {
			t.Errorf("a message about %s does not say %q:\n%s", p, want, text)
		}
		if body["phase"] != p.String() {
			t.Errorf("the webhook's body about %s has the phase %v", p, body["phase"])
		}
	}
	for c := range config.AllConditions().All() {
		text, body := tell(incident.Finding{Condition: c, Cause: config.CauseTimeout})
		// That the service fails is what people expect a message to be about, and what is about
		// the monitor begins with that.
		own := c == config.ConditionMonitor
		if named := strings.Contains(text, "condition "+string(c)); named != (c != config.ConditionService && !own) || own != strings.HasPrefix(text, "PROBLEM WITH imapvigil") {
			t.Errorf("a message names the condition %s: %v\n%s", c, named, text)
		}
		if body["condition"] != string(c) || body["severity"] != string(c.Severity()) {
			t.Errorf("the webhook's body about %s has %v, %v", c, body["condition"], body["severity"])
		}
	}
}

// unfolded takes out the line ends that fold a text.
func unfolded(text string) string { return strings.Join(strings.Fields(text), " ") }
