package mattermost_test

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
	"github.com/imapvigil/imapvigil/notifiers/mattermost"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	square = mattermost.Target{Channel: town, Mention: "@here"}
	hooked = mattermost.Target{Channel: "town-square", Mention: "@here"}
)

func botSettings(sink *httpsink.Sink) mattermost.Settings {
	return mattermost.Settings{URL: opaque.NewSecret(sink.URL() + "/"), Token: opaque.NewSecret(token)}
}

func hookSettings(sink *httpsink.Sink) mattermost.Settings {
	return mattermost.Settings{URL: opaque.NewSecret(sink.URL() + "/hooks/" + hookKey)}
}

func open(t *testing.T, settings mattermost.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestBotConformance(t *testing.T) { notifiertest.Run(t, botChannel) }

func TestHookConformance(t *testing.T) { notifiertest.Run(t, hookChannel) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, botChannel) }

func FuzzHookAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, hookChannel) }

func botChannel(t *testing.T) notifiertest.Channel {
	sink := start(t, newServer().answer)
	return notifiertest.Channel{
		Settings: botSettings(sink), Target: square, Canary: token, Pause: notifiertest.Pause,
		Written: notifiers.Values{"channel": {Text: town}, "mention": {Text: "@here"}},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response { return created(post{ID: postID(nil), Message: text}) },
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: http.StatusOK, Body: refuse(0, "api.context.permissions.app_error").Body},
			},
		},
	}
}

func hookChannel(t *testing.T) notifiertest.Channel {
	sink := start(t, newServer().answer)
	return notifiertest.Channel{
		Settings: hookSettings(sink), Target: hooked, Canary: hookKey, Pause: notifiertest.Pause, Keyless: true,
		Written:   notifiers.Values{"channel": {Text: "town-square"}, "mention": {Text: "@here"}},
		Abilities: &notifiers.Abilities{Mentions: true},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response { return httpsink.Response{Status: http.StatusOK, Body: text} },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: http.StatusOK, Body: refuse(0, "web.incoming_webhook.channel.app_error").Body},
			},
		},
	}
}

// What Mattermost is sent, whole.
func TestPosts(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink := start(t, newServer().answer)
		if _, err := open(t, botSettings(sink)).Notify(t.Context(), square, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, sink.Requests()[0]))
	}
}

// By a webhook the same is said.
func TestHookPosts(t *testing.T) {
	sink := start(t, newServer().answer)
	if _, err := open(t, hookSettings(sink)).Notify(t.Context(), hooked, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/hook.txt", show(t, sink.Requests()[0]))
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

const hostile = "@channel @here <!channel> ~town :smile: :100:x #tag [click](https://evil.example) **b** _i_ `x` ```y``` | > h"

// unescaped is what formats, in another place than a name of a fact in bold or a command.
var unescaped = regexp.MustCompile(`(^|[^\\*])[*_~#|]([^*]|$)|[^\\]\]\(`)

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
		if _, err := open(t, botSettings(sink)).Notify(t.Context(), square, m); err != nil {
			t.Fatal(err)
		}
		got := read(sink.Requests()[0])
		if got.Mention != "@here" || strings.Count(got.Text, "@") != 1 {
			t.Errorf("mentions %q: %s", got.Mention, got.Text)
		}
		for _, text := range formatted(sink.Requests()[0]) {
			blocks := strings.Split(strings.ReplaceAll(text, "<https://status.example.org/incidents/01JD6Z>", ""), "```")
			if len(blocks)%2 != 1 || len(blocks) > 1 && strings.Contains(blocks[1], "`") {
				t.Errorf("the quote can end early: %s", text)
			}
			for i := 0; i < len(blocks); i += 2 { // what stands outside blocks of code
				if strings.Contains(blocks[i], "<") || strings.Contains(blocks[i], ":smile:") || unescaped.MatchString(blocks[i]) {
					t.Errorf("markup in %s", blocks[i])
				}
			}
		}
		if items == 1 {
			golden.Compare(t, "testdata/hostile.txt", show(t, sink.Requests()[0]))
		}
	}
}

