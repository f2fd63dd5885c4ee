package rocketchat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/rocketchat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var mailOps = rocketchat.Target{Channel: "#mail-ops", Mention: "@here"}

func settings(sink *httpsink.Sink) rocketchat.Settings {
	return rocketchat.Settings{URL: sink.URL() + "/", UserID: user, Token: opaque.NewSecret(token)}
}

func open(t *testing.T, s rocketchat.Settings) notifiers.Notifier {
	t.Helper()
	n, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestConformance(t *testing.T) { notifiertest.Run(t, channel) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, channel) }

func channel(t *testing.T) notifiertest.Channel {
	sink := start(t, newServer().answer)
	return notifiertest.Channel{
		Settings: settings(sink), Target: mailOps, Canary: token, Pause: busyPause, Keyless: true,
		Written: notifiers.Values{"channel": {Text: "#mail-ops"}, "mention": {Text: "@here"}},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: created,
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: refuse(http.StatusOK, "error-not-allowed"),
			},
		},
		LieIsPermanent: true,
	}
}

// busyPause is the floor, which is longer than the suite's own pause.
const busyPause = 10 * time.Second

// What Rocket.Chat is sent, whole.
func TestMessages(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink := start(t, newServer().answer)
		if _, err := open(t, settings(sink)).Notify(t.Context(), mailOps, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, sink.Requests()[0]))
	}
}

// show is a request as a person reads it: texts with their lines.
func show(t *testing.T, r httpsink.Request) string {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.Path)
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text.String(), `\n`, "\n      ")
}

const hostile = "@all @here <!channel> :smile: #tag [click](https://evil.example) *b* _i_ ~s~ `x` ```y``` | > h"

// formats is what formats outside names of facts and code.
var formats = regexp.MustCompile(`[^\\*\n][*_~]\S|[^\\]\]\(`)

// No text but the target's mention is markup.
func TestNothingIsMarkup(t *testing.T) {
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	for _, field := range []*string{&in.Check, &in.Label, &in.ServerLabel, &in.Description, &in.Hint, &in.Host, &in.Runbook, &in.CauseText, &m.RoleLabel, &m.Monitor} {
		*field = hostile
	}
	in.GroupLabels = []string{hostile, hostile}
	in.Evidence = opaque.Sanitise(hostile)
	for _, items := range []int{1, 2, 21} {
		for len(m.Items) < items {
			more := m.Items[0]
			more.Incident.Check = fmt.Sprint("mx", len(m.Items))
			m.Items = append(m.Items, more)
		}
		sink := start(t, newServer().answer)
		if _, err := open(t, settings(sink)).Notify(t.Context(), mailOps, m); err != nil {
			t.Fatal(err)
		}
		got := read(sink.Requests()[0])
		if got.Mention != "@here" || strings.Contains(got.Text, "<") {
			t.Errorf("mentions %q: %s", got.Mention, got.Text)
		}
		blocks := strings.Split(got.Text, "```")
		for i := 0; i < len(blocks); i += 2 {
			if at := formats.FindString(blocks[i]); at != "" || strings.Contains(blocks[i], ":smile:") {
				t.Errorf("%q formats in %s", at, blocks[i])
			}
		}
		if items == 1 {
			golden.Compare(t, "testdata/hostile.txt", show(t, sink.Requests()[0]))
		}
	}
}

