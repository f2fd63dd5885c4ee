package discord_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/discord"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "3d89bb7572e0fb30-hunter2-canary"

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, notifiers.Notifier) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	n, err := settings(sink).Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return sink, n
}

func settings(sink *httpsink.Sink) discord.Settings {
	return discord.Settings{URL: opaque.NewSecret(sink.URL() + webhook)}
}

var (
	ops   = discord.Target{Mention: "<@&1180000000000000007>"}
	forum = discord.Target{Forum: true, Mention: "@here"}
)

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _ := start(t, newServer(true).answer)
	return notifiertest.Channel{
		Settings: settings(sink), Target: forum, Written: notifiers.Values{"forum": {Bool: true}, "mention": {Text: "@here"}},
		Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return respond(http.StatusOK, map[string]any{"id": "1180000000000000101", "channel_id": channel, "content": text})
			},
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, 50035, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie:  refuse(http.StatusOK, 10015, "Unknown Webhook"),
				notifiertest.Busy: respond(http.StatusTooManyRequests, map[string]any{"message": "You are being rate limited.", "retry_after": notifiertest.Pause.Seconds()}),
			},
		},
	}
}

// What Discord is sent, as it is written there.
func TestPosts(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, n := start(t, newServer(false).answer)
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(sink.Requests()[0]))
	}
}

func show(r httpsink.Request) string {
	asked := decode(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\nflags %d, allowed %+v, calls %q, thread name %q\n\n%s\n", r.Method, strings.ReplaceAll(r.Path, canary, "TOKEN"), asked.Flags, *asked.Allowed, called(asked), asked.ThreadName, asked.Content)
	for _, e := range asked.Embeds {
		fmt.Fprintf(&b, "\n|#%06x| %s\n%s\n", e.Colour, e.Title, e.Description)
		for _, f := range e.Fields {
			fmt.Fprintf(&b, "%s (inline %v): %s\n", f.Name, f.Inline, f.Value)
		}
		fmt.Fprintf(&b, "_%s_\n", e.Footer.Text)
	}
	return b.String()
}

const hostileText = "@everyone <@1180000000000000007> <@&1180000000000000007> **b** _i_ ~~s~~ ||x|| `c` ```p``` [l](https://evil.example) <https://evil.example> :smile: # h \\"

// No character of a text is markup, and nobody is called but the target's own mention.
func TestHostileWords(t *testing.T) {
	sink, n := start(t, newServer(false).answer)
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Label, in.ServerLabel, in.Description, in.Hint, in.Host, in.Runbook = hostileText, hostileText, hostileText+"\r\n- more", hostileText, "mx_1_.example.org", hostileText
	in.Evidence = opaque.Sanitise(hostileText)
	in.URL = "https://status.example.org/(*x*)~~|1|"
	for i, mention := range []string{"@here", ""} {
		if _, err := n.Notify(t.Context(), discord.Target{Mention: mention}, m); err != nil {
			t.Fatal(err)
		}
		if got := called(decode(sink.Requests()[i])); got != mention {
			t.Errorf("%q is called, want %q", got, mention)
		}
	}
	golden.Compare(t, "testdata/hostile.txt", show(sink.Requests()[0]))
}

// Whatever the words, Discord takes the message: each part is short enough, and all embeds
// together.
func TestEveryMessageIsTaken(t *testing.T) {
	sink, n := start(t, newServer(false).answer)
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.Custom(func(r *rapid.T) string {
			part := rapid.OneOf(rapid.String(), rapid.Just(hostileText), rapid.SampledFrom([]string{"🔴", "****", "é", "https://a.example/(", "\n", "x_"}))
			return strings.Repeat(part.Draw(r, "part"), rapid.IntRange(0, 60).Draw(r, "times"))
		})
		m := notifiertest.Message("k")
		in := &m.Items[0].Incident
		for _, field := range []*string{&in.Label, &in.ServerLabel, &in.Check, &in.Description, &in.Hint, &in.Host, &in.Runbook, &in.URL, &in.AcknowledgeURL, &in.CauseText, &m.RoleLabel, &m.Monitor} {
			*field = words.Draw(r, "words")
		}
		in.Evidence = opaque.Sanitise(words.Draw(r, "evidence"))
		for range rapid.IntRange(0, 25).Draw(r, "more") {
			item := m.Items[0]
			item.Incident.Check = fmt.Sprint(len(m.Items), item.Incident.Check)
			m.Items = append(m.Items, item)
		}
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			r.Fatal(err)
		}
		requests := sink.Requests()
		if got := called(decode(requests[len(requests)-1])); got != ops.Mention {
			r.Errorf("%q is called", got)
		}
	})
}

