package matrix_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/matrix"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `syt_hunter2"+%/canary`

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

func settings(sink *httpsink.Sink) matrix.Settings {
	return matrix.Settings{URL: sink.URL() + "/", Token: opaque.NewSecret(canary)}
}

var ops = matrix.Target{Room: "!abc:example.org", Mention: "@room"}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _ := start(t, newHomeserver(ops.Room).answer)
	return notifiertest.Channel{
		Settings: settings(sink), Target: ops, Written: notifiers.Values{"room": {Text: ops.Room}, "mention": {Text: "@room"}},
		Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return respond(http.StatusOK, map[string]any{"event_id": "$abc", "text": text})
			},
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusForbidden, "M_FORBIDDEN", text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: refuse(http.StatusOK, "M_FORBIDDEN", "User not in room"),
			},
		},
	}
}

// What the homeserver is sent, whole.
func TestEvents(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, n := start(t, newHomeserver(ops.Room).answer)
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(sink.Requests()[0]))
	}
}

// show writes an event as a person reads it.
func show(r httpsink.Request) string {
	e := decode(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.Path)
	if e.Relation.Kind != "" {
		fmt.Fprintf(&b, "%+v\n", e.Relation)
	}
	if e.New != nil {
		fmt.Fprintf(&b, "%s, mentions %+v\n%s\n\nnew: ", *e.Type, *e.Mention, *e.Plain)
		e = *e.New
	}
	fmt.Fprintf(&b, "%s, mentions %+v\n\n%s\n%s\n", *e.Type, *e.Mention, *e.Plain, e.Format)
	b.WriteString(strings.NewReplacer("<br>", "<br>\n", "<p>", "\n<p>", "<pre>", "\n<pre>").Replace(e.HTML) + "\n")
	return b.String()
}

const hostileText = "@room @ROOM <b>b</b> <a href=\"javascript:x\">l</a> </code></pre><h1>x</h1> & &lt; <mx-reply> @anna:example.org \"' `c`"

// allowed are the tags that we write.
var allowed = regexp.MustCompile(`</?(strong|p|em|pre|code)>|<br>|<a href="https?://[^"<>]*">|</a>`)

// isClean reports whether nothing but our own tags is markup.
func isClean(e event) bool {
	return !strings.ContainsAny(allowed.ReplaceAllString(e.HTML, ""), "<>") && !strings.Contains(strings.ToLower(*e.Plain+e.HTML), "@room")
}

// No character of a text is markup, and nobody is mentioned but the target's own mention.
func TestHostileWords(t *testing.T) {
	sink, n := start(t, newHomeserver(ops.Room).answer)
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Label, in.ServerLabel, in.Description, in.Hint, in.Host, in.Runbook = hostileText, hostileText, hostileText+"\r\nmore", hostileText, "mx_1.example.org", hostileText
	in.Evidence = opaque.Sanitise(hostileText)
	in.URL = `https://status.example.org/"onclick="<x>`
	if _, err := n.Notify(t.Context(), matrix.Target{Room: ops.Room}, m); err != nil {
		t.Fatal(err)
	}
	e := decode(sink.Requests()[0])
	if !isClean(e) || called(e) != "" || !strings.Contains(string(sink.Requests()[0].Body), `"m.mentions":{}`) {
		t.Errorf("markup in %s, calls %q", e.HTML, called(e))
	}
	golden.Compare(t, "testdata/hostile.txt", show(sink.Requests()[0]))
}

// Whatever the words, the homeserver takes the event, and nothing in it is markup.
func TestEveryMessageIsTaken(t *testing.T) {
	sink, n := start(t, newHomeserver(ops.Room).answer)
	times := 0
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.Custom(func(r *rapid.T) string {
			part := rapid.OneOf(rapid.String(), rapid.Just(hostileText), rapid.SampledFrom([]string{"🔴", `"`, "&", "https://a.example/<", "\n", "<<<<"}))
			return strings.Repeat(part.Draw(r, "part"), rapid.IntRange(0, 100).Draw(r, "times"))
		})
		times++
		m := notifiertest.Message(fmt.Sprint(times))
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
		if _, err := n.Notify(t.Context(), matrix.Target{Room: ops.Room}, m); err != nil {
			r.Fatal(err)
		}
		requests := sink.Requests()
		if e := decode(requests[len(requests)-1]); !isClean(e) || len(*e.Plain)+len(e.HTML) > 30_000 {
			r.Errorf("%d bytes; markup in %s", len(*e.Plain)+len(e.HTML), e.HTML)
		}
	})
}

// At the limit the headline, the link and the footer stay.
func TestLongMessage(t *testing.T) {
	sink, n := start(t, newHomeserver(ops.Room).answer)
	m := notifiertest.Message("k")
	m.Items[0].Incident.Description = strings.Repeat("<long> \"description\"\n", 2000)
	if _, err := n.Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	e := decode(sink.Requests()[0])
	for _, want := range []string{"DOWN mx1/office", "https://status.example.org/incidents/01JD6Z", "Sent to IT team"} {
		if !strings.Contains(html.UnescapeString(e.HTML), want) {
			t.Errorf("no %q in %s", want, e.HTML)
		}
		if !strings.Contains(*e.Plain, want) && want != "Sent to IT team" {
			t.Errorf("no %q in %s", want, *e.Plain)
		}
	}
	if len(*e.Plain) > 10_020 || len(e.HTML) > 18_000 || !strings.HasPrefix(*e.Plain, "@room DOWN mx1/office") {
		t.Errorf("%d and %d bytes", len(*e.Plain), len(e.HTML))
	}
}

