package googlechat_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/googlechat"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) {
	restore := googlechat.SetPace(rate.Inf) // the tests that are about the pace set it
	code := m.Run()
	restore()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var all = googlechat.Target{Mention: "@all"}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, googlechat.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, googlechat.Settings{URL: opaque.NewSecret(sink.URL() + path + query)}
}

func open(t *testing.T, settings googlechat.Settings) notifiers.Notifier {
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
	sink, settings := start(t, newSpace().answer)
	return notifiertest.Channel{
		Settings: settings, Target: all, Written: notifiers.Values{"mention": {Text: "@all"}},
		Canary: canary, Pause: time.Minute, // the floor
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return respond(http.StatusOK, map[string]any{"name": "spaces/A/messages/B", "text": text})
			},
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: http.StatusOK, Body: refuse(403, "PERMISSION_DENIED").Body},
			},
		},
	}
}

// What Google Chat is sent, whole.
func TestPosts(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, settings := start(t, newSpace().answer)
		receipt, err := open(t, settings).Notify(t.Context(), all, m)
		if err != nil || !strings.HasPrefix(receipt.Answer.String(), "spaces/AAQAhSpaceId/messages/") {
			t.Fatalf("%+v, %v", receipt, err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(sink.Requests()[0]))
	}
}

// show is a request as a person reads it, without its secrets.
func show(r httpsink.Request) string {
	got := read(r)
	return strings.NewReplacer(key, "KEY", canary, "TOKEN").Replace(r.Path) + "\nthread: " + got.Thread + "\n\n" + got.Text + "\n"
}

const hostile = "<users/all> <https://evil.example|click> *b* _i_ ~s~ `x` ```y``` @all"

// No text but the target's mention is markup.
func TestNothingIsMarkup(t *testing.T) {
	own := regexp.MustCompile("(?m)^(<users/all> )?(\\S+ )?\\*[^*]*\\*|<https://status[^|>]*\\|[A-Z][a-z ]*>|`imapvigil[^`]*`")
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	for _, field := range []*string{&in.Check, &in.Label, &in.ServerLabel, &in.Description, &in.Hint, &in.Host, &in.Runbook, &in.CauseText, &m.RoleLabel, &m.Monitor} {
		*field = hostile
	}
	in.GroupLabels = []string{hostile, hostile}
	in.Evidence = opaque.Sanitise(hostile)
	in.URL = "https://status.example.org/<users/all>|x"
	for _, items := range []int{1, 2, 21} {
		for len(m.Items) < items {
			more := m.Items[0]
			more.Incident.Check = fmt.Sprint("mx", len(m.Items))
			m.Items = append(m.Items, more)
		}
		sink, settings := start(t, newSpace().answer)
		if _, err := open(t, settings).Notify(t.Context(), all, m); err != nil {
			t.Fatal(err)
		}
		got := read(sink.Requests()[0])
		if got.Mention != "users/all" {
			t.Errorf("mentions %q: %s", got.Mention, got.Text)
		}
		blocks := strings.Split(got.Text, "```")
		for i, block := range blocks {
			inCode := i%2 == 1
			if rest := own.ReplaceAllString(block, ""); strings.Contains(rest, "<") || strings.Contains(rest, "`") || !inCode && strings.ContainsAny(rest, "*_~") {
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
	long := strings.Repeat("\"ä ", 5000)
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
		sink, settings := start(t, newSpace().answer)
		if _, err := open(t, settings).Notify(t.Context(), all, m); err != nil {
			t.Fatal(err)
		}
		text := read(sink.Requests()[0]).Text
		if n := len(sink.Requests()[0].Body); n > 32_000 || n < 1000 {
			t.Errorf("%d incidents: %d bytes", items, n)
		}
		if !strings.Contains(text, "DOWN mx1/office") && !strings.Contains(text, fmt.Sprintf("%d down: mx1/office", items)) {
			t.Errorf("%d incidents: the headline is missing from %q", items, text)
		}
		if items <= notifiers.MaxItems && strings.Count(text, "<"+in.AcknowledgeURL+"|") != items {
			t.Errorf("%d incidents: links are missing in %s", items, text)
		}
	}
}

// One incident is one thread, which the incident names: no receipt is needed for it.
func TestThread(t *testing.T) {
	chat := newSpace()
	_, settings := start(t, chat.answer)
	n := open(t, settings)
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), all, m)
	if err != nil || first.Thread != "imapvigil/01JD6Z" {
		t.Fatalf("%+v, %v", first, err)
	}
	m.Key, m.Items[0].Transition = "second", notifiers.Reminder
	if second, err := n.Notify(t.Context(), all, m); err != nil || second.Thread != first.Thread || second.Answer == first.Answer {
		t.Errorf("%+v, %v", second, err)
	}
	m.Key, m.Items = "batch", append(m.Items, m.Items[0])
	if batch, err := n.Notify(t.Context(), all, m); err != nil || batch.Thread != "" {
		t.Errorf("a batch went into the thread of its first incident: %+v, %v", batch, err)
	}
	m.Key, m.Items = "damaged", m.Items[:1]
	m.Items[0].Incident.ID = "../" + strings.Repeat("x", 5000)
	if damaged, err := n.Notify(t.Context(), all, m); err != nil || damaged.Thread != "" || len(chat.threads) != 1 {
		t.Errorf("%+v, %v, %d threads", damaged, err, len(chat.threads))
	}
}

