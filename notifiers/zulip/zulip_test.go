package zulip_test

import (
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
	"github.com/imapvigil/imapvigil/notifiers/zulip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ops = zulip.Target{Channel: "mail ops", Mention: "@all"}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, zulip.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, zulip.Settings{URL: sink.URL() + "/", Email: email, Token: opaque.NewSecret(token)}
}

func open(t *testing.T, settings zulip.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestConformance(t *testing.T) { notifiertest.Run(t, channel) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, channel) }

func channel(t *testing.T) notifiertest.Channel {
	sink, settings := start(t, newServer().answer)
	return notifiertest.Channel{
		Settings: settings, Target: ops, Written: notifiers.Values{"channel": {Text: "mail ops"}, "mention": {Text: "@all"}},
		Canary: token, Pause: notifiertest.Pause, Keyless: true, LieIsPermanent: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept:  func(text string) httpsink.Response { return succeed(map[string]any{"id": 1, "msg": text}) },
			Refuse:  func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{notifiertest.Lie: {Status: http.StatusOK, Body: refuse(0, "STREAM_DOES_NOT_EXIST").Body}},
		},
	}
}

// What Zulip is sent, whole.
func TestPosts(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, settings := start(t, newServer().answer)
		if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(sink.Requests()[0]))
	}
}

const hostile = "@**all** @*ops* <time:2026-11-23T17:47:05Z> :smile: #**mail ops** [click](https://evil.example) **b** ~~s~~ `x` ```y``` $$x$$"

// No text but the target's mention is markup.
func TestNothingIsMarkup(t *testing.T) {
	own := regexp.MustCompile("(?m)^(@\\*\\*all\\*\\* )?(\\S+ )?\\*\\*[^*]*\\*\\*|\\[[A-Z][a-z ]*\\]\\(https://status[^()]*\\)|`imapvigil[^`]*`")
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	for _, field := range []*string{&in.Check, &in.Label, &in.ServerLabel, &in.Description, &in.Hint, &in.Host, &in.Runbook, &in.CauseText, &m.RoleLabel, &m.Monitor} {
		*field = hostile
	}
	in.GroupLabels = []string{hostile, hostile}
	in.Evidence = opaque.Sanitise(hostile)
	in.URL = "https://status.example.org/(x)?a=**b**"
	for _, items := range []int{1, 2, 21} {
		for len(m.Items) < items {
			more := m.Items[0]
			more.Incident.Check = fmt.Sprint("mx", len(m.Items))
			m.Items = append(m.Items, more)
		}
		sink, settings := start(t, newServer().answer)
		if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		got := read(sink.Requests()[0])
		if got.Mention != "@**all**" {
			t.Errorf("mentions %q: %s", got.Mention, got.Text)
		}
		blocks := strings.Split(got.Text, "```")
		for i := 0; i < len(blocks); i += 2 { // what stands outside blocks of code
			if rest := own.ReplaceAllString(blocks[i], ""); strings.ContainsAny(rest, "@<*~`$") || strings.Contains(rest, "](") || strings.Contains(rest, ":smile:") {
				t.Errorf("markup in %s", rest)
			}
		}
		if len(blocks)%2 != 1 {
			t.Errorf("a block of code has no end: %s", got.Text)
		}
		if items == 1 {
			golden.Compare(t, "testdata/hostile.txt", show(sink.Requests()[0]))
		}
	}
}

// Whatever is in a message, it fits, and what happened and where to read more is in it.
func TestFits(t *testing.T) {
	long := strings.Repeat("*ä ", 5000)
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
		sink, settings := start(t, newServer().answer)
		if _, err := open(t, settings).Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		text := read(sink.Requests()[0]).Text
		if n := len([]rune(text)); n > 10_000 || n < 1000 {
			t.Errorf("%d incidents: %d characters", items, n)
		}
		if !strings.Contains(text, "DOWN mx1/office") && !strings.Contains(text, fmt.Sprintf("%d down: mx1/office", items)) {
			t.Errorf("%d incidents: the headline is missing from %q", items, text)
		}
		if items <= notifiers.MaxItems && strings.Count(text, "("+in.AcknowledgeURL+")") != items {
			t.Errorf("%d incidents: links are missing in %s", items, text)
		}
	}
}