// At the limit the headline, the link and the footer stay, and the server's words go first.
func TestLongMessages(t *testing.T) {
	sink, n := start(t, newServer(false).answer)
	one := notifiertest.Message("k")
	in := &one.Items[0].Incident
	in.Description, in.Hint, in.CauseText = strings.Repeat("*long* description\n", 300), strings.Repeat("hint ", 300), strings.Repeat("cause ", 300)
	for i := range 300 {
		in.Affected = append(in.Affected, fmt.Sprintf("a_check_with_a_long_name_that_depends_on_this_one_%d", i))
	}
	many := notifiertest.Message("k")
	many.Items = nil
	for i := range 12 {
		item := notifiers.Item{Transition: notifiers.Opened, Incident: notifiertest.Incident()}
		item.Incident.Check = fmt.Sprintf("mx%d/imaps", i+1)
		many.Items = append(many.Items, item)
	}
	for i, m := range []notifiers.Message{one, many} {
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, fmt.Sprintf("testdata/long-%d.txt", i+1), show(sink.Requests()[i]))
	}
}

// ended returns the end of an incident whose first message told of it alone.
func ended(first notifiers.Receipt) notifiers.Message {
	for _, m := range notifiertest.Messages() {
		if m.Key == "key-closed-as-recovered" {
			m.Previous, m.Items[0].Thread = first, notifiers.Thread{First: first, Last: first, Alone: true}
			return m
		}
	}
	panic("there is no such message")
}

// In a channel the end is a new message, and the first one changes its words and colour.
func TestRecoloured(t *testing.T) {
	sink, n := start(t, newServer(false).answer)
	first, err := n.Notify(t.Context(), ops, notifiertest.Message("k"))
	if err != nil || first.Thread != channel+":1180000000000000101" || first.Answer.String() != "message 1180000000000000101" {
		t.Fatalf("%+v, %v", first, err)
	}
	last, err := n.Notify(t.Context(), ops, ended(first))
	if err != nil || last.Answer.String() != "message 1180000000000000102" {
		t.Fatalf("%+v, %v", last, err)
	}
	requests := sink.Requests()
	if len(requests) != 3 || requests[1].Method != http.MethodPost || decode(requests[1]).Embeds[0].Colour != 0x2e7d32 {
		t.Fatalf("%d requests", len(requests))
	}
	golden.Compare(t, "testdata/recoloured.txt", show(requests[2]))
}

// A forum has a post for each incident, in which all later messages stand.
func TestForum(t *testing.T) {
	sink, n := start(t, newServer(true).answer)
	first, err := n.Notify(t.Context(), forum, notifiertest.Message("k"))
	if err != nil || first.Thread != "1180000000000000101:1180000000000000101" {
		t.Fatalf("%+v, %v", first, err)
	}
	if name := decode(sink.Requests()[0]).ThreadName; name != "DOWN mx1/office (Mail 1 / IMAP on the web port): greeting bye [01JD6Z]" {
		t.Errorf("the post is called %q", name)
	}
	last, err := n.Notify(t.Context(), forum, ended(first))
	if err != nil || last.Thread != "1180000000000000101:1180000000000000102" || last.Answer.String() != "message 1180000000000000102" {
		t.Fatalf("%+v, %v", last, err)
	}
	for i, want := range []string{"", "1180000000000000101", "1180000000000000101"} {
		if u, err := url.Parse(sink.Requests()[i].Path); err != nil || u.Query().Get("thread_id") != want {
			t.Errorf("request %d went to %s, %v", i, u, err)
		}
	}
	batch := notifiertest.Gathered()[0]
	batch.Previous = first
	if got, err := n.Notify(t.Context(), forum, batch); err != nil || got.Thread != "1180000000000000103:1180000000000000103" {
		t.Errorf("a message about several incidents: %+v, %v", got, err)
	}
}

