package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Forecast is what `who --json` prints: who would be notified if a condition of a check
// began to fail at a time and stayed so. The keys are an interface.
type Forecast struct {
	Check      config.CheckID   `json:"check"`
	Condition  config.Condition `json:"condition"`
	Severity   config.Severity  `json:"severity"`
	FailsAt    time.Time        `json:"fails_at"`
	ReportedAt time.Time        `json:"reported_at"`
	// Remind is how often the message is repeated while nobody acknowledges; "0s": never.
	Remind   string            `json:"remind"`
	Notified []ForecastMessage `json:"notified"`
	Held     []Held            `json:"held"` // who would not be notified, and why
	// Source is "daemon", which knows silences and what is down, or "files".
	Source string `json:"source"`
}

// ForecastMessage is one message that would be sent.
type ForecastMessage struct {
	Role       config.RoleID   `json:"role"`
	Roles      []config.RoleID `json:"roles"`
	Notifier   string          `json:"notifier"`
	Kind       string          `json:"kind"`
	Target     string          `json:"target"`
	Transition string          `json:"transition"`
	At         time.Time       `json:"at"`
	// Waited is what it would wait for; empty: nothing.
	Waited outbox.HeldReason `json:"waited"`
	Detail string            `json:"detail"` // the same in words
	// Name is that of the schedule, maintenance or silence that it would wait for.
	Name string `json:"name"`
}

// Question is of which incident a Forecast is wanted.
type Question = outbox.Question

// ForecastOf returns the Forecast by a configuration alone: nothing is silenced, and what
// the check depends on is well.
func ForecastOf(cfg *config.Config, q Question) (Forecast, error) {
	c, ok := cfg.Checks[q.Check]
	if !ok {
		return Forecast{}, errors.New("there is no check " + string(q.Check))
	}
	w := outbox.WorldOf(cfg)
	w.AssumeWell(c.ID)
	s := outbox.Suppose(cfg, c, q.Condition, q.Severity, q.Begins)
	f := newForecast(q, outbox.Foresee(w, s, outbox.Horizon))
	f.Source = "files"
	return f, nil
}

func newForecast(q Question, f outbox.Forecast) Forecast {
	answer := Forecast{
		Check: q.Check, Condition: q.Condition, Severity: q.Severity, FailsAt: q.Begins.UTC(), ReportedAt: f.ReportedAt.UTC(),
		Remind: config.FormatDuration(f.Remind), Notified: []ForecastMessage{}, Held: newHeldList(f.Held).Held, Source: "daemon",
	}
	for i := range f.Sent {
		s := &f.Sent[i]
		m := ForecastMessage{
			Role: s.NotifyID.Role, Roles: slices.Clone(s.Roles), Notifier: string(s.NotifyID.Notifier), Kind: string(s.Kind), Target: s.NotifyID.Target,
			Transition: string(s.Transition), At: s.At.UTC(), Waited: s.Waited.Reason, Name: s.Waited.Name,
		}
		if m.Waited != "" {
			m.Detail = s.Waited.Detail()
		}
		answer.Notified = append(answer.Notified, m)
	}
	return answer
}

// questionQuery returns a question as the parameters of a request.
func questionQuery(q Question) string {
	return url.Values{
		"check": {string(q.Check)}, "condition": {string(q.Condition)}, "severity": {string(q.Severity)}, "begins": {q.Begins.Format(time.RFC3339Nano)},
	}.Encode()
}

// readQuestion reads the parameters of a request.
func readQuestion(r *http.Request) (Question, error) {
	v := r.URL.Query()
	q := Question{Check: config.CheckID(v.Get("check")), Condition: config.Condition(v.Get("condition")), Severity: config.Severity(v.Get("severity"))}
	var err error
	q.Begins, err = time.Parse(time.RFC3339Nano, v.Get("begins"))
	return q, err
}