// Whatever is in a message, it fits, and what happened and where to read more is in it.
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
		if _, err := open(t, botSettings(sink)).Notify(t.Context(), square, m); err != nil {
			t.Fatal(err)
		}
		text := read(sink.Requests()[0]).Text
		if n := len([]rune(text)); n > 16_383 || n < 1000 {
			t.Errorf("%d incidents: %d characters", items, n)
		}
		if !strings.Contains(text, "DOWN mx1/office") && !strings.Contains(text, fmt.Sprintf("%d down: mx1/office", items)) {
			t.Errorf("%d incidents: the headline is missing from %q", items, text)
		}
		if items <= notifiers.MaxItems && strings.Count(text, "<"+in.AcknowledgeURL+">") != items {
			t.Errorf("%d incidents: links are missing in %s", items, text)
		}
	}
}

// One incident is one thread, and its first post says at the end that it is over.
func TestThread(t *testing.T) {
	chat := newServer()
	sink := start(t, chat.answer)
	n := open(t, botSettings(sink))
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), square, m)
	if err != nil || chat.all()[first.Thread].ID == "" || first.Answer.String() != "post "+first.Thread {
		t.Fatalf("%+v, %v", first, err)
	}
	m.Key, m.Previous, m.Items[0].Transition = "second", first, notifiers.Reminder
	second, err := n.Notify(t.Context(), square, m)
	if err != nil || second.Thread != first.Thread || second.Answer == first.Answer {
		t.Errorf("%+v then %+v, %v", first, second, err)
	}
	batch := m
	batch.Key, batch.Items = "batch", append(slices.Clone(m.Items), m.Items[0])
	if other, err := n.Notify(t.Context(), square, batch); err != nil || other.Thread == first.Thread {
		t.Errorf("a batch went into the thread of its first incident: %+v, %v", other, err)
	}
	if _, err := n.Notify(t.Context(), square, notifiertest.Ending(first)); err != nil {
		t.Fatal(err)
	}
	changed := chat.all()[first.Thread]
	if !strings.HasPrefix(changed.Message, "RECOVERED mx1/office") || changed.Props.Attachments[0].Color != "#2e7d32" {
		t.Errorf("the first post is %+v", changed)
	}
	golden.Compare(t, "testdata/ended.txt", show(t, sink.Requests()[len(sink.Requests())-1]))
}