// An alarm in another place is better than none.
func TestPostedElsewhere(t *testing.T) {
	m := notifiertest.Message("k")
	gone := notifiertest.Message("k")
	gone.Previous.Thread = "1180000000000000099:1180000000000000099"
	for name, test := range map[string]struct {
		forum  bool
		target discord.Target
		m      notifiers.Message
		want   string
	}{
		"a thread":          {false, discord.Target{Thread: "1180000000000000042"}, m, "message 1180000000000000101"},
		"a deleted thread":  {false, discord.Target{Thread: "1180000000000000043"}, m, "message 1180000000000000101; not in thread 1180000000000000043, which does not exist"},
		"no forum":          {false, forum, m, "message 1180000000000000101; the channel is no forum: remove forum"},
		"a deleted post":    {true, forum, gone, "message 1180000000000000101"},
		"no forum any more": {false, forum, gone, "message 1180000000000000101; the channel is no forum: remove forum"},
	} {
		_, n := start(t, newServer(test.forum).answer)
		if receipt, err := n.Notify(t.Context(), test.target, test.m); err != nil || receipt.Answer.String() != test.want {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
	}
	_, n := start(t, newServer(true).answer)
	if _, err := n.Notify(t.Context(), ops, m); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "must have a thread_name or thread_id (220001); write forum = true") {
		t.Errorf("a forum that is not written as one: %v", err)
	}
}

