package gotify_test

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/gotify"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `Ahunter2"+&canary`

// created is a body as the API's description has it (spec.json, MessageExternal).
type created struct {
	Title    string `json:"title"`
	Message  string `json:"message"`
	Priority *int   `json:"priority"`
	Extras   struct {
		Display struct {
			ContentType string `json:"contentType"`
		} `json:"client::display"`
		Notification struct {
			Click struct {
				URL string `json:"url"`
			} `json:"click"`
		} `json:"client::notification"`
	} `json:"extras"`
}

func parse(r httpsink.Request) (c created) {
	if err := json.Unmarshal(r.Body, &c); err != nil {
		panic(err)
	}
	return c
}

// server answers as Gotify does.
func server(r httpsink.Request) httpsink.Response {
	var c created
	switch {
	case r.Method != http.MethodPost || r.Path != "/message":
		return refusal(404, "Not Found", "page not found")
	case r.Header.Get("X-Gotify-Key") != canary:
		return refusal(401, "Unauthorized", "you need to provide a valid access token or user credentials to access this api")
	case r.Header.Get("Content-Type") != "application/json": // a form has no extras
		return refusal(400, "Bad Request", "unknown content type")
	case json.Unmarshal(r.Body, &c) != nil || c.Message == "":
		return refusal(400, "Bad Request", "Field 'message' is required")
	}
	return response(200, map[string]any{
		"id": crc32.ChecksumIEEE(r.Body), "appid": 5, "message": c.Message, "title": c.Title, "priority": c.Priority, "date": "2026-11-23T17:52:05Z",
	})
}

func response(status int, value any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

func refusal(status int, name, description string) httpsink.Response {
	return response(status, map[string]any{"error": name, "errorCode": status, "errorDescription": description})
}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, gotify.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, gotify.Settings{URL: sink.URL() + "/", Token: opaque.NewSecret(canary)}
}

func open(t *testing.T, s gotify.Settings) notifiers.Notifier {
	t.Helper()
	n, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func conform(t *testing.T) notifiertest.Channel {
	sink, settings := start(t, server)
	return notifiertest.Channel{
		Settings: settings, Target: gotify.Target{}, Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink,
			Read: func(r httpsink.Request) notifiertest.Received {
				c := parse(r)
				return notifiertest.Received{Text: c.Title + "\n" + c.Message + "\n" + c.Extras.Notification.Click.URL, Quiet: *c.Priority < 4}
			},
			Accept: func(text string) httpsink.Response { return response(200, map[string]any{"id": 1, "message": text}) },
			Refuse: func(text string) httpsink.Response { return refusal(400, "Bad Request", text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: 200, Body: refusal(401, "Unauthorized", "no").Body},
			},
		},
	}
}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

// What a server is sent, whole.
func TestMessages(t *testing.T) {
	hostile := notifiertest.Message("hostile")
	in := &hostile.Items[0].Incident
	in.Label, in.Description = "*b* [click](https://evil.example) <b>\r\n", "# big\n* list"
	in.Evidence = opaque.Sanitise("* BYE see https://evil.example.org/x " + notifiertest.HostileWords)
	long := notifiertest.Message("long")
	in = &long.Items[0].Incident
	in.Label, in.Description = strings.Repeat("größer ", 100), strings.Repeat("größer ", 4000)
	in.Evidence = opaque.Sanitise(strings.Repeat("words ", 1000))
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered(), []notifiers.Message{hostile, long}) {
		sink, settings := start(t, server)
		if _, err := open(t, settings).Notify(t.Context(), gotify.Target{}, m); err != nil {
			t.Fatal(err)
		}
		r := sink.Requests()[0]
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, r))
		if c := parse(r); len(c.Message) > 8000 || len(c.Title) > 250 || c.Extras.Display.ContentType != "text/plain" {
			t.Errorf("%s: a title of %d and a text of %d bytes, as %s", m.Key, len(c.Title), len(c.Message), c.Extras.Display.ContentType)
		}
	}
}

// show writes a body as a person reads it: its text last, as the phone shows it.
func show(t *testing.T, r httpsink.Request) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	text := body["message"].(string)
	delete(body, "message")
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n" + text + "\n"
}

// Each answer of Gotify, and what it is worth.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		answer    httpsink.Response
		want      string // empty: delivered
		permanent bool
		wait      time.Duration
	}{
		{answer: response(200, map[string]any{"id": 25})},
		{answer: response(200, map[string]any{"id": 0}), want: "the answer has no message id"},
		{answer: response(200, map[string]any{"id": "25"}), want: "the answer has no message id"},
		{answer: response(200, map[string]any{}), want: "the answer has no message id"},
		{answer: httpsink.Response{Status: 200, Body: `[]`}, want: "the answer has no message id"},
		{answer: httpsink.Response{Status: 204}, want: "the answer has no message id"},
		{answer: refusal(400, "Bad Request", "Field 'message' is required"), want: "writing to Gotify: HTTP 400, Bad Request: Field 'message' is required", permanent: true},
		{answer: refusal(401, "Unauthorized", "valid access token"), want: "HTTP 401, Unauthorized: valid access token", permanent: true},
		{answer: refusal(403, "Forbidden", "not allowed"), want: "HTTP 403, Forbidden: not allowed", permanent: true},
		{answer: refusal(500, "Internal Server Error", "database is locked"), want: "HTTP 500, Internal Server Error: database is locked"},
		{answer: httpsink.Response{Status: 404, Body: "<html>"}, want: "HTTP 404 Not Found: <html>", permanent: true},
		{answer: httpsink.Response{Status: 503, Header: http.Header{"Retry-After": {"64.57"}}}, want: "HTTP 503", wait: 65 * time.Second},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings).Notify(t.Context(), gotify.Target{}, notifiertest.Message("k"))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || err == nil && receipt.Answer.String() != "message 25" {
			t.Errorf("%v: %+v, %v, want %q", test.answer, receipt, err, test.want)
		}
		if notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%v: permanent %v, wait %v", test.answer, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

func TestTargets(t *testing.T) {
	_, settings := start(t, server)
	for priority, want := range map[string]string{
		`{"down":"11"}`: "priority: down must be a number from 0 to 10", `{"open":"5"}`: `priority: there is no "open"`,
	} {
		if _, err := gotify.NewTarget(priority); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", priority, err)
		}
		if _, err := open(t, settings).Notify(t.Context(), gotify.Target{Priority: priority}, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
			t.Errorf("%s from a file: %v", priority, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	token := opaque.NewSecret(canary)
	for want, settings := range map[string]gotify.Settings{
		"url: http:// is for loopback":  {URL: "http://push.example.org", Token: token},
		"url: it names no host":         {URL: "https:", Token: token},
		"url: write the address of the": {URL: "https://push.example.org/message?token=x", Token: token},
		"token is missing":              {URL: "https://push.example.org"},
	} {
		if _, err := settings.Open(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