// A post is not lost because the thread's beginning was deleted.
func TestThreadIsGone(t *testing.T) {
	sink := start(t, newServer().answer)
	m := notifiertest.Message("k")
	m.Previous.Thread = strings.Repeat("a", 26)
	receipt, err := open(t, botSettings(sink)).Notify(t.Context(), square, m)
	if err != nil || receipt.Thread == m.Previous.Thread || receipt.Thread == "" {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// An end is delivered, whatever becomes of the first post.
func TestFirstPostIsGone(t *testing.T) {
	end := notifiertest.Ending(notifiers.Receipt{Thread: strings.Repeat("a", 26)})
	sink := start(t, newServer().answer)
	receipt, err := open(t, botSettings(sink)).Notify(t.Context(), square, end)
	if err != nil || !strings.Contains(receipt.Answer.String(), "the first post was not changed: HTTP 404 Not Found: app.post.get.app_error") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

type outcome struct {
	answer    httpsink.Response
	want      string // in the receipt, or in the error
	failed    bool
	permanent bool
	wait      time.Duration
}

func (o outcome) try(t *testing.T, n notifiers.Notifier, target notifiers.Target) {
	t.Helper()
	receipt, err := n.Notify(t.Context(), target, notifiertest.Message("k"))
	said := receipt.Answer.String()
	if err != nil {
		said = err.Error()
	}
	if (err != nil) != o.failed || !strings.Contains(said, o.want) || notifiers.IsPermanent(err) != o.permanent || notifiers.Wait(err) != o.wait {
		t.Errorf("%+v: got %q, permanent %v, a pause of %v", o.answer, said, notifiers.IsPermanent(err), notifiers.Wait(err))
	}
}

// What Mattermost and those in its place may answer to a bot.
func TestAnswers(t *testing.T) {
	limited := func(status int, header http.Header) httpsink.Response {
		return httpsink.Response{Status: status, Header: header, Body: "limit exceeded"}
	}
	for _, test := range []outcome{
		{answer: httpsink.Response{Status: 201, Body: `{"id":"abcdefghijklmnopqrstuvwxyz"}`}, want: "post abcdefghijklmnopqrstuvwxyz"},
		{answer: httpsink.Response{Status: 201, Body: `{"id":"short"}`}, want: "no id of a post", failed: true},
		{answer: httpsink.Response{Status: 200}, want: "no id of a post", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>Log in first"}, want: "it may not be from Mattermost", failed: true},
		{answer: refuse(400, "api.context.invalid_body_param.app_error"), want: "HTTP 400 Bad Request: api.context.invalid_body_param.app_error: Das geht nicht.", failed: true, permanent: true},
		{answer: refuse(400, "api.post.create_post.root_id.app_error"), want: "root_id", failed: true, permanent: true},
		{answer: refuse(401, "api.context.session_expired.app_error"), want: "session_expired", failed: true, permanent: true},
		{answer: refuse(403, "api.context.permissions.app_error"), want: "permissions", failed: true, permanent: true},
		{answer: refuse(404, "app.channel.get.existing.app_error"), want: "existing", failed: true, permanent: true},
		{answer: refuse(500, "api.post.deduplicate_create_post.pending"), want: "deduplicate", failed: true},
		{answer: refuse(503, "api.x"), want: "HTTP 503", failed: true},
		{answer: limited(429, http.Header{"X-Ratelimit-Reset": {"3"}}), want: "HTTP 429 Too Many Requests: limit exceeded", failed: true, wait: 3 * time.Second},
		{answer: limited(429, http.Header{"X-Ratelimit-Reset": {"3"}, "Retry-After": {"9"}}), want: "HTTP 429", failed: true, wait: 9 * time.Second},
		{answer: limited(429, http.Header{"X-Ratelimit-Reset": {"1e99"}}), want: "HTTP 429", failed: true, wait: 24 * time.Hour},
		{answer: limited(429, http.Header{"X-Ratelimit-Reset": {"soon"}}), want: "HTTP 429", failed: true},
		{answer: limited(503, http.Header{"X-Ratelimit-Reset": {"3"}}), want: "HTTP 503", failed: true},
		{answer: limited(302, http.Header{"Location": {"https://evil.example/"}}), want: "HTTP 302", failed: true, permanent: true},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		test.try(t, open(t, botSettings(sink)), square)
	}
}

// What they may answer to a webhook.
func TestHookAnswers(t *testing.T) {
	for _, test := range []outcome{
		{answer: httpsink.Response{Status: 200, Body: "ok\n"}, want: "HTTP 200 OK: ok"},
		{answer: httpsink.Response{Status: 200}, want: `no "ok"`, failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>ok"}, want: `no "ok"`, failed: true},
		{answer: refuse(404, "web.incoming_webhook.channel.app_error"), want: "web.incoming_webhook.channel.app_error", failed: true, permanent: true},
		{answer: refuse(400, "web.incoming_webhook.invalid.app_error"), want: "HTTP 400", failed: true, permanent: true},
		{answer: refuse(500, "web.incoming_webhook.permissions.app_error"), want: "HTTP 500", failed: true},
		{answer: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"4"}}}, want: "HTTP 429", failed: true, wait: 4 * time.Second},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		test.try(t, open(t, hookSettings(sink)), hooked)
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct{ channel, mention, want string }{
		{"Town Square", "", "channel"}, {"~town-square", "", "channel"}, {"", "here", "mention"}, {"", "@a b", "mention"}, {"", "@<!x>", "mention"},
	} {
		if _, err := mattermost.NewTarget(test.channel, test.mention); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
	bot, hook := mattermost.Settings{Token: opaque.NewSecret(token)}, mattermost.Settings{}
	for _, test := range []struct {
		settings mattermost.Settings
		channel  string
		want     string
	}{
		{bot, town, ""},
		{bot, "", "channel is missing: with token"},
		{bot, "town-square", `channel "town-square" is no id`},
		{hook, "", ""},
		{hook, "town-square", ""},
		{hook, "@anna", ""},
	} {
		target, err := mattermost.NewTarget(test.channel, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := test.settings.CheckTarget(target); (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret
	for want, settings := range map[string]mattermost.Settings{
		"url is missing":            {},
		"url: http:// is for":       {URL: secret("http://chat.example.org/hooks/" + hookKey)},
		"url: it has to begin with": {URL: secret("ftp://chat.example.org/"), Token: secret(token)},
		"url is that of a webhook":  {URL: secret("https://chat.example.org/hooks/" + hookKey), Token: secret(token)},
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hookKey) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
