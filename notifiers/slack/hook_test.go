package slack_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

const (
	hookCanary = "hunter2-canary-hook-key"
	hookPath   = "/services/T00000000/B00000000/" + hookCanary
)

var here = slack.Target{Mention: "@here"}

// incomingWebhook answers as hooks.slack.com does: in plain text.
func incomingWebhook(r httpsink.Request) httpsink.Response {
	say := func(status int, word string) httpsink.Response { return httpsink.Response{Status: status, Body: word} }
	var sent map[string]any
	switch {
	case r.Path != hookPath:
		return say(http.StatusNotFound, "no_service")
	case r.Method != http.MethodPost, r.Header.Get("Content-Type") != "application/json", json.Unmarshal(r.Body, &sent) != nil:
		return say(http.StatusBadRequest, "invalid_payload")
	case sent["text"] == "" && sent["attachments"] == nil:
		return say(http.StatusBadRequest, "no_text")
	case sent["channel"] != nil || sent["thread_ts"] != nil:
		return say(http.StatusForbidden, "action_prohibited")
	}
	return say(http.StatusOK, "ok")
}

func startHook(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, slack.Settings) {
	t.Helper()
	sink, _ := start(t, answer)
	return sink, slack.Settings{URL: opaque.NewSecret(sink.URL() + hookPath)}
}

func TestHookConformance(t *testing.T) { notifiertest.Run(t, hookChannel) }

func FuzzHookAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, hookChannel) }

func hookChannel(t *testing.T) notifiertest.Channel {
	sink, settings := startHook(t, incomingWebhook)
	return notifiertest.Channel{
		Settings: settings, Target: here, Written: notifiers.Values{"mention": {Text: "@here"}},
		Canary: hookCanary, Pause: notifiertest.Pause, Keyless: true, Abilities: &notifiers.Abilities{Mentions: true},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: readHook,
			Answers: map[notifiertest.Fault]httpsink.Response{notifiertest.Lie: {Status: http.StatusOK, Body: "invalid_token"}},
		},
	}
}

func readHook(r httpsink.Request) notifiertest.Received {
	var sent struct {
		Text        string
		Attachments json.RawMessage
	}
	if err := json.Unmarshal(r.Body, &sent); err != nil {
		panic(err)
	}
	got := notifiertest.Received{Text: sent.Text + "\n" + string(sent.Attachments)}
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(got.Text)
	got.Mention = strings.Join(mentionMarkup.FindAllString(plain, -1), " ")
	return got
}

// A webhook is sent what a bot sends, and nothing that would need a token.
func TestHookPosts(t *testing.T) {
	sink, settings := startHook(t, incomingWebhook)
	receipt, err := open(t, settings).Notify(t.Context(), here, notifiertest.Message("k"))
	if err != nil || receipt.Answer.String() != "HTTP 200 OK: ok" || receipt.Thread != "" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	var sent map[string]any
	if err := json.Unmarshal(sink.Requests()[0].Body, &sent); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(sent, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/hook.json", string(text)+"\n")
}

func TestHookAnswers(t *testing.T) {
	for _, test := range []struct {
		status    int
		body      string
		want      string
		failed    bool
		permanent bool
		wait      time.Duration
	}{
		{status: 200, body: "ok", want: "HTTP 200 OK: ok"},
		{status: 200, want: `no "ok"`, failed: true},
		{status: 200, body: "<html>Log in first", want: "it may not be from Slack", failed: true},
		{status: 400, body: "invalid_payload", want: "posting to Slack: HTTP 400 Bad Request: invalid_payload", failed: true, permanent: true},
		{status: 403, body: "action_prohibited", want: "action_prohibited", failed: true, permanent: true},
		{status: 404, body: "no_service", want: "no_service", failed: true, permanent: true},
		{status: 410, body: "channel_is_archived", want: "channel_is_archived", failed: true, permanent: true},
		{status: 429, body: "rate_limited", want: "rate_limited", failed: true, wait: 30 * time.Second},
		{status: 500, body: "rollup_error", want: "rollup_error", failed: true},
		{status: 302, body: "", want: "HTTP 302", failed: true, permanent: true},
	} {
		_, settings := startHook(t, func(httpsink.Request) httpsink.Response {
			header := http.Header{}
			if test.wait > 0 {
				header.Set("Retry-After", "30")
			}
			return httpsink.Response{Status: test.status, Header: header, Body: test.body}
		})
		receipt, err := open(t, settings).Notify(t.Context(), here, notifiertest.Message("k"))
		said := receipt.Answer.String()
		if err != nil {
			said = err.Error()
		}
		if (err != nil) != test.failed || !strings.Contains(said, test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%+v: got %q, permanent %v, a pause of %v", test, said, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

func TestHookRefuses(t *testing.T) {
	hook, secret := opaque.NewSecret("https://hooks.slack.com"+hookPath), opaque.NewSecret(canary)
	for want, settings := range map[string]slack.Settings{
		"together with token":     {URL: hook, Token: secret},
		"together with api_url":   {URL: hook, APIURL: "https://slack.com/api/"},
		"together with app_token": {URL: hook, AppToken: secret},
		"url: http:// is for":     {URL: opaque.NewSecret("http://hooks.slack.com" + hookPath)},
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hookCanary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	bot := slack.Settings{Token: secret}
	for _, test := range []struct {
		settings slack.Settings
		target   slack.Target
		want     string
	}{
		{slack.Settings{URL: hook}, here, ""},
		{slack.Settings{URL: hook}, ops, "channel: an incoming webhook posts to the channel for which it was made"},
		{bot, ops, ""},
		{bot, here, "channel is missing"},
	} {
		if err := test.settings.CheckTarget(test.target); (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test.target, err)
		}
	}
	if _, err := slack.NewHookTarget("@everybody"); err == nil {
		t.Error("a mention that is none was taken")
	}
}

// The first message about an incident says at the end that it is over.
func TestFirstMessageChanges(t *testing.T) {
	sink, settings := start(t, httpsink.Slack)
	n := open(t, settings)
	first, err := n.Notify(t.Context(), ops, notifiertest.Message("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(t.Context(), ops, notifiertest.Ending(first)); err != nil {
		t.Fatal(err)
	}
	requests := sink.Requests()
	if len(requests) != 3 || !strings.HasSuffix(requests[1].Path, "/chat.postMessage") || !strings.HasSuffix(requests[2].Path, "/chat.update") {
		t.Fatalf("%d requests", len(requests))
	}
	change := parse(requests[2])
	if channel, ts, _ := strings.Cut(first.Thread, ":"); change.Get("channel") != channel || change.Get("ts") != ts {
		t.Errorf("changed %s in %s", change.Get("ts"), change.Get("channel"))
	}
	golden.Compare(t, "testdata/ended.txt", show(t, change))
}

// An end is delivered, whatever becomes of the first message.
func TestFirstMessageIsGone(t *testing.T) {
	_, settings := start(t, func(r httpsink.Request) httpsink.Response {
		if strings.HasSuffix(r.Path, "/chat.update") {
			return answer(map[string]any{"ok": false, "error": "message_not_found"})
		}
		return httpsink.Slack(r)
	})
	end := notifiertest.Ending(notifiers.Receipt{Thread: "C1:1795456025.000001"})
	receipt, err := open(t, settings).Notify(t.Context(), ops, end)
	if err != nil || !strings.HasSuffix(receipt.Answer.String(), "; the first message was not changed: message_not_found") {
		t.Errorf("%+v, %v", receipt, err)
	}
}