// A delivery stays one, whatever becomes of the change.
func TestChangeFails(t *testing.T) {
	for name, test := range map[string]struct {
		fails httpsink.Response
		want  string
	}{
		"gone":   {refuse(http.StatusNotFound, 10008, "Unknown Message"), "; the first message was not changed: HTTP 404 Not Found: Unknown Message (10008)"},
		"old":    {refuse(http.StatusBadRequest, 30046, "Maximum number of edits to messages older than 1 hour reached"), ""},
		"secret": {refuse(http.StatusForbidden, 1, canary), "; the first message was not changed: HTTP 403 Forbidden: (sensitive) (1)"},
	} {
		_, n := start(t, func(r httpsink.Request) httpsink.Response {
			if r.Method == http.MethodPatch {
				return test.fails
			}
			return newServer(false).answer(r)
		})
		receipt, err := n.Notify(t.Context(), ops, ended(notifiers.Receipt{Thread: channel + ":1180000000000000100"}))
		if got := receipt.Answer.String(); err != nil || got != "message 1180000000000000101"+test.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Each mention, and that nobody else can be called.
func TestMentions(t *testing.T) {
	for mention, want := range map[string]string{
		"": `{"parse":[]}`, "@everyone": `{"parse":["everyone"]}`, "@here": `{"parse":["everyone"]}`,
		"<@&7>": `{"parse":[],"roles":["7"]}`, "<@7>": `{"parse":[],"users":["7"]}`, "7": `{"parse":[],"roles":["7"],"users":["7"]}`,
	} {
		sink, n := start(t, newServer(false).answer)
		target, err := discord.NewTarget("", false, mention)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range notifiertest.Messages() {
			if _, err := n.Notify(t.Context(), target, m); err != nil {
				t.Fatal(err)
			}
			allowed := want
			if !m.MayMention() {
				allowed = `{"parse":[]}`
			}
			if body := string(sink.Requests()[i].Body); !strings.Contains(body, `"allowed_mentions":`+allowed) {
				t.Errorf("%s, %q: %s", m.Key, mention, body)
			}
		}
	}
}

// When Discord takes no more for a while, nothing is sent.
func TestPaced(t *testing.T) {
	sink, n := start(t, func(r httpsink.Request) httpsink.Response {
		answer := newServer(false).answer(r)
		answer.Header.Set("X-RateLimit-Remaining", "0")
		answer.Header.Set("X-RateLimit-Reset-After", "1e300")
		return answer
	})
	if _, err := n.Notify(t.Context(), ops, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	_, err := n.Notify(t.Context(), ops, notifiertest.Message("k"))
	if wait := notifiers.Wait(err); !notifiers.IsPaced(err) || wait <= 30*time.Second || wait > time.Minute || len(sink.Requests()) != 1 {
		t.Errorf("%v, wait %v, %d requests", err, wait, len(sink.Requests()))
	}
}

// Each answer of Discord's, and what comes of it.
func TestAnswers(t *testing.T) {
	busy := respond(429, map[string]any{"message": "You are being rate limited.", "retry_after": 0.376, "global": false})
	inHeader := respond(429, map[string]any{"message": "You are being rate limited.", "retry_after": 0.376, "global": true})
	inHeader.Header.Set("Retry-After", "64.57")
	cloudflare := httpsink.Response{Status: 429, Header: http.Header{"Content-Type": {"text/html"}, "Retry-After": {"5"}}, Body: "<html>error code: 1015"}
	for name, test := range map[string]struct {
		said      httpsink.Response
		want      string
		permanent bool
		wait      time.Duration
	}{
		"wait in the body":     {busy, "HTTP 429 Too Many Requests: You are being rate limited.", false, time.Second},
		"longer in the header": {inHeader, "You are being rate limited.", false, 65 * time.Second},
		"a proxy's":            {cloudflare, "HTTP 429 Too Many Requests: <html>error code: 1015", false, time.Minute},
		"webhook is gone":      {refuse(404, 10015, "Unknown Webhook"), "HTTP 404 Not Found: Unknown Webhook (10015)", true, 0},
		"token":                {refuse(401, 50027, "Invalid Webhook Token"), "Invalid Webhook Token (50027)", true, 0},
		"limits":               {refuse(400, 50035, "Invalid Form Body"), "Invalid Form Body (50035)", true, 0},
		"forbidden":            {refuse(403, 50013, "Missing Permissions"), "Missing Permissions (50013)", true, 0},
		"thread again":         {refuse(404, 10003, "Unknown Channel"), "Unknown Channel (10003)", true, 0},
		"trouble of its own":   {refuse(500, 0, "500: Internal Server Error"), "500: Internal Server Error (0)", false, 0},
		"a page":               {httpsink.Response{Status: 502, Body: "<html>"}, "HTTP 502 Bad Gateway: <html>", false, 0},
		"a refusal of others":  {httpsink.Response{Status: 400, Body: "<html>"}, "HTTP 400 Bad Request: <html>", true, 0},
		"a portal":             {httpsink.Response{Status: 200, Body: "<html>Log in"}, "the answer has no message id", false, 0},
		"not waited for":       {httpsink.Response{Status: 204}, "the answer has no message id", false, 0},
		"no id":                {respond(200, map[string]any{"channel_id": channel}), "the answer has no message id", false, 0},
		"no channel":           {respond(200, map[string]any{"id": "1"}), "the answer has no message id", false, 0},
		"hostile id":           {respond(200, map[string]any{"id": "../1", "channel_id": channel}), "the answer has no message id", false, 0},
		"hostile":              {refuse(400, 1, "\x1b[2J\u202e "+webhook), `\x1b[2J\u{202e} (sensitive)`, true, 0},
		"escaped":              {refuse(400, 1, url.QueryEscape(webhook)), "(sensitive)", true, 0},
		"a redirect":           {httpsink.Response{Status: 302, Header: http.Header{"Location": {"https://evil.example/"}}}, "HTTP 302 Found", true, 0},
	} {
		_, n := start(t, func(httpsink.Request) httpsink.Response { return test.said })
		_, err := n.Notify(t.Context(), discord.Target{Thread: "1180000000000000042"}, notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%s: got %v, permanent %v, wait %v", name, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
			t.Errorf("%s: the token is in %s", name, text)
		}
	}
}

// net/http puts the URL, and so the token, into its errors.
func TestTokenIsInNoErrorOfTheTransport(t *testing.T) {
	sink, _ := start(t, newServer(false).answer)
	gone := settings(sink)
	_ = sink.Close()
	noHost := discord.Settings{URL: opaque.NewSecret("https://discord.invalid" + webhook)}
	for _, s := range []discord.Settings{gone, noHost} {
		n, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		_, err = n.Notify(t.Context(), ops, notifiertest.Message("k"))
		if text := fmt.Sprintf("%v %#v", err, err); err == nil || notifiers.IsPermanent(err) || strings.Contains(text, canary) {
			t.Errorf("got %s", text)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, text := range map[string]string{
		"url is missing":                     "",
		"url: http:// is for loopback":       "http://discord.example.org/" + canary,
		"url: it has to begin with https":    "ftp://discord.example.org/" + canary,
		"url: it is for messages of another": "https://discord.com" + webhook + "/slack",
	} {
		if _, err := (discord.Settings{URL: opaque.NewSecret(text)}).Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, wrong := range []discord.Target{
		{Thread: "general"}, {Thread: "1", Forum: true}, {Mention: "everyone"}, {Mention: "@mail-ops"}, {Mention: "<@&x>"}, {Thread: "1\n"}, {Mention: "7 <@8>"},
	} {
		if got, err := discord.NewTarget(wrong.Thread, wrong.Forum, wrong.Mention); err == nil {
			t.Errorf("%+v made %+v", wrong, got)
		}
	}
	for want, target := range map[string]discord.Target{
		"": {}, "thread 42 @here": {Thread: "42", Mention: "@here"}, "forum <@&7>": {Forum: true, Mention: "<@&7>"},
	} {
		if got := target.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	_, n := start(t, newServer(false).answer)
	if _, err := n.Notify(t.Context(), discord.Target{Mention: "@x"}, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
		t.Errorf("a mention from a file: %v", err)
	}
}