// Whatever is in a message, it fits, and what happened and where to acknowledge is in it.
func TestFits(t *testing.T) {
	long := strings.Repeat("_ä ", 3000)
	for _, items := range []int{1, 7, 20, 60} {
		m := notifiertest.Message("k")
		in := &m.Items[0].Incident
		in.Evidence, in.Description, in.Hint, in.Label, in.ServerLabel, in.CauseText = opaque.Sanitise(long), long, long, long, long, long
		in.AcknowledgeURL = "https://status.example.org/a/" + strings.Repeat("x", 90)
		m.RoleLabel = long
		for len(m.Items) < items {
			more := m.Items[0]
			more.Incident.Check = fmt.Sprintf("mx%d/%s", len(m.Items), strings.Repeat("long", 10))
			m.Items = append(m.Items, more)
		}
		sink := start(t, newServer().answer)
		if _, err := open(t, settings(sink)).Notify(t.Context(), mailOps, m); err != nil {
			t.Fatal(err)
		}
		text := read(sink.Requests()[0]).Text
		if n := len([]rune(text)); n > 5000 || n < 500 {
			t.Errorf("%d incidents: %d characters", items, n)
		}
		if !strings.Contains(text, "DOWN mx1/office") && !strings.Contains(text, fmt.Sprintf("%d down: mx1/office", items)) {
			t.Errorf("%d incidents: the headline is missing from %q", items, text)
		}
		if items == 1 && !strings.Contains(text, in.AcknowledgeURL) {
			t.Errorf("the link is missing in %s", text)
		}
	}
}

// One incident is one thread, and its first message says at the end that it is over.
func TestThread(t *testing.T) {
	chat := newServer()
	sink := start(t, chat.answer)
	n := open(t, settings(sink))
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), mailOps, m)
	if err != nil || first.Thread != ops+":message0000000001" || first.Answer.String() != "message message0000000001" {
		t.Fatalf("%+v, %v", first, err)
	}
	m.Key, m.Previous, m.Items[0].Transition = "second", first, notifiers.Reminder
	second, err := n.Notify(t.Context(), mailOps, m)
	if err != nil || second.Thread != first.Thread || second.Answer == first.Answer {
		t.Errorf("%+v then %+v, %v", first, second, err)
	}
	if _, err := n.Notify(t.Context(), mailOps, notifiertest.Ending(first)); err != nil {
		t.Fatal(err)
	}
	changed := chat.all()["message0000000001"]
	if !strings.HasPrefix(changed.Text, "🟢 RECOVERED mx1/office") || len(changed.Attachments) == 0 {
		t.Errorf("the first message is %+v", changed)
	}
	for _, made := range chat.all() {
		if made.ParseURLs == nil || *made.ParseURLs {
			t.Errorf("the server asks the hosts of links in %+v", made)
		}
	}
	golden.Compare(t, "testdata/ended.txt", show(t, sink.Requests()[len(sink.Requests())-1]))
}