// ended returns the end of an incident whose first message told of it alone.
func ended(first, last notifiers.Receipt) notifiers.Message {
	for _, m := range notifiertest.Messages() {
		if m.Key == "key-closed-as-recovered" {
			m.Previous, m.Items[0].Thread = first, notifiers.Thread{First: first, Last: last, Alone: true}
			return m
		}
	}
	panic("there is no such message")
}

// One incident is one thread, whose first message is replaced at the end.
func TestThread(t *testing.T) {
	sink, n := start(t, newHomeserver(ops.Room).answer)
	first, err := n.Notify(t.Context(), ops, notifiertest.Message("first"))
	if err != nil || !strings.HasPrefix(first.Thread, "$") || first.Answer.String() != "event "+first.Thread {
		t.Fatalf("%+v, %v", first, err)
	}
	reminder := notifiertest.Message("second")
	reminder.Items[0].Transition = notifiers.Reminder
	reminder.Previous, reminder.Items[0].Thread = first, notifiers.Thread{First: first, Last: first, Alone: true}
	second, err := n.Notify(t.Context(), ops, reminder)
	if err != nil || second.Thread == first.Thread {
		t.Fatalf("%+v, %v", second, err)
	}
	third, err := n.Notify(t.Context(), ops, ended(first, second))
	if err != nil || third.Answer.String() != "event "+third.Thread {
		t.Fatalf("%+v, %v", third, err)
	}
	requests := sink.Requests()
	for i, last := range []string{"", first.Thread, second.Thread} {
		if r := decode(requests[i]).Relation; r.Answers.Event != last || i > 0 && (r.Kind != "m.thread" || r.Event != first.Thread || !r.Fallback) {
			t.Errorf("event %d: %+v", i, r)
		}
	}
	golden.Compare(t, "testdata/replaced.txt", show(requests[3]))
	// After a crash the same comes again, and the homeserver drops it.
	if again, err := n.Notify(t.Context(), ops, ended(first, second)); err != nil || again.Thread != third.Thread {
		t.Errorf("%+v, %v", again, err)
	}
}