// A space takes one message a second; what is too fast is not sent.
func TestPace(t *testing.T) {
	defer googlechat.SetPace(rate.Every(time.Hour))()
	sink, settings := start(t, newSpace().answer)
	n := open(t, settings)
	if _, err := n.Notify(t.Context(), all, notifiertest.Message("1")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := n.Notify(t.Context(), all, notifiertest.Message("2"))
		if wait := notifiers.Wait(err); !notifiers.IsPaced(err) || wait <= 50*time.Minute || wait > time.Hour {
			t.Errorf("got %v, a pause of %v", err, wait)
		}
	}
	if len(sink.Requests()) != 1 {
		t.Errorf("%d messages were sent", len(sink.Requests()))
	}
}

// What Google Chat and those in its place may answer.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		answer    httpsink.Response
		want      string // in the receipt, or in the error
		failed    bool
		permanent bool
		wait      time.Duration
	}{
		{answer: httpsink.Response{Status: 200, Body: `{"name":"spaces/A/messages/B.C"}`}, want: "spaces/A/messages/B.C"},
		{answer: httpsink.Response{Status: 200, Body: `{"name":"spaces/A"}`}, want: "no name of a message", failed: true},
		{answer: httpsink.Response{Status: 200, Body: `{}`}, want: "no name of a message", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>Log in first"}, want: "it may not be from Google Chat", failed: true},
		{answer: refuse(400, "INVALID_ARGUMENT"), want: "HTTP 400 Bad Request: INVALID_ARGUMENT: It cannot be done.", failed: true, permanent: true},
		{answer: refuse(401, "UNAUTHENTICATED"), want: "UNAUTHENTICATED", failed: true, permanent: true},
		{answer: refuse(403, "PERMISSION_DENIED"), want: "PERMISSION_DENIED", failed: true, permanent: true},
		{answer: refuse(404, "NOT_FOUND"), want: "NOT_FOUND", failed: true, permanent: true},
		{answer: refuse(429, "RESOURCE_EXHAUSTED"), want: "HTTP 429 Too Many Requests: RESOURCE_EXHAUSTED", failed: true, wait: time.Minute},
		{answer: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"90"}}}, want: "HTTP 429", failed: true, wait: 90 * time.Second},
		{answer: refuse(500, "INTERNAL"), want: "INTERNAL", failed: true},
		{answer: refuse(503, "UNAVAILABLE"), want: "UNAVAILABLE", failed: true},
		{answer: httpsink.Response{Status: 301, Header: http.Header{"Location": {"https://evil.example/"}}}, want: "HTTP 301", failed: true, permanent: true},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings).Notify(t.Context(), all, notifiertest.Message("k"))
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
	for mention, want := range map[string]string{"": "", "@all": "<users/all> ", "users/123456789": "<users/123456789> "} {
		target, err := googlechat.NewTarget(mention)
		if err != nil {
			t.Fatal(err)
		}
		sink, settings := start(t, newSpace().answer)
		if _, err := open(t, settings).Notify(t.Context(), target, notifiertest.Message("k")); err != nil {
			t.Fatal(err)
		}
		if text := read(sink.Requests()[0]).Text; !strings.HasPrefix(text, want+"🔴 *DOWN mx1/office") {
			t.Errorf("%q: %s", mention, text)
		}
	}
	for _, mention := range []string{"@here", "all", "users/all>", "<users/all>"} {
		if _, err := googlechat.NewTarget(mention); err == nil || !strings.HasPrefix(err.Error(), "mention") {
			t.Errorf("%q: got %v", mention, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"": "url is missing",
		"http://chat.googleapis.com" + path + query: "url: http:// is for loopback",
		"ftp://chat.googleapis.com" + path + query:  "url: it has to begin with https",
	} {
		settings := googlechat.Settings{}
		if url != "" {
			settings.URL = opaque.NewSecret(url)
		}
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
