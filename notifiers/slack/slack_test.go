package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack/slacktest"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

// slacktest holds each message for a websocket that nobody opens here.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/slack-go/slack/slacktest.(*Server).queueForWebsocket"))
}

const canary = `xoxb-hunter2"+%/canary`

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, slack.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, slack.Settings{Token: opaque.NewSecret(canary), APIURL: sink.URL() + "/api"}
}

func open(t *testing.T, settings slack.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

var ops = slack.Target{Channel: "#mail-ops", Mention: "@here"}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, settings := start(t, httpsink.Slack)
	return notifiertest.Channel{
		Settings: settings, Target: ops, Written: notifiers.Values{"channel": {Text: "#mail-ops"}, "mention": {Text: "@here"}},
		Canary: canary, Pause: notifiertest.Pause,
		LieIsPermanent: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return answer(map[string]any{"ok": true, "channel": text, "ts": text})
			},
			Refuse: refusal,
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie:    refusal("not_in_channel"),
				notifiertest.Broken: refusal("internal_error"),
			},
		},
	}
}

var mentionMarkup = regexp.MustCompile(`<[!@][^>]*>`)

// read finds key and texts of a message, without the token.
func read(r httpsink.Request) notifiertest.Received {
	form := parse(r)
	if strings.HasSuffix(r.Path, "/chat.update") {
		return notifiertest.Received{Text: form.Get("text") + "\n" + form.Get("attachments"), Updates: form.Get("ts")}
	}
	var metadata struct {
		Payload struct{ Key string } `json:"event_payload"`
	}
	if err := json.Unmarshal([]byte(form.Get("metadata")), &metadata); err != nil {
		panic(err)
	}
	received := notifiertest.Received{Key: metadata.Payload.Key, Text: form.Get("text") + "\n" + form.Get("attachments"), Thread: form.Get("thread_ts")}
	// What Slack takes for a mention, wherever it stands.
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(received.Text)
	received.Mention = strings.Join(mentionMarkup.FindAllString(plain, -1), " ")
	return received
}

func parse(r httpsink.Request) url.Values {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		panic(err)
	}
	return form
}

func answer(value map[string]any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: http.StatusOK, Body: string(body)}
}

// refusal refuses as Slack does: with status 200.
func refusal(text string) httpsink.Response {
	return answer(map[string]any{"ok": false, "error": text})
}

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

// What Slack is sent, whole.
func TestPosts(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, settings := start(t, httpsink.Slack)
		if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, parse(sink.Requests()[0])))
	}
}

// show is a form as a person reads it.
func show(t *testing.T, form url.Values) string {
	t.Helper()
	form.Del("token")
	var attachments any
	if err := json.Unmarshal([]byte(form.Get("attachments")), &attachments); err != nil {
		t.Fatal(err)
	}
	form.Del("attachments")
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprintf(&text, "%s: %s\n", name, form.Get(name))
	}
	var indented bytes.Buffer
	encoder := json.NewEncoder(&indented)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(attachments); err != nil {
		t.Fatal(err)
	}
	return text.String() + "attachments: " + indented.String()
}

