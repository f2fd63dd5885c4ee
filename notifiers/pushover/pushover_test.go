package pushover_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/pushover"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `azGDORePK8-hunter2"+%/canary`

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

func settings(sink *httpsink.Sink) pushover.Settings {
	return pushover.Settings{Token: opaque.NewSecret(canary), APIURL: sink.URL() + "/"}
}

var (
	ops     = pushover.Target{Key: key}
	ringing = pushover.Target{Key: key, Priority: "2"}
)

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _ := start(t, (&service{}).answer)
	return notifiertest.Channel{
		Settings: settings(sink), Target: ringing, Written: notifiers.Values{"to": {List: []string{key}}, "priority": {Number: 2}},
		Canary: canary, Pause: 2 * time.Hour, Keyless: true, LieIsPermanent: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return respond(http.StatusOK, map[string]any{"status": 1, "request": "r " + text, "receipt": text})
			},
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie:  refuse(http.StatusOK, "user identifier is invalid"),
				notifiertest.Busy: {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7200"}}, Body: "slow down"},
			},
		},
	}
}

// What Pushover is sent, whole.
func TestMessages(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, n := start(t, (&service{}).answer)
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, sink.Requests()[0]))
	}
}

func show(t *testing.T, r httpsink.Request) string {
	t.Helper()
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	form.Del("token")
	text := form.Get("message")
	form.Del("message")
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprintf(&b, "%s: %s\n", name, form.Get(name))
	}
	return b.String() + "\n" + text + "\n"
}

// Nothing is markup for Pushover unless a message asks for it, and ours never does.
func TestHostileWords(t *testing.T) {
	sink, n := start(t, (&service{}).answer)
	const hostile = "<b>x</b> &lt; https://evil.example @all `c` \"q\""
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Label, in.ServerLabel, in.Description, in.Hint, in.Host, in.Runbook = hostile, hostile, hostile+"\r\nmore", hostile, "mx_1.example.org", hostile
	in.Evidence = opaque.Sanitise(hostile)
	in.URL = "javascript:alert(1)"
	if _, err := n.Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	if r := sink.Requests()[0]; r.Field("html") != "" || r.Field("monospace") != "" || r.Field("url") != "" {
		t.Errorf("%s", r.Body)
	}
	golden.Compare(t, "testdata/hostile.txt", show(t, sink.Requests()[0]))
}

// Whatever the words, Pushover takes the message.
func TestEveryMessageIsTaken(t *testing.T) {
	_, n := start(t, (&service{}).answer)
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.Custom(func(r *rapid.T) string {
			part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"🔴", "é", "https://a.example/", "\n", "xy "}))
			return strings.Repeat(part.Draw(r, "part"), rapid.IntRange(0, 200).Draw(r, "times"))
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
	})
}

// At the limit the headline and the link stay.
func TestLongMessage(t *testing.T) {
	sink, n := start(t, (&service{}).answer)
	m := notifiertest.Message("k")
	m.Items[0].Incident.Description = strings.Repeat("🔴 a long description\n", 300)
	if _, err := n.Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/long.txt", show(t, sink.Requests()[0]))
}

// The priority of each message, for each that can be written.
func TestPriorities(t *testing.T) {
	degraded := notifiertest.Message("key-degraded")
	degraded.Items[0].Incident.Severity = "degraded"
	messages := append(slices.Concat(notifiertest.Messages(), notifiertest.Gathered()), degraded)
	for written, want := range map[string]map[string]string{
		"":   {"opened": "1", "degraded": "0", "closed-as-recovered": "-1", "acknowledged": "-2", "test": "0", "gathered": "1", "ends": "-1"},
		"2":  {"opened": "2", "degraded": "0", "closed-as-recovered": "-1", "acknowledged": "-2", "test": "0", "gathered": "2", "ends": "-1"},
		"-2": {"opened": "-2", "degraded": "-2", "closed-as-recovered": "-2", "acknowledged": "-2", "test": "0", "gathered": "-2", "ends": "-2"},
	} {
		for _, m := range messages {
			sink, n := start(t, (&service{}).answer)
			target := pushover.Target{Key: key, Priority: written, Retry: 30, Expire: 10800, Sound: "siren", Device: "phone,tablet"}
			if _, err := n.Notify(t.Context(), target, m); err != nil {
				t.Fatal(err)
			}
			r := sink.Requests()[0]
			if priority, known := want[strings.TrimPrefix(m.Key, "key-")]; known && r.Field("priority") != priority {
				t.Errorf("priority %q, %s: got %s, want %s", written, m.Key, r.Field("priority"), priority)
			}
			rings := r.Field("priority") == "2"
			if (r.Field("retry") == "30" && r.Field("expire") == "10800") != rings || r.Field("device") != "phone,tablet" {
				t.Errorf("priority %q, %s: %s", written, m.Key, r.Body)
			}
		}
	}
}

// told returns a message about incidents that have a ring each, as it is when they have ended or
// somebody works on them.
func told(transition notifiers.Transition, rings ...notifiers.Receipt) notifiers.Message {
	m := notifiertest.Message("k")
	m.Items = nil
	for i, ring := range rings {
		item := notifiers.Item{Transition: transition, Incident: notifiertest.Incident(), Thread: notifiers.Thread{First: ring, Last: ring}}
		item.Incident.ID, item.Incident.Check = fmt.Sprint("01JD", i), fmt.Sprintf("mx%d/imaps", i)
		m.Items = append(m.Items, item)
	}
	if len(rings) == 1 {
		m.Previous = rings[0]
	}
	return m
}

// Phones stop when the incident ends, when somebody works on it, and when they ring anew.
func TestRingingEnds(t *testing.T) {
	for _, transition := range []notifiers.Transition{notifiers.Closed, notifiers.Acknowledged, notifiers.Reminder} {
		s := &service{}
		sink, n := start(t, s.answer)
		first, err := n.Notify(t.Context(), ringing, told(notifiers.Opened, notifiers.Receipt{}))
		if err != nil || len(first.Thread) != 30 || len(s.ringing) != 1 {
			t.Fatalf("%+v, %v", first, err)
		}
		receipt, err := n.Notify(t.Context(), ringing, told(transition, first))
		if err != nil || receipt.Answer.String() != "request 647d2300-702c-4b38-8b2f-d56326ae460b" || slices.Contains(s.ringing, first.Thread) {
			t.Errorf("%s: %+v, %v, ringing %v", transition, receipt, err, s.ringing)
		}
		if requests := sink.Requests(); len(requests) != 3 || requests[1].Path != "/1/messages.json" || requests[2].Path != "/1/receipts/"+first.Thread+"/cancel.json" {
			t.Errorf("%s: %d requests", transition, len(requests))
		}
		if rings := transition == notifiers.Reminder; (len(s.ringing) == 1) != rings || (receipt.Thread != "") != rings {
			t.Errorf("%s: ringing %v", transition, s.ringing)
		}
	}
}

// Phones that ring about several incidents go on until the last of them is settled.
func TestSharedRinging(t *testing.T) {
	s := &service{}
	_, n := start(t, s.answer)
	none := notifiers.Receipt{}
	shared, err := n.Notify(t.Context(), ringing, told(notifiers.Opened, none, none, none))
	if err != nil || shared.Thread != s.ringing[0]+":3" {
		t.Fatalf("%+v, %v", shared, err)
	}
	one := told(notifiers.Closed, shared)
	for range 2 { // a repetition counts once
		if _, err := n.Notify(t.Context(), ringing, one); err != nil || len(s.ringing) != 1 {
			t.Fatalf("%v, ringing %v", err, s.ringing)
		}
	}
	others := told(notifiers.Acknowledged, none, shared, shared)
	others.Items[2].Transition = notifiers.Closed
	if _, err := n.Notify(t.Context(), ringing, others); err != nil || len(s.ringing) != 0 {
		t.Errorf("%v, ringing %v", err, s.ringing)
	}
}

// A delivery stays one, whatever becomes of the ringing.
func TestCancelFails(t *testing.T) {
	_, n := start(t, (&service{}).answer)
	gone := notifiers.Receipt{Thread: strings.Repeat("x", 30)}
	receipt, err := n.Notify(t.Context(), ringing, told(notifiers.Closed, gone))
	const want = "request 647d2300-702c-4b38-8b2f-d56326ae460b; phones may ring on: HTTP 404 Not Found: receipt not found; may be invalid or expired"
	if err != nil || receipt.Answer.String() != want {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// What comes from a file is looked at.
func TestThreadOfAFile(t *testing.T) {
	for _, thread := range []string{"", "../x", strings.Repeat("x", 29), strings.Repeat("x", 30) + "/", strings.Repeat("x", 30) + ":99999", "$event"} {
		sink, n := start(t, (&service{}).answer)
		if _, err := n.Notify(t.Context(), ringing, told(notifiers.Closed, notifiers.Receipt{Thread: thread})); err != nil || len(sink.Requests()) != 1 {
			t.Errorf("%q: %v, %d requests", thread, err, len(sink.Requests()))
		}
	}
}

// Each answer of Pushover's, and what comes of it.
func TestAnswers(t *testing.T) {
	quota := func(reset string) httpsink.Response {
		answer := refuse(429, "message limit reached")
		answer.Header.Set("X-Limit-App-Reset", reset)
		return answer
	}
	for name, test := range map[string]struct {
		said      httpsink.Response
		want      string
		permanent bool
		least     time.Duration
		most      time.Duration
	}{
		"quota":               {quota(strconv.FormatInt(time.Now().Add(5*time.Hour).Unix(), 10)), "HTTP 429 Too Many Requests: message limit reached", false, 4*time.Hour + 55*time.Minute, 5*time.Hour + time.Second},
		"quota of long":       {quota("1e300"), "message limit reached", false, time.Hour, time.Hour},
		"quota of a month":    {quota("99999999999"), "message limit reached", false, 24 * time.Hour, 24 * time.Hour},
		"quota that is over":  {quota("1393653600"), "message limit reached", false, time.Hour, time.Hour},
		"quota without words": {httpsink.Response{Status: 429}, "the quota of messages is used up", false, time.Hour, time.Hour},
		"token":               {refuse(400, "application token is invalid"), "HTTP 400 Bad Request: application token is invalid", true, 0, 0},
		"user":                {refuse(400, "user identifier is invalid"), "user identifier is invalid", true, 0, 0},
		"refusal with 200":    {refuse(200, "user identifier is invalid"), "HTTP 200 OK: user identifier is invalid", true, 0, 0},
		"trouble of its own":  {httpsink.Response{Status: 503, Body: "busy"}, "HTTP 503 Service Unavailable: busy", false, 5 * time.Second, 5 * time.Second},
		"a portal":            {httpsink.Response{Status: 200, Body: "<html>Log in"}, "the answer has no id of a request", false, 0, 0},
		"nothing":             {httpsink.Response{Status: 200}, "the answer has no id of a request", false, 0, 0},
		"no status":           {respond(200, map[string]any{"request": "x"}), "the answer has no id of a request", false, 0, 0},
		"no request":          {respond(200, map[string]any{"status": 1}), "the answer has no id of a request", false, 0, 0},
		"status 0, no words":  {respond(200, map[string]any{"status": 0, "request": "x"}), "the answer has no id of a request", false, 0, 0},
		"a page of others":    {httpsink.Response{Status: 404, Body: "<html>"}, "HTTP 404 Not Found: <html>", true, 0, 0},
		"hostile":             {refuse(400, "\x1b[2J\u202e "+canary), `\x1b[2J\u{202e} (sensitive)`, true, 0, 0},
		"escaped":             {refuse(400, url.QueryEscape(canary)), "(sensitive)", true, 0, 0},
		"a redirect":          {httpsink.Response{Status: 301, Header: http.Header{"Location": {"https://evil.example/"}}}, "HTTP 301", true, 0, 0},
	} {
		_, n := start(t, func(httpsink.Request) httpsink.Response { return test.said })
		_, err := n.Notify(t.Context(), ringing, notifiertest.Message("k"))
		wait := notifiers.Wait(err)
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || wait < test.least || wait > test.most {
			t.Errorf("%s: got %v, permanent %v, wait %v", name, err, notifiers.IsPermanent(err), wait)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "hunter2") {
			t.Errorf("%s: the token is in %s", name, text)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, s := range map[string]pushover.Settings{
		"token is missing":                 {},
		"api_url: http:// is for loopback": {Token: opaque.NewSecret(canary), APIURL: "http://api.example.org"},
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, wrong := range []pushover.Target{
		{},
		{Key: "a b"},
		{Key: "a/b"},
		{Key: key, Device: "a b"},
		{Key: key, Device: ","},
		{Key: key, Priority: "3"},
		{Key: key, Sound: "a b"},
		{Key: key, Retry: 600, Expire: 300},
		{Key: key, Expire: 30},
		{Key: key + "\n"},
	} {
		if got, err := pushover.NewTarget(wrong); err == nil {
			t.Errorf("%+v made %+v", wrong, got)
		}
		_, n := start(t, (&service{}).answer)
		if _, err := n.Notify(t.Context(), wrong, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
			t.Errorf("%+v from a file: %v", wrong, err)
		}
	}
	for want, target := range map[string]pushover.Target{
		key: ops, key + " with priority 2": ringing, key + " on phone": {Key: key, Device: "phone"},
	} {
		if got := target.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