// One incident is one topic, which is marked as resolved at its end.
func TestTopic(t *testing.T) {
	chat := newServer()
	sink, settings := start(t, chat.answer)
	n := open(t, settings)
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), ops, m)
	if err != nil || first.Answer.String() != "message 4000" || first.Thread != "4000:mx1/office · 01JD6Z" {
		t.Fatalf("%+v, %v", first, err)
	}
	m.Previous, m.Items[0].Transition = first, notifiers.Reminder
	if second, err := n.Notify(t.Context(), ops, m); err != nil || second.Thread != first.Thread || second.Answer == first.Answer {
		t.Errorf("%+v, %v", second, err)
	}
	m.Items = append(m.Items, m.Items[0])
	if _, err := n.Notify(t.Context(), ops, m); err != nil {
		t.Error(err)
	}
	if _, err := n.Notify(t.Context(), ops, notifiertest.Ending(first)); err != nil {
		t.Error(err)
	}
	resolved := "✔ mx1/office · 01JD6Z"
	if topics := chat.all(); topics[4000] != resolved || topics[4001] != resolved || topics[4002] != "imapvigil" || topics[4003] != resolved {
		t.Errorf("the topics are %v", topics)
	}
	if last := sink.Requests()[4]; last.Method != http.MethodPatch || last.Path != "/api/v1/messages/4000" {
		t.Errorf("%s %s", last.Method, last.Path)
	}
}

