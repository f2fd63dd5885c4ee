package pagerduty_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/pagerduty"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `hunter2"+%/canary`

func start(t *testing.T) (*httpsink.Sink, *fake, pagerduty.Settings) {
	t.Helper()
	f := newFake(canary)
	sink, err := httpsink.Start(httpsink.Options{Answer: f.answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, f, pagerduty.Settings{RoutingKey: opaque.NewSecret(canary), APIURL: sink.URL()}
}

func open(t *testing.T, settings pagerduty.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

var mapped = pagerduty.Target{Severities: `{"degraded":"info"}`}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _, settings := start(t)
	return notifiertest.Channel{
		Settings: settings, Target: mapped, Written: notifiers.Values{"severity_map": {Map: map[string]string{"degraded": "info"}}},
		// PagerDuty knows incidents by their key, and messages by none.
		Canary: canary, Pause: 30 * time.Second, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response { return accepted(text, text) },
			Refuse: func(text string) httpsink.Response { return invalid(text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: inJSON(http.StatusAccepted, map[string]any{"status": "invalid event", "message": "Event object is invalid"}),
			},
		},
	}
}

// read returns an event as the receiver gets it, without the key. The end of a test shows nobody
// anything.
func read(r httpsink.Request) notifiertest.Received {
	e, err := decode(r.Body)
	if err != nil {
		panic(err) // it was taken
	}
	if e.Action == "resolve" && strings.HasPrefix(e.DedupKey, "imapvigil/key-") {
		return notifiertest.Received{}
	}
	e.RoutingKey = ""
	texts := []string{e.Action, e.DedupKey, e.Client, e.ClientURL}
	if p := e.Payload; p != nil {
		texts = append(texts, p.Summary, p.Source, p.Severity, p.Component, p.Group, p.Class)
		for name, text := range p.Details {
			texts = append(texts, name, text.(string))
		}
	}
	return notifiertest.Received{Text: strings.Join(texts, "\n")}
}

// compose sends a message, and returns the bodies of what was sent for it.
func compose(t *testing.T, target pagerduty.Target, m notifiers.Message) string {
	t.Helper()
	sink, _, settings := start(t)
	if _, err := open(t, settings).Notify(t.Context(), target, m); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, r := range sink.Requests() {
		if err := json.Indent(&all, r.Body, "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// The events of every kind of message, whole.
func TestEvents(t *testing.T) {
	for _, m := range notifiertest.Messages() {
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".json", compose(t, pagerduty.Target{}, m))
	}
}

// Words of others stay words, and a runbook that is no link is none.
func TestHostileWords(t *testing.T) {
	m := notifiertest.Message("hostile")
	in := &m.Items[0].Incident
	in.Evidence = opaque.Sanitise("* BYE " + notifiertest.HostileWords)
	in.Label, in.Groups = "<b>x</b> `y`\r\nz", []string{"a\nb" + notifiertest.HostileWords}
	in.Description, in.Runbook = "<b>bold</b>\n[x](https://evil.example)", "javascript:alert(1)"
	golden.Compare(t, "testdata/hostile.json", compose(t, pagerduty.Target{}, m))
}

// What has no end is cut where PagerDuty would refuse it; the links are whole.
func TestLongWords(t *testing.T) {
	m := notifiertest.Message("long")
	in := &m.Items[0].Incident
	long := strings.Repeat("ä1 ", 100_000)
	in.Evidence = opaque.Sanitise(long)
	for _, field := range []*string{&in.Description, &in.Hint, &in.Label, &in.CauseText, &in.Check, &in.Host} {
		*field = long
	}
	in.Groups = []string{long}
	body := compose(t, pagerduty.Target{}, m)
	if len(body) > 100_000 || !strings.Contains(body, `"href": "`+in.URL) {
		t.Errorf("%d bytes: %.2000s", len(body), body)
	}
}

// An incident of which nothing is known triggers, too.
func TestEmptyIncident(t *testing.T) {
	compose(t, pagerduty.Target{}, notifiers.Message{Key: "k", Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: notifiers.Incident{ID: "i"}}}})
}

