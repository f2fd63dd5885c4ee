package ntfy_test

import (
	"bytes"
	"encoding/json"
	"net/http"
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
	"github.com/imapvigil/imapvigil/notifiers/ntfy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s ntfy.Settings) notifiers.Notifier {
	t.Helper()
	n, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// publish sends a message to a server, and returns what the server got.
func publish(t *testing.T, to ntfy.Target, m notifiers.Message) httpsink.Request {
	t.Helper()
	sink, settings := start(t, server{}.answer)
	if _, err := open(t, settings).Notify(t.Context(), to, m); err != nil {
		t.Fatal(err)
	}
	return sink.Requests()[0]
}

// What a server is sent, whole.
func TestMessages(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered(), extremes()) {
		r := publish(t, ops, m)
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, r))
		if p := parse(r); len(p.Message) > 4000 || len(p.Title) > 250 || p.Markdown {
			t.Errorf("%s: a title of %d and a text of %d bytes", m.Key, len(p.Title), len(p.Message))
		}
	}
}

// extremes are hostile words, and what is longer than a server takes.
func extremes() []notifiers.Message {
	hostile := notifiertest.Message("hostile")
	in := &hostile.Items[0].Incident
	words := "x\r\nX-Priority: 1\r\n\r\n*b* [click](https://evil.example) @everyone <b> " + notifiertest.HostileWords
	in.Label, in.ServerLabel, in.Description, in.Runbook = words, words, words, words
	in.Evidence = opaque.Sanitise("* BYE see https://evil.example.org/x or www.evil.example, at 4.5.1. " + notifiertest.HostileWords)
	long := notifiertest.Message("long")
	in = &long.Items[0].Incident
	in.Label, in.Description = strings.Repeat("größer ", 100), strings.Repeat("größer ", 2000)
	in.Evidence = opaque.Sanitise(strings.Repeat("words ", 1000))
	many := notifiertest.Message("many")
	for len(many.Items) < 20 {
		many.Items = append(many.Items, long.Items[0])
	}
	return []notifiers.Message{hostile, long, many}
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

// The end takes the place of the first message; what comes between rings.
func TestSequence(t *testing.T) {
	sink, settings := start(t, server{}.answer)
	n := open(t, settings)
	send := func(m notifiers.Message) notifiers.Receipt {
		receipt, err := n.Notify(t.Context(), ops, m)
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	named := func(key string) notifiers.Message {
		all := notifiertest.Messages()
		return all[slices.IndexFunc(all, func(m notifiers.Message) bool { return m.Key == "key-"+key })]
	}
	opened, changed, closed := named("opened"), named("changed"), named("closed-as-recovered")
	first := send(opened)
	if first.Thread != "01JD6Z" {
		t.Errorf("the receipt is %+v", first)
	}
	for _, m := range []*notifiers.Message{&changed, &closed} {
		m.Previous = first
		m.Items[0].Thread = notifiers.Thread{First: first, Last: first, Alone: true}
	}
	send(changed)
	send(closed)
	closed.Items[0].Thread.Alone = false
	send(closed)
	var got []string
	for _, r := range sink.Requests() {
		got = append(got, parse(r).Sequence)
	}
	if want := []string{"01JD6Z", "", "01JD6Z", ""}; !slices.Equal(got, want) {
		t.Errorf("sequences %q, want %q", got, want)
	}
}

// A server that knows no sequences shows every message, so nothing is said to take a place.
func TestOldServer(t *testing.T) {
	_, settings := start(t, server{old: true}.answer)
	receipt, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k"))
	if err != nil || receipt.Thread != "" || !strings.HasPrefix(receipt.Answer.String(), "message ") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// Each answer of ntfy: what it is worth, and when to come again.
func TestAnswers(t *testing.T) {
	after := func(r httpsink.Response, seconds string) httpsink.Response {
		r.Header.Set("Retry-After", seconds)
		return r
	}
	ok := func(body string) httpsink.Response { return httpsink.Response{Status: http.StatusOK, Body: body} }
	for _, test := range []struct {
		answer    httpsink.Response
		want      string // empty: delivered
		permanent bool
		wait      time.Duration
	}{
		{answer: ok(`{"id":"a1","event":"message"}`)},
		{answer: ok(`{"id":"","event":"message"}`), want: "the answer has no message id"},
		{answer: ok(`{"id":"a1","event":"open"}`), want: "the answer has no message id"},
		{answer: ok(`{"id":7,"event":"message"}`), want: "the answer has no message id"},
		{answer: ok(`{"success":true}`), want: "the answer has no message id"},
		{answer: refusal(40101, "unauthorized"), want: "publishing to ntfy: HTTP 401, error 40101: unauthorized", permanent: true},
		{answer: refusal(40301, "forbidden"), want: "error 40301: forbidden", permanent: true},
		{answer: refusal(40009, "topic invalid"), want: "error 40009", permanent: true},
		{answer: refusal(41301, "attachment too large"), want: "error 41301", permanent: true},
		{answer: refusal(42901, "too many requests"), want: "error 42901", wait: 10 * time.Second},
		{answer: after(refusal(42901, "too many requests"), "64.57"), want: "error 42901", wait: 65 * time.Second},
		{answer: after(refusal(42901, "too many requests"), "0.376"), want: "error 42901", wait: 10 * time.Second},
		{answer: refusal(42908, "daily message quota reached"), want: "error 42908: daily message quota reached", wait: time.Hour},
		{answer: after(refusal(42908, "daily message quota reached"), "7200"), want: "error 42908", wait: 2 * time.Hour},
		{answer: refusal(50001, "internal server error"), want: "error 50001"},
		{answer: refusal(50701, "insufficient storage"), want: "error 50701"},
		{answer: httpsink.Response{Status: 429, Body: "<html>slow down"}, want: "HTTP 429 Too Many Requests: <html>slow down", wait: 10 * time.Second},
		{answer: httpsink.Response{Status: 502, Body: "<html>bad gateway"}, want: "HTTP 502 Bad Gateway"},
		{answer: httpsink.Response{Status: 404, Body: "{}"}, want: "HTTP 404 Not Found", permanent: true},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k"))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %+v, %v, want %q", test.answer, receipt, err, test.want)
		}
		if notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%v: permanent %v, wait %v", test.answer, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

// The priorities that are written take the place of the defaults.
func TestPriorities(t *testing.T) {
	to, err := ntfy.NewTarget("mail-ops", notifiers.JoinMap(map[string]string{"down": "4", "closed": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"opened": 4, "changed": 3, "reminder": 4, "escalated": 5, "closed-as-recovered": 1, "closed-as-removed": 1, "closed-as-paused": 1,
		"closed-as-changed": 1, "unheard": 1, "monitor": 4, "monitor-closed": 1, "test": 2,
		"gathered": 4, "ends": 1, "digest": 4, "linked": 4,
	}
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		name := strings.TrimPrefix(m.Key, "key-")
		if got := parse(publish(t, to, m)).Priority; want[name] != 0 && got != want[name] {
			t.Errorf("%s has the priority %d, want %d", name, got, want[name])
		}
	}
}

func TestTargets(t *testing.T) {
	for _, wrong := range []struct{ topic, priority, want string }{
		{"", "", "topic: "},
		{"two words", "", "topic: "},
		{"../x", "", "topic: "},
		{strings.Repeat("x", 65), "", "topic: "},
		{"x", `{"down":"6"}`, "priority: down must be a number from 1 to 5"},
		{"x", `{"down":"high"}`, "priority: down must be a number from 1 to 5"},
		{"x", `{"opened":"5"}`, `priority: there is no "opened": write some of acknowledged, changed, closed, degraded, down, escalated, test`},
	} {
		if _, err := ntfy.NewTarget(wrong.topic, wrong.priority); err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%q %s: %v, want %q", wrong.topic, wrong.priority, err, wrong.want)
		}
		_, settings := start(t, server{}.answer)
		to := ntfy.Target{Topic: wrong.topic, Priority: wrong.priority}
		if _, err := open(t, settings).Notify(t.Context(), to, notifiertest.Message("k")); !notifiers.IsPermanent(err) {
			t.Errorf("%+v from a file: %v", to, err)
		}
	}
	if text := (ntfy.Target{Topic: "x", Priority: `{"down":"4"}`}).String(); text != `x {"down":"4"}` {
		t.Error(text)
	}
}

func TestOpenRefuses(t *testing.T) {
	token := opaque.NewSecret(canary)
	for want, settings := range map[string]ntfy.Settings{
		"url: http:// is for loopback":    {URL: "http://ntfy.example.org"},
		"url: it has to begin with https": {URL: "ftp://ntfy.example.org"},
		"url: write the address of the":   {URL: "https://ntfy.example.org/?auth=1"},
		"token: use either":               {Token: token, Username: user, Password: token},
		"username is missing":             {Password: token},
		"password is missing":             {Username: user},
	} {
		if _, err := settings.Open(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := (ntfy.Settings{}).Open(); err != nil {
		t.Errorf("a public topic: %v", err)
	}
}