// slack-go's own server takes what we send.
func TestSlacktest(t *testing.T) {
	server := slacktest.NewTestServer()
	server.Start()
	defer server.Stop()
	n := open(t, slack.Settings{Token: opaque.NewSecret(canary), APIURL: server.GetAPIURL()})
	receipt, err := n.Notify(t.Context(), ops, notifiertest.Message("k"))
	if err != nil || !strings.HasPrefix(receipt.Thread, "#mail-ops:") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// No text but the target's mention is markup.
func TestNothingIsMarkup(t *testing.T) {
	sink, settings := start(t, httpsink.Slack)
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	hostile := "<!channel> <https://evil.example|click> @everyone ```x``` *b* &lt;!here&gt;"
	in.Label, in.ServerLabel, in.Description, in.Hint, in.Host, in.Runbook = hostile, hostile, hostile, hostile, hostile, hostile
	in.URL = "https://status.example.org/<!channel>|x"
	in.Evidence = opaque.Sanitise(hostile)
	for _, items := range []int{1, 2, 21} {
		for len(m.Items) < items {
			m.Items = append(m.Items, m.Items[0])
		}
		if _, err := open(t, settings).Notify(t.Context(), slack.Target{Channel: "#mail-ops"}, m); err != nil {
			t.Fatal(err)
		}
		form := parse(sink.Requests()[len(sink.Requests())-1])
		if form.Get("parse") != "none" || form.Get("link_names") != "false" {
			t.Errorf("Slack would look for links: %v", form)
		}
		for _, text := range texts(t, form) {
			text = strings.ReplaceAll(text, "<https://status.example.org/%3C!channel%3E%7Cx>", "")
			if strings.ContainsAny(text, "<>") {
				t.Errorf("markup in %q", text)
			}
			if block := strings.Split(text, "```"); len(block) > 1 && (len(block)%2 != 1 || strings.Contains(block[1], "`")) {
				t.Errorf("the quote can end early: %q", text)
			}
		}
	}
}

// texts are all that Slack may look for markup in.
func texts(t *testing.T, form url.Values) []string {
	t.Helper()
	all := []string{form.Get("text")}
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				walk(v)
			}
		case map[string]any:
			if value["type"] == "mrkdwn" && value["verbatim"] != true {
				t.Errorf("not verbatim: %v", value)
			}
			for name, v := range value {
				if text, ok := v.(string); ok && name == "text" {
					all = append(all, text)
				}
				walk(v)
			}
		}
	}
	var attachments any
	if err := json.Unmarshal([]byte(form.Get("attachments")), &attachments); err != nil {
		t.Fatal(err)
	}
	walk(attachments)
	return all
}

func TestSectionsAreShortEnough(t *testing.T) {
	sink, settings := start(t, httpsink.Slack)
	m := notifiertest.Message("k")
	m.Items[0].Incident.Description = strings.Repeat(strings.Repeat("&ä", 200)+"\n", 40)
	m.Items[0].Incident.Evidence = opaque.Sanitise(strings.Repeat("<", 2000))
	if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts(t, parse(sink.Requests()[0])) {
		if n := len([]rune(text)); n > 3000 || n == 0 {
			t.Errorf("a text of %d characters", n)
		}
	}
}

// One incident is one thread, whose replies the channel sees.
func TestThread(t *testing.T) {
	sink, settings := start(t, httpsink.Slack)
	n := open(t, settings)
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), ops, m)
	if err != nil {
		t.Fatal(err)
	}
	m.Key, m.Previous = "second", first
	second, err := n.Notify(t.Context(), ops, m)
	if err != nil || second.Thread != first.Thread || second.Answer == first.Answer {
		t.Errorf("%+v then %+v, %v", first, second, err)
	}
	reply := parse(sink.Requests()[1])
	if channel, ts, _ := strings.Cut(first.Thread, ":"); channel != "#mail-ops" || reply.Get("thread_ts") != ts || reply.Get("reply_broadcast") != "true" {
		t.Errorf("thread %q, reply %v", first.Thread, reply)
	}
	m.Items = append(m.Items, m.Items[0])
	if batch, err := n.Notify(t.Context(), ops, m); err != nil || batch.Thread == first.Thread || parse(sink.Requests()[2]).Has("thread_ts") {
		t.Errorf("a batch went into the thread of its first incident: %+v, %v", batch, err)
	}
}