func TestSeverities(t *testing.T) {
	down, degraded, own := notifiertest.Incident(), notifiertest.Incident(), notifiertest.Monitor()
	degraded.Severity = "degraded"
	for severity, c := range map[string]struct {
		target pagerduty.Target
		in     notifiers.Incident
	}{
		"critical": {pagerduty.Target{}, down}, "warning": {pagerduty.Target{}, degraded}, "error": {pagerduty.Target{}, own},
		"info": {mapped, degraded},
	} {
		m := notifiertest.Message("k")
		m.Items[0].Incident = c.in
		if body := compose(t, c.target, m); !strings.Contains(body, `"severity": "`+severity+`"`) {
			t.Errorf("want %s: %s", severity, body)
		}
	}
	for want, wanted := range map[string]map[string]string{
		`severity_map: "up" is no state`:                  {"up": "info"},
		`severity_map: the severity of down must be crit`: {"down": "P1"},
	} {
		if _, err := pagerduty.NewTarget(wanted); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// An incident opens, gets worse, is acknowledged, ends and comes back, while PagerDuty is busy, has
// troubles and lies at every step: whoever tries again until it is accepted has the right state there.
func TestLifeOfAnIncident(t *testing.T) {
	sink, f, settings := start(t)
	n := open(t, settings)
	const key = "imapvigil/01JD6Z"
	faults := []httpsink.Behaviour{
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusTooManyRequests}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusBadGateway, Body: "<html>"}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusOK, Body: `{"status":"success"}`}},
		{Do: httpsink.Answer, Response: accepted("Event processed", "another")},
		{Do: httpsink.Drop},
	}
	for i, step := range []struct {
		transition notifiers.Transition
		want       string
	}{
		{notifiers.Opened, "triggered"},
		{notifiers.Changed, "triggered"},
		{notifiers.Acknowledged, "acknowledged"},
		{notifiers.Reminder, "acknowledged"},
		{notifiers.Closed, "resolved"},
		{notifiers.Opened, "triggered"},
		{notifiers.Closed, "resolved"},
	} {
		m := notifiertest.Message("k")
		m.Items[0].Transition = step.transition
		for _, fault := range faults {
			sink.Behave(fault)
			if receipt, err := n.Notify(t.Context(), mapped, m); err == nil || notifiers.IsPermanent(err) {
				t.Errorf("%d: %s came to %q, %v", i, step.transition, receipt.Answer, err)
			}
		}
		sink.Behave(httpsink.Behaviour{})
		receipt, err := n.Notify(t.Context(), mapped, m)
		if err != nil || !strings.Contains(receipt.Answer.String(), "accepted (202), dedup_key "+key) {
			t.Fatalf("%q, %v", receipt.Answer, err)
		}
		if state, events := f.state(key); state != step.want || events != i+1 {
			t.Errorf("after %s it is %s with %d events, want %s", step.transition, state, events, step.want)
		}
	}
	if open := f.open(); open != nil {
		t.Errorf("%v are open in the end", open)
	}
}

// A test triggers, and leaves nothing open.
func TestTestLeavesNothing(t *testing.T) {
	_, f, settings := start(t)
	m := notifiertest.Message("iv_test_1")
	m.Items = nil
	if _, err := open(t, settings).Notify(t.Context(), mapped, m); err != nil {
		t.Fatal(err)
	}
	if state, events := f.state("imapvigil/iv_test_1"); state != "resolved" || events != 2 {
		t.Errorf("it is %s after %d events", state, events)
	}
}

// Each answer that PagerDuty can give.
func TestAnswers(t *testing.T) {
	const key = "imapvigil/01JD6Z"
	for name, c := range map[string]struct {
		response  httpsink.Response
		err       string // empty: delivered
		permanent bool
		wait      time.Duration
	}{
		"accepted":         {response: accepted("Event processed", key)},
		"not 202":          {response: inJSON(200, map[string]any{"status": "success", "dedup_key": key}), err: "no dedup_key"},
		"another key":      {response: accepted("Event processed", "another"), err: "no dedup_key"},
		"no key":           {response: inJSON(202, map[string]any{"status": "success"}), err: "no dedup_key"},
		"no success":       {response: inJSON(202, map[string]any{"status": "throttled", "dedup_key": key}), err: "no dedup_key"},
		"portal":           {response: httpsink.Response{Status: 200, Body: "<html>"}, err: "no dedup_key"},
		"invalid":          {response: invalid("Length of 'routing_key' is incorrect (should be 32 characters)"), err: "Event object is invalid: Length of 'routing_key'", permanent: true},
		"invalid, no JSON": {response: httpsink.Response{Status: 400, Body: "no"}, err: "HTTP 400", permanent: true},
		"forbidden":        {response: httpsink.Response{Status: 403}, err: "HTTP 403", permanent: true},
		"not found":        {response: httpsink.Response{Status: 404}, err: "HTTP 404", permanent: true},
		"too large":        {response: httpsink.Response{Status: 413}, err: "HTTP 413", permanent: true},
		"too many":         {response: inJSON(429, map[string]any{"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."}), err: "HTTP 429", wait: 30 * time.Second},
		"too many for 90s": {response: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"90"}}}, err: "HTTP 429", wait: 90 * time.Second},
		"trouble":          {response: httpsink.Response{Status: 500}, err: "HTTP 500"},
		"proxy":            {response: httpsink.Response{Status: 502}, err: "HTTP 502"},
		"overloaded":       {response: httpsink.Response{Status: 503}, err: "HTTP 503"},
		"too slow":         {response: httpsink.Response{Status: 504}, err: "HTTP 504"},
	} {
		t.Run(name, func(t *testing.T) {
			sink, _, settings := start(t)
			sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: c.response})
			_, err := open(t, settings).Notify(t.Context(), mapped, notifiertest.Message("k"))
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			if notifiers.IsPermanent(err) != c.permanent || notifiers.Wait(err) != c.wait {
				t.Errorf("permanent %v, wait %s of %v", notifiers.IsPermanent(err), notifiers.Wait(err), err)
			}
		})
	}
}

func TestOneIncidentAMessage(t *testing.T) {
	_, _, settings := start(t)
	m := notifiertest.Message("k")
	m.Items = append(m.Items, m.Items[0])
	if _, err := open(t, settings).Notify(t.Context(), mapped, m); !notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret(canary)
	for want, settings := range map[string]pagerduty.Settings{
		"routing_key is missing": {RoutingKey: opaque.NewSecret(" ")},
		"api_url: http:// is":    {RoutingKey: secret, APIURL: "http://events.example.net"},
		"api_url: it names no":   {RoutingKey: secret, APIURL: "events.pagerduty.com"},
	} {
		_, err := settings.Open()
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