// A message is not lost because the thread's beginning was deleted, and an end is delivered
// whatever becomes of the first message.
func TestThreadIsGone(t *testing.T) {
	gone := notifiers.Receipt{Thread: ops + ":gone"}
	m := notifiertest.Message("k")
	m.Previous = gone
	sink := start(t, newServer().answer)
	receipt, err := open(t, settings(sink)).Notify(t.Context(), mailOps, m)
	if err != nil || receipt.Thread == gone.Thread || receipt.Thread == "" {
		t.Errorf("%+v, %v", receipt, err)
	}
	receipt, err = open(t, settings(sink)).Notify(t.Context(), mailOps, notifiertest.Ending(gone))
	if err != nil || !strings.Contains(receipt.Answer.String(), "; the first message was not changed: HTTP 400 Bad Request: The room id") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// A room can be named by its id.
func TestRoomByID(t *testing.T) {
	sink := start(t, newServer().answer)
	if _, err := open(t, settings(sink)).Notify(t.Context(), rocketchat.Target{Channel: ops}, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	if body := string(sink.Requests()[0].Body); !strings.Contains(body, `"roomId":"`+ops+`"`) || strings.Contains(body, `"channel"`) {
		t.Errorf("sent %s", body)
	}
}

// What Rocket.Chat and those in its place may answer.
func TestAnswers(t *testing.T) {
	const busy = "Error, too many requests. Please slow down. You must wait 54 seconds before trying this endpoint again. [error-too-many-requests]"
	with := func(r httpsink.Response, name, value string) httpsink.Response {
		r.Header = http.Header{name: {value}}
		return r
	}
	for _, test := range []struct {
		answer    httpsink.Response
		want      string
		failed    bool
		permanent bool
		wait      time.Duration
	}{
		{answer: created("abc"), want: "message abc"},
		{answer: httpsink.Response{Status: 200, Body: `{"success":true}`}, want: "no id of a message", failed: true},
		{answer: httpsink.Response{Status: 200, Body: `{"success":true,"message":{"_id":"../x"}}`}, want: "no id of a message", failed: true},
		{answer: httpsink.Response{Status: 200, Body: `{"message":{"_id":"abc"}}`}, want: `no "success": true`, failed: true},
		{answer: httpsink.Response{Status: 200, Body: `{"success":false}`}, want: `no "success": true`, failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>Log in"}, want: "it may not be from Rocket.Chat", failed: true},
		{answer: httpsink.Response{Status: 200}, want: "it may not be from Rocket.Chat", failed: true},
		{answer: refuse(200, "error-not-allowed"), want: "HTTP 200 OK: error-not-allowed", failed: true, permanent: true},
		{answer: refuse(400, "error-room-not-found"), want: "HTTP 400 Bad Request: error-room-not-found", failed: true, permanent: true},
		{answer: refuse(403, "error-not-allowed"), want: "HTTP 403 Forbidden: error-not-allowed", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 401, Body: `{"status":"error","message":"You must be logged in to do this."}`}, want: "HTTP 401 Unauthorized: You must be logged in to do this.", failed: true, permanent: true},
		{answer: refuse(429, busy), want: "You must wait 54 seconds", failed: true, wait: 54 * time.Second},
		{answer: refuse(400, busy), want: "You must wait 54 seconds", failed: true, wait: 54 * time.Second},
		{answer: refuse(200, busy), want: "You must wait 54 seconds", failed: true, wait: 54 * time.Second},
		{answer: with(refuse(429, busy), "Retry-After", "90"), want: "wait 54", failed: true, wait: 90 * time.Second},
		{answer: refuse(429, "You must wait 3 seconds [error-too-many-requests]"), want: "wait 3", failed: true, wait: 10 * time.Second},
		{answer: httpsink.Response{Status: 429, Body: "slow down"}, want: "HTTP 429", failed: true, wait: 10 * time.Second},
		{answer: refuse(500, "Internal server error"), want: "HTTP 500 Internal Server Error: Internal server error", failed: true},
		{answer: with(refuse(503, "error-x"), "Retry-After", "7"), want: "HTTP 503", failed: true, wait: 7 * time.Second},
		{answer: httpsink.Response{Status: 502, Body: "<html>"}, want: "HTTP 502", failed: true},
		{answer: with(httpsink.Response{Status: 302}, "Location", "https://evil.example/"), want: "HTTP 302", failed: true, permanent: true},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings(sink)).Notify(t.Context(), mailOps, notifiertest.Message("k"))
		said := receipt.Answer.String()
		if err != nil {
			said = err.Error()
		}
		if (err != nil) != test.failed || !strings.Contains(said, test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%+v: got %q, permanent %v, a pause of %v", test.answer, said, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct{ channel, mention, want string }{
		{"", "", "channel"}, {"mail ops", "", "channel"}, {"#mail ops", "", "channel"}, {ops, "here", "mention"}, {ops, "@a b", "mention"},
	} {
		if _, err := rocketchat.NewTarget(test.channel, test.mention); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret(token)
	for want, s := range map[string]rocketchat.Settings{
		"url: http:// is for": {URL: "http://chat.example.org", UserID: user, Token: secret},
		"token is missing":    {URL: "https://chat.example.org", UserID: user},
		"user_id is no id":    {URL: "https://chat.example.org", UserID: "a b", Token: secret},
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
