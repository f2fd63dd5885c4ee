package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "hunter2-canary"

func start(t *testing.T) (*httpsink.Sink, webhook.Settings) {
	t.Helper()
	server, ca := notifiertest.Certificate(t)
	sink, err := httpsink.Start(httpsink.Options{TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	return sink, webhook.Settings{URL: opaque.NewSecret(sink.URL() + "/hook"), CA: ca}
}

func open(t *testing.T, settings webhook.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// The secret may be in the path, in a header, or be the key of the signature.
func TestConformance(t *testing.T) {
	for name, hide := range map[string]func(*webhook.Settings){
		"secret url": func(s *webhook.Settings) {
			s.URL = opaque.NewSecret(s.URL.Reveal() + "/" + canary + "?token=" + canary)
		},
		"secret header": func(s *webhook.Settings) {
			s.Headers = httpdo.JoinHeaders(map[string]string{"Authorization": "Bearer " + canary})
		},
		"signed": func(s *webhook.Settings) { s.Secret = opaque.NewSecret(canary) },
	} {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
				sink, settings := start(t)
				hide(&settings)
				return notifiertest.Channel{
					Settings: settings, Target: webhook.Target{}, Canary: canary, Pause: notifiertest.Pause,
					Trusts:   notifiertest.TrustsAnything("any program may be the receiver, and Standard Webhooks knows no other proof than 2xx"),
					Receiver: &notifiertest.HTTPReceiver{Sink: sink, Read: read},
				}
			})
		})
	}
}

// read finds key and texts of a body, as a receiver does.
func read(r httpsink.Request) notifiertest.Received {
	var body struct {
		Key string
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		panic(err)
	}
	return notifiertest.Received{Key: body.Key, Text: string(r.Body)}
}

// The bodies, whole: an interface that other programs are written against.
func TestBodies(t *testing.T) {
	for _, m := range notifiertest.Messages() {
		body, err := webhook.Body(m)
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, "", "  "); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".json", indented.String()+"\n")
	}
}

// Also of an incident of which nothing is known, all keys are there.
func TestEveryKeyIsAlwaysThere(t *testing.T) {
	full, err := webhook.Body(notifiertest.Message("k"))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := webhook.Body(notifiers.Message{Items: []notifiers.Item{{}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys(t, full), keys(t, empty)); diff != "" {
		t.Error(diff)
	}
	if !bytes.Contains(empty, []byte(`"groups":[],`)) || !bytes.Contains(empty, []byte(`"ended_at":null,`)) {
		t.Errorf("%s", empty)
	}
}

func keys(t *testing.T, body []byte) map[string]bool {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range value {
		names[name] = true
	}
	for name := range value["incident"].(map[string]any) {
		names["incident."+name] = true
	}
	return names
}

// The specification's own library verifies what we sign.
func TestSignature(t *testing.T) {
	for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "plain text of some length", "not-whsec_MfKQ"} {
		sink, settings := start(t)
		settings.Secret = opaque.NewSecret(secret)
		if _, err := open(t, settings).Notify(t.Context(), webhook.Target{}, notifiertest.Message("k-1")); err != nil {
			t.Fatal(err)
		}
		verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		if strings.HasPrefix(secret, "whsec_") {
			verifier, err = standardwebhooks.NewWebhook(secret)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := sink.Requests()[0]
		if err := verifier.Verify(got.Body, got.Header); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
		if id := got.Header.Get("webhook-id"); id != "k-1" {
			t.Errorf("webhook-id %q", id)
		}
		if err := verifier.Verify(append(got.Body, ' '), got.Header); err == nil {
			t.Error("a changed body was verified")
		}
	}
}

func TestRequest(t *testing.T) {
	sink, settings := start(t)
	settings.Headers = httpdo.JoinHeaders(map[string]string{"x-team": "mail", "User-Agent": "vigil"})
	receipt, err := open(t, settings).Notify(t.Context(), webhook.Target{}, notifiertest.Message("k"))
	if err != nil || receipt.Answer.String() != "HTTP 204 No Content" {
		t.Errorf("%q, %v", receipt.Answer, err)
	}
	got := sink.Requests()[0]
	if got.Method != http.MethodPost || got.Path != "/hook" {
		t.Errorf("%s %s", got.Method, got.Path)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Team": "mail", "User-Agent": "vigil",
		"Webhook-Id": "", "Webhook-Timestamp": "", "Webhook-Signature": "",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
}

// The body does not depend on when it is sent.
func TestRepetitionIsIdentical(t *testing.T) {
	sink, settings := start(t)
	n := open(t, settings)
	for range 2 {
		if _, err := n.Notify(t.Context(), webhook.Target{}, notifiertest.Message("k")); err != nil {
			t.Fatal(err)
		}
	}
	if requests := sink.Requests(); !bytes.Equal(requests[0].Body, requests[1].Body) {
		t.Errorf("attempts differ:\n%s\n%s", requests[0].Body, requests[1].Body)
	}
}

func TestOneTransitionAMessage(t *testing.T) {
	_, settings := start(t)
	m := notifiertest.Message("k")
	m.Items = append(m.Items, m.Items[0])
	if _, err := open(t, settings).Notify(t.Context(), webhook.Target{}, m); !notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, settings := range map[string]webhook.Settings{
		"url: it names no host": {},
		"url: with http:// its": {URL: opaque.NewSecret("http://user:" + canary + "@example.org/")},
		"base64":                {URL: opaque.NewSecret("https://example.org"), Secret: opaque.NewSecret("whsec_" + canary)},
		"headers":               {URL: opaque.NewSecret("https://example.org"), Headers: httpdo.JoinHeaders(map[string]string{"Webhook-Id": canary})},
		"ca_file":               {URL: opaque.NewSecret("https://example.org"), CA: "nothing"},
	} {
		_, err := settings.Open()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// Durations count whole seconds: until the end, or until the message was
// decided, and never backwards.
func TestDuration(t *testing.T) {
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	for _, test := range []struct{ at, end, want time.Duration }{
		{at: 90500 * time.Millisecond, want: 90},
		{at: time.Hour, end: 61 * time.Second, want: 61},
		{at: -time.Hour, want: 0},
	} {
		m.At, in.EndedAt = in.StartedAt.Add(test.at), time.Time{}
		if test.end != 0 {
			in.EndedAt = in.StartedAt.Add(test.end)
		}
		body, err := webhook.Body(m)
		if err != nil || !bytes.Contains(body, fmt.Appendf(nil, `"duration_s":%d,`, test.want)) {
			t.Errorf("at %v: %s, %v", test.at, body, err)
		}
	}
}

// TestAcknowledgement has the body say who works on the incident, in UTC.
func TestAcknowledgement(t *testing.T) {
	m := notifiertest.Message("k")
	until := time.Date(2026, 11, 30, 22, 0, 0, 0, time.FixedZone("CET", 3600))
	m.Items[0].Incident.State = "acknowledged"
	m.Items[0].Incident.Acknowledgement = notifiers.Acknowledgement{By: "anna\x1b", Reason: "new disk", Until: until}
	body, err := webhook.Body(m)
	for _, want := range []string{`"acknowledged_by":"anna\\x1b"`, `"acknowledged_until":"2026-11-30T21:00:00Z"`, `"acknowledged_reason":"new disk"`} {
		if err != nil || !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s, %v: it does not have %s", body, err, want)
		}
	}
}