// A topic of the notify block's own has all messages, and is never resolved.
func TestOwnTopic(t *testing.T) {
	chat := newServer()
	sink, settings := start(t, chat.answer)
	n, target := open(t, settings), zulip.Target{Channel: "mail ops", Topic: "alarms"}
	first, err := n.Notify(t.Context(), target, notifiertest.Message("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(t.Context(), target, notifiertest.Ending(first)); err != nil {
		t.Fatal(err)
	}
	if topics := chat.all(); topics[4000] != "alarms" || topics[4001] != "alarms" || len(sink.Requests()) != 2 {
		t.Errorf("the topics are %v", topics)
	}
}

// A topic has at most 60 characters, also when it is resolved, and its end tells incidents apart.
func TestLongTopic(t *testing.T) {
	chat := newServer()
	_, settings := start(t, chat.answer)
	n := open(t, settings)
	m := notifiertest.Message("first")
	m.Items[0].Incident.Check = strings.Repeat("ä", 80) + "\n"
	first, err := n.Notify(t.Context(), ops, m)
	if err != nil {
		t.Fatal(err)
	}
	end := notifiertest.Ending(first)
	end.Items[0].Incident.Check = m.Items[0].Incident.Check
	if receipt, err := n.Notify(t.Context(), ops, end); err != nil || receipt.Answer.String() != "message 4001" {
		t.Errorf("%+v, %v", receipt, err)
	}
	if topic := chat.all()[4000]; len([]rune(topic)) != 60 || !strings.HasSuffix(topic, "… · 01JD6Z") {
		t.Errorf("the topic is %q", topic)
	}
}

// An end is delivered, whatever becomes of the topic.
func TestTopicStaysOpen(t *testing.T) {
	_, settings := start(t, newServer().answer)
	receipt, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Ending(notifiers.Receipt{Thread: "17:gone"}))
	if err != nil || !strings.Contains(receipt.Answer.String(), "; the topic was not marked as resolved: HTTP 400 Bad Request: BAD_REQUEST") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// What Zulip and those in its place may answer.
func TestAnswers(t *testing.T) {
	limited := func(header http.Header, seconds float64) httpsink.Response {
		r := respond(http.StatusTooManyRequests, map[string]any{"result": "error", "msg": "API usage exceeded rate limit", "code": "RATE_LIMIT_HIT", "retry-after": seconds})
		r.Header = header
		return r
	}
	for _, test := range []struct {
		answer    httpsink.Response
		want      string // in the receipt, or in the error
		failed    bool
		permanent bool
		wait      time.Duration
	}{
		{answer: succeed(map[string]any{"id": 42}), want: "message 42"},
		{answer: succeed(nil), want: "no id of a message", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "{}"}, want: "no result", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>Log in first"}, want: "it may not be from Zulip", failed: true},
		{answer: refuse(200, "STREAM_DOES_NOT_EXIST"), want: "STREAM_DOES_NOT_EXIST: Das geht nicht.", failed: true, permanent: true},
		{answer: refuse(400, "STREAM_DOES_NOT_EXIST"), want: "HTTP 400 Bad Request: STREAM_DOES_NOT_EXIST", failed: true, permanent: true},
		{answer: refuse(401, "INVALID_API_KEY"), want: "INVALID_API_KEY", failed: true, permanent: true},
		{answer: refuse(403, "USER_DEACTIVATED"), want: "USER_DEACTIVATED", failed: true, permanent: true},
		{answer: limited(http.Header{}, 28.7), want: "RATE_LIMIT_HIT: API usage exceeded", failed: true, wait: 29 * time.Second},
		{answer: limited(http.Header{"Retry-After": {"40.2"}}, 28.7), want: "RATE_LIMIT_HIT", failed: true, wait: 41 * time.Second},
		{answer: limited(http.Header{}, 1e99), want: "RATE_LIMIT_HIT", failed: true, wait: 24 * time.Hour},
		{answer: refuse(500, "INTERNAL"), want: "HTTP 500", failed: true},
		{answer: httpsink.Response{Status: 502, Body: "<html>Bad gateway"}, want: "HTTP 502", failed: true},
		{answer: httpsink.Response{Status: 301, Header: http.Header{"Location": {"https://evil.example/"}}}, want: "HTTP 301", failed: true, permanent: true},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k"))
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
	for mention, want := range map[string]string{
		"": "", "@all": "@**all** ", "@topic": "@**topic** ", "@Anna Muster": "@**Anna Muster** ", "@*on call*": "@*on call* ",
	} {
		target, err := zulip.NewTarget("mail ops", "", mention)
		if err != nil {
			t.Fatal(err)
		}
		sink, settings := start(t, newServer().answer)
		if _, err := open(t, settings).Notify(t.Context(), target, notifiertest.Message("k")); err != nil {
			t.Fatal(err)
		}
		if text := read(sink.Requests()[0]).Text; !strings.HasPrefix(text, want+"🔴 **DOWN mx1/office") {
			t.Errorf("%q: %s", mention, text)
		}
	}
	for _, test := range []struct{ channel, topic, mention, want string }{
		{"", "", "", "channel"},
		{strings.Repeat("x", 61), "", "", "channel"},
		{"a\nb", "", "", "channel"},
		{"ops", strings.Repeat("x", 61), "", "topic"},
		{"ops", "", "all", "mention"},
		{"ops", "", "@**all** @**x**", "mention"},
	} {
		if _, err := zulip.NewTarget(test.channel, test.topic, test.mention); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
	if text := (zulip.Target{Channel: "ops", Topic: "alarms", Mention: "@all"}).String(); text != "ops > alarms @all" {
		t.Error(text)
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret(token)
	for want, settings := range map[string]zulip.Settings{
		"url is missing":            {},
		"email is missing or wrong": {URL: "https://example.zulipchat.com", Token: secret, Email: "a:b"},
		"token is missing":          {URL: "https://example.zulipchat.com", Email: email},
		"url: http:// is for":       {URL: "http://example.zulipchat.com", Email: email, Token: secret},
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