// A message is not lost because of its thread.
func TestThreadIsRefused(t *testing.T) {
	sink, n := start(t, func(r httpsink.Request) httpsink.Response {
		if decode(r).Relation.Kind == "m.thread" {
			return refuse(http.StatusBadRequest, "M_UNKNOWN", "Cannot start threads from an event with a relation")
		}
		return newHomeserver(ops.Room).answer(r)
	})
	m := notifiertest.Message("k")
	m.Previous.Thread = "$gone"
	if receipt, err := n.Notify(t.Context(), ops, m); err != nil || len(sink.Requests()) != 1 || decode(sink.Requests()[0]).Relation.Kind != "" {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// A delivery stays one, whatever becomes of the replacement.
func TestReplacementFails(t *testing.T) {
	_, n := start(t, func(r httpsink.Request) httpsink.Response {
		if decode(r).New != nil {
			return refuse(http.StatusForbidden, "M_FORBIDDEN", "no "+canary)
		}
		return newHomeserver(ops.Room).answer(r)
	})
	receipt, err := n.Notify(t.Context(), ops, ended(notifiers.Receipt{Thread: "$first"}, notifiers.Receipt{}))
	const want = "; the first message was not changed: HTTP 403 Forbidden: M_FORBIDDEN: no (sensitive) (invite the user into the room, and join it)"
	if got := receipt.Answer.String(); err != nil || got != "event "+receipt.Thread+want {
		t.Errorf("%q, %v", got, err)
	}
}

// A room's id is one segment of the path; those of version 12 have no server.
func TestRooms(t *testing.T) {
	for _, id := range []string{"!abc:example.org:8448", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", "!a%2F..:example.org"} {
		sink, n := start(t, newHomeserver(id).answer)
		to, err := matrix.NewTarget(id, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Notify(t.Context(), to, notifiertest.Message("k")); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if len(sink.Requests()) == 1 && strings.Count(sink.Requests()[0].Path, "/") != 8 {
			t.Error(sink.Requests()[0].Path)
		}
	}
}

func TestMentions(t *testing.T) {
	for mention, want := range map[string]string{
		"": `{}`, "@room": `{"room":true}`, "@anna:example.org": `{"user_ids":["@anna:example.org"]}`,
	} {
		sink, n := start(t, newHomeserver(ops.Room).answer)
		for i, m := range notifiertest.Messages() {
			if _, err := n.Notify(t.Context(), matrix.Target{Room: ops.Room, Mention: mention}, m); err != nil {
				t.Fatal(err)
			}
			who := want
			if !m.MayMention() {
				who = `{}`
			}
			if body := string(sink.Requests()[i].Body); !strings.Contains(body, `"m.mentions":`+who) {
				t.Errorf("%s, %q: %s", m.Key, mention, body)
			}
		}
		if first := decode(sink.Requests()[0]); mention == "@anna:example.org" && !strings.HasPrefix(first.HTML, `<a href="https://matrix.to/#/@anna:example.org">@anna:example.org</a> `) {
			t.Error(first.HTML)
		}
	}
}

// Each answer of a homeserver, and what comes of it.
func TestAnswers(t *testing.T) {
	busy := respond(429, map[string]any{"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 2345})
	inHeader := respond(429, map[string]any{"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 2345})
	inHeader.Header.Set("Retry-After", "9")
	soft := respond(401, map[string]any{"errcode": "M_UNKNOWN_TOKEN", "error": "expired", "soft_logout": true})
	for name, test := range map[string]struct {
		said      httpsink.Response
		want      string
		permanent bool
		wait      time.Duration
	}{
		"wait in the body":     {busy, "HTTP 429 Too Many Requests: M_LIMIT_EXCEEDED: Too Many Requests", false, 3 * time.Second},
		"longer in the header": {inHeader, "M_LIMIT_EXCEEDED", false, 9 * time.Second},
		"expired":              {soft, "HTTP 401 Unauthorized: M_UNKNOWN_TOKEN: expired (make an access token that does not expire)", true, 0},
		"no token":             {refuse(401, "M_MISSING_TOKEN", ""), "M_MISSING_TOKEN (make an access token", true, 0},
		"locked":               {refuse(401, "M_USER_LOCKED", "locked"), "M_USER_LOCKED: locked (ask the administrator", true, 0},
		"not in the room":      {refuse(403, "M_FORBIDDEN", "User not in room"), "M_FORBIDDEN: User not in room (invite the user into the room, and join it)", true, 0},
		"no such thing":        {refuse(404, "M_UNRECOGNIZED", "Unrecognized request"), "M_UNRECOGNIZED", true, 0},
		"too large":            {refuse(413, "M_TOO_LARGE", "event too large"), "M_TOO_LARGE", true, 0},
		"trouble of its own":   {refuse(500, "M_UNKNOWN", "Internal server error"), "M_UNKNOWN: Internal server error", false, 0},
		"a proxy's":            {httpsink.Response{Status: 502, Body: "<html>"}, "HTTP 502 Bad Gateway: <html>", false, 0},
		"a refusal of others":  {httpsink.Response{Status: 404, Body: "<html>"}, "HTTP 404 Not Found: <html>", true, 0},
		"a portal":             {httpsink.Response{Status: 200, Body: "<html>Log in"}, "the answer has no event_id", false, 0},
		"nothing":              {httpsink.Response{Status: 200}, "the answer has no event_id", false, 0},
		"no event":             {respond(200, map[string]any{}), "the answer has no event_id", false, 0},
		"no id of an event":    {respond(200, map[string]any{"event_id": "../x"}), "the answer has no event_id", false, 0},
		"hostile":              {refuse(403, "M_X", "\x1b[2J\u202e "+canary), `\x1b[2J\u{202e} (sensitive)`, true, 0},
		"a redirect":           {httpsink.Response{Status: 301, Header: http.Header{"Location": {"https://evil.example/"}}}, "HTTP 301 Moved Permanently", true, 0},
	} {
		_, n := start(t, func(httpsink.Request) httpsink.Response { return test.said })
		_, err := n.Notify(t.Context(), ops, notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%s: got %v, permanent %v, wait %v", name, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "hunter2") {
			t.Errorf("%s: the token is in %s", name, text)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	token := opaque.NewSecret(canary)
	for want, s := range map[string]matrix.Settings{
		"token is missing":                {URL: "https://matrix.example.org"},
		"url: http:// is for loopback":    {Token: token, URL: "http://matrix.example.org"},
		"url: it has to begin with https": {Token: token, URL: "ftp://matrix.example.org"},
		"url: it names no host":           {Token: token},
		"certificate":                     {Token: token, URL: "https://matrix.example.org", CA: "x"},
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, wrong := range [][2]string{
		{"", ""}, {"#mail:example.org", ""}, {"mail", ""}, {"!a b", ""}, {"!a/b", ""}, {"!a?b", ""}, {"!a", "anna"}, {"!a", "@anna"}, {"!a", "@here"}, {"!a\n", ""}, {"!a", "@<x>:example.org<"},
	} {
		if got, err := matrix.NewTarget(wrong[0], wrong[1]); err == nil {
			t.Errorf("%q made %+v", wrong, got)
		}
	}
	if got := ops.String(); got != "!abc:example.org @room" {
		t.Error(got)
	}
	_, n := start(t, newHomeserver(ops.Room).answer)
	for _, forged := range []matrix.Target{{Room: "!a/../b"}, {Room: ops.Room, Mention: "x"}} {
		if _, err := n.Notify(t.Context(), forged, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
			t.Errorf("a target from a file: %v", err)
		}
	}
}