// A message is not lost because the thread's beginning was deleted.
func TestThreadIsGone(t *testing.T) {
	sink, settings := start(t, func(r httpsink.Request) httpsink.Response {
		if parse(r).Has("thread_ts") {
			return answer(map[string]any{"ok": false, "error": "thread_not_found"})
		}
		return httpsink.Slack(r)
	})
	m := notifiertest.Message("k")
	m.Previous.Thread = "C1:1795456025.000001"
	receipt, err := open(t, settings).Notify(t.Context(), ops, m)
	if err != nil || receipt.Thread == m.Previous.Thread || receipt.Thread == "" {
		t.Errorf("%+v, %v", receipt, err)
	}
	if n := len(sink.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestMentions(t *testing.T) {
	for mention, want := range map[string]string{
		"": "", "@here": "<!here> ", "@channel": "<!channel> ", "@everyone": "<!everyone> ", "U024BE7LH": "<@U024BE7LH> ", "S0614TZR7": "<!subteam^S0614TZR7> ",
	} {
		sink, settings := start(t, httpsink.Slack)
		n := open(t, settings)
		to, err := slack.NewTarget("C024BE91L", mention)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range notifiertest.Messages() {
			if _, err := n.Notify(t.Context(), to, m); err != nil {
				t.Fatal(err)
			}
			prefix := want
			if m.IsTest() || m.Items[0].Transition == notifiers.Closed || m.Items[0].Transition == notifiers.Acknowledged {
				prefix = ""
			}
			if text := parse(sink.Requests()[i]).Get("text"); !strings.HasPrefix(text, prefix) || strings.Contains(strings.TrimPrefix(text, prefix), "<") {
				t.Errorf("%s: %q, want it to begin with %q", m.Key, text, prefix)
			}
		}
	}
}

func TestTarget(t *testing.T) {
	for _, wrong := range [][2]string{
		{"", ""}, {"two words", ""}, {"#mail-ops", "everybody"}, {"#mail-ops", "<!here>"}, {"#mail-ops", "@alice"}, {"#x\nchannel=#y", ""},
	} {
		if got, err := slack.NewTarget(wrong[0], wrong[1]); err == nil {
			t.Errorf("%q made %+v", wrong, got)
		}
	}
	if text := ops.String(); text != "#mail-ops @here" {
		t.Error(text)
	}
	_, settings := start(t, httpsink.Slack)
	if _, err := open(t, settings).Notify(t.Context(), slack.Target{Channel: "#x", Mention: "<!channel>"}, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
		t.Errorf("a mention from a file: %v", err)
	}
}

// Which errors of Slack's a person has to heal.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		said      map[string]any
		want      string
		permanent bool
	}{
		{map[string]any{"ok": false, "error": "invalid_auth"}, "posting to Slack: invalid_auth", true},
		{map[string]any{"ok": false, "error": "channel_not_found"}, "channel_not_found", true},
		{map[string]any{"ok": false, "error": "not_in_channel"}, "not_in_channel", true},
		{map[string]any{"ok": false, "error": "is_archived"}, "is_archived", true},
		{map[string]any{"ok": false, "error": "missing_scope", "needed": "chat:write"}, "missing_scope, the token needs the scope chat:write", true},
		{map[string]any{"ok": false, "error": "thread_not_found"}, "thread_not_found", true},
		{map[string]any{"ok": false, "error": "ratelimited"}, "ratelimited", false},
		{map[string]any{"ok": false, "error": "internal_error"}, "internal_error", false},
		{map[string]any{"ok": false, "error": "\x1b[2J\u202e " + canary}, `\x1b[2J\u{202e} (sensitive)`, true},
		{map[string]any{"ok": true}, "no timestamp", false},
		{map[string]any{}, "no timestamp", false},
		{nil, "no timestamp", false},
		{map[string]any{"ok": "yes"}, "json", false},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return answer(test.said) })
		_, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent {
			t.Errorf("%v: got %v, permanent %v", test.said, err, notifiers.IsPermanent(err))
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the token came back: %v", err)
		}
	}
}

// A portal that answers everything with a page delivers nothing.
func TestNotSlack(t *testing.T) {
	_, settings := start(t, func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: http.StatusOK, Body: "<html>Log in first"}
	})
	if _, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k")); err == nil || notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

// Half an answer may mean that the message was posted: it is tried again.
func TestHalfAnAnswer(t *testing.T) {
	_, settings := start(t, func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: http.StatusOK, Header: http.Header{"Content-Length": {"100"}}, Body: `{"ok":tr`}
	})
	if _, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k")); err == nil || notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, settings := range map[string]slack.Settings{
		"token is missing":                    {},
		"api_url: http:// is for loopback":    {Token: opaque.NewSecret(canary), APIURL: "http://slack.example.org/api/"},
		"api_url: it has to begin with https": {Token: opaque.NewSecret(canary), APIURL: "ftp://slack.example.org/api/"},
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
