package telegram_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/telegram"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "110201543:AAHdqTcv-hunter2-canary"

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

func settings(sink *httpsink.Sink) telegram.Settings {
	return telegram.Settings{Token: opaque.NewSecret(canary), APIURL: sink.URL() + "/"}
}

var ops = telegram.Target{Chat: "-1002718281828", Topic: 42}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _ := start(t, newBotAPI().answer)
	return notifiertest.Channel{
		Settings: settings(sink), Target: ops, Written: notifiers.Values{"chat": {Text: "-1002718281828"}, "topic": {Number: 42}},
		Canary: canary, Pause: notifiertest.Pause, Keyless: true, LieIsPermanent: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read, Accept: accept,
			Refuse: func(text string) httpsink.Response { return refuse(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: respond(http.StatusOK, map[string]any{"ok": false, "description": "Bad Request: chat not found"}),
			},
		},
	}
}

func accept(text string) httpsink.Response {
	return respond(http.StatusOK, map[string]any{"ok": true, "description": text, "result": map[string]any{
		"message_id": 7, "text": text, "chat": map[string]any{"id": group, "title": text},
	}})
}

// What Telegram is sent, as it is shown there.
func TestMessages(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		sink, n := start(t, newBotAPI().answer)
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", show(t, sink.Requests()[0]))
	}
}

// show writes a message with its formatting, which is read back from the entities.
func show(t *testing.T, r httpsink.Request) string {
	t.Helper()
	asked := decode(t, r)
	if !asked.Preview.Disabled {
		t.Error("Telegram would ask the hosts of links")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\nchat %s, topic %d, quiet %v, answers %d\n\n", r.Method, strings.ReplaceAll(r.Path, canary, "TOKEN"), asked.Chat, asked.Topic, asked.Quiet, asked.Reply.Message)
	units, at := utf16.Encode([]rune(asked.Text)), 0
	part := func(to int) string { text := string(utf16.Decode(units[at:to])); at = to; return text }
	for _, e := range asked.Entities {
		b.WriteString(part(e.Offset))
		fmt.Fprintf(&b, "<%s>%s</%s>", strings.TrimSpace(e.Type+" "+e.URL), part(e.Offset+e.Length), e.Type)
	}
	b.WriteString(part(len(units)) + "\n")
	for _, row := range asked.Markup.Rows {
		for _, button := range row {
			fmt.Fprintf(&b, "[%s] %s\n", button.Text, button.URL)
		}
	}
	return b.String()
}

const hostileText = "<b>x</b> *b* _i_ [l](https://evil.example) @channel @mailops `c` ```p``` /start #tag mx_1"

// No character of a text is markup, and nobody is mentioned.
func TestHostileWords(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Label, in.ServerLabel, in.Description, in.Hint, in.Host, in.Runbook = hostileText, hostileText, hostileText+"\r\nmore @all", hostileText, "mx_1.example.org", hostileText
	in.Evidence = opaque.Sanitise(hostileText)
	in.URL = "https://status.example.org/@mailops/1"
	if _, err := n.Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/hostile.txt", show(t, sink.Requests()[0]))
	mentionsNobody(t, decode(t, sink.Requests()[0]))
}

// A reporter is a test, or a trial of one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// mentionsNobody looks for "@" outside code and links.
func mentionsNobody(t reporter, asked newMessage) {
	t.Helper()
	units := utf16.Encode([]rune(asked.Text))
	for _, e := range asked.Entities {
		if e.Type != "bold" {
			for i := e.Offset; i < e.Offset+e.Length; i++ {
				units[i] = '.'
			}
		}
	}
	if text := string(utf16.Decode(units)); strings.Contains(text, "@") {
		t.Errorf("somebody may be mentioned in %q", text)
	}
}

// Whatever the words, Telegram takes the message: it is short enough, and its entities are
// within the text, on the boundaries of characters.
func TestEveryMessageIsTaken(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.Custom(func(r *rapid.T) string {
			part := rapid.OneOf(rapid.String(), rapid.Just(hostileText), rapid.SampledFrom([]string{"🔴", "👩‍👩‍👧", "é", "https://a.example/🔴", "\n", "x_"}))
			return strings.Repeat(part.Draw(r, "part"), rapid.IntRange(0, 60).Draw(r, "times"))
		})
		m := notifiertest.Message("k")
		in := &m.Items[0].Incident
		for _, field := range []*string{&in.Label, &in.ServerLabel, &in.Check, &in.Description, &in.Hint, &in.Host, &in.Runbook, &in.URL, &in.CauseText, &m.RoleLabel, &m.Monitor} {
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
		mentionsNobody(r, decode(t, requests[len(requests)-1]))
	})
}

// At the limit the headline, the link and the footer stay, and the server's words go first.
func TestLongMessages(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	one := notifiertest.Message("k")
	one.Items[0].Incident.Description = strings.Repeat("🔴 a long description\n", 300)
	many := notifiertest.Message("k")
	many.Items = nil
	for i := range 20 {
		item := notifiers.Item{Transition: notifiers.Opened, Incident: notifiertest.Incident()}
		item.Incident.Check, item.Incident.Hint = fmt.Sprintf("mx%d/imaps", i+1), strings.Repeat("hint ", 80)
		many.Items = append(many.Items, item)
	}
	for i, m := range []notifiers.Message{one, many} {
		if _, err := n.Notify(t.Context(), ops, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, fmt.Sprintf("testdata/long-%d.txt", i+1), show(t, sink.Requests()[i]))
	}
}

// What is told of an incident answers its first message, which is changed at the end.
func TestThread(t *testing.T) {
	api := newBotAPI()
	sink, n := start(t, api.answer)
	m := notifiertest.Message("first")
	first, err := n.Notify(t.Context(), ops, m)
	if err != nil || first.Thread != "-1002718281828:7" || first.Answer.String() != "message 7 in -1002718281828" {
		t.Fatalf("%+v, %v", first, err)
	}
	m.Previous, m.Items[0].Transition = first, notifiers.Reminder
	second, err := n.Notify(t.Context(), ops, m)
	if reply := decode(t, sink.Requests()[1]).Reply; err != nil || second.Thread != first.Thread || reply.Message != 7 || !reply.Anyhow {
		t.Errorf("%+v, %v, answers %+v", second, err, reply)
	}
	end := ended(first, true)
	third, err := n.Notify(t.Context(), ops, end)
	if err != nil || third.Answer.String() != "message 9 in -1002718281828" {
		t.Fatalf("%+v, %v", third, err)
	}
	requests := sink.Requests()
	if said, changed := decode(t, requests[2]), decode(t, requests[3]); len(requests) != 4 || !said.Quiet || changed.Message != 7 || changed.Text != said.Text || changed.Markup.Rows != nil {
		t.Errorf("%d requests; sent %+v, changed %+v", len(requests), said, changed)
	}
	// After a crash the same comes again.
	if again, err := n.Notify(t.Context(), ops, end); err != nil || again.Answer.String() != "message 10 in -1002718281828" {
		t.Errorf("a message that is not modified: %+v, %v", again, err)
	}
	golden.Compare(t, "testdata/changed-first.txt", show(t, requests[3]))
}

// ended returns the end of an incident whose first message told of it alone, or not.
func ended(first notifiers.Receipt, alone bool) notifiers.Message {
	for _, m := range notifiertest.Messages() {
		if m.Key == "key-closed-as-recovered" {
			m.Previous, m.Items[0].Thread = first, notifiers.Thread{First: first, Last: first, Alone: alone}
			return m
		}
	}
	panic("there is no such message")
}

// What ends in one message is changed in each first one that told of nothing else.
func TestGatheredEnds(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	ends := notifiertest.Gathered()[1]
	for i := range ends.Items {
		first, err := n.Notify(t.Context(), ops, notifiertest.Message(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		ends.Items[i].Thread = notifiers.Thread{First: first, Last: first, Alone: true}
	}
	sent := len(sink.Requests())
	if _, err := n.Notify(t.Context(), ops, ends); err != nil {
		t.Fatal(err)
	}
	var changed []int64
	for _, r := range sink.Requests()[sent:] {
		changed = append(changed, decode(t, r).Message)
	}
	if !slices.Equal(changed, []int64{0, 7, 8}) {
		t.Errorf("changed %v", changed)
	}
}

// A message that told of several incidents is answered, and never changed: it says more than
// that one of them has ended.
func TestSharedMessageIsNotChanged(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	shared, err := n.Notify(t.Context(), ops, notifiertest.Gathered()[0])
	if err != nil || shared.Thread != "-1002718281828:7" {
		t.Fatalf("%+v, %v", shared, err)
	}
	receipt, err := n.Notify(t.Context(), ops, ended(shared, false))
	if err != nil || receipt.Thread != shared.Thread || len(sink.Requests()) != 2 || decode(t, sink.Requests()[1]).Reply.Message != 7 {
		t.Errorf("%+v, %v, %d requests", receipt, err, len(sink.Requests()))
	}
}

// A delivery stays one, whatever becomes of the change.
func TestChangeFails(t *testing.T) {
	for name, fails := range map[string]httpsink.Response{
		"refused": refuse(http.StatusBadRequest, "Bad Request: message can't be edited "+canary),
		"busy":    respond(http.StatusTooManyRequests, map[string]any{"ok": false, "error_code": 429, "description": "Too Many Requests"}),
		"lost":    {Status: http.StatusBadGateway, Body: "<html>"},
	} {
		_, n := start(t, func(r httpsink.Request) httpsink.Response {
			if strings.HasSuffix(r.Path, "/editMessageText") {
				return fails
			}
			return newBotAPI().answer(r)
		})
		receipt, err := n.Notify(t.Context(), ops, ended(notifiers.Receipt{Thread: "-1002718281828:3"}, true))
		if text := receipt.Answer.String(); err != nil || !strings.HasPrefix(text, "message 7 in -1002718281828; the first message was not changed: HTTP") || strings.Contains(text, canary) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// What comes from a file is looked at.
func TestThreadOfAFile(t *testing.T) {
	for _, thread := range []string{"", "7", "-1:x", "-1:7/../x", "ts:1", "-1002718281828:99999999999999999999", "-42:7"} {
		sink, n := start(t, newBotAPI().answer)
		receipt, err := n.Notify(t.Context(), ops, ended(notifiers.Receipt{Thread: thread}, true))
		if err != nil || receipt.Thread != "-1002718281828:7" || len(sink.Requests()) != 1 || decode(t, sink.Requests()[0]).Reply.Message != 0 {
			t.Errorf("%q: %+v, %v", thread, receipt, err)
		}
	}
}

// A group that became a supergroup is followed at once, and remembered.
func TestMoved(t *testing.T) {
	api := newBotAPI()
	sink, n := start(t, api.answer)
	old := telegram.Target{Chat: "-555"}
	m := notifiertest.Message("k")
	m.Previous.Thread = "-555:3"
	const want = `message 7 in -1002718281828; the group moved: write chat = "-1002718281828" instead of "-555"`
	receipt, err := n.Notify(t.Context(), old, m)
	if err != nil || receipt.Answer.String() != want || receipt.Thread != "-1002718281828:7" {
		t.Errorf("%+v, %v", receipt, err)
	}
	api.mu.Lock()
	delete(api.chats, "-555") // whoever still asks there fails
	api.mu.Unlock()
	if receipt, err := n.Notify(t.Context(), old, m); err != nil || receipt.Thread != "-1002718281828:8" || len(sink.Requests()) != 2 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// Without its topic, or without its buttons, an alarm is better than none.
func TestSentWithoutWhatIsRefused(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	m := notifiertest.Message("k")
	m.Items[0].Incident.URL = "https://refused.example.org/1"
	receipt, err := n.Notify(t.Context(), telegram.Target{Chat: "-1002718281828", Topic: 43}, m)
	if err != nil || receipt.Answer.String() != "message 7 in -1002718281828; not in topic 43, which is closed or does not exist" {
		t.Errorf("%+v, %v", receipt, err)
	}
	got := decode(t, sink.Requests()[0])
	if got.Topic != 0 || got.Markup.Rows != nil || !strings.Contains(got.Text, "https://refused.example.org/1") {
		t.Errorf("%+v", got)
	}
	// The general topic has a number which sendMessage does not know.
	if _, err := n.Notify(t.Context(), telegram.Target{Chat: "-1002718281828", Topic: 1}, m); err != nil || decode(t, sink.Requests()[1]).Topic != 0 {
		t.Error(err)
	}
}

// Only what calls for people makes a sound, and nothing does where that is written.
func TestQuiet(t *testing.T) {
	sink, n := start(t, newBotAPI().answer)
	for i, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		for j, silent := range []bool{false, true} {
			if _, err := n.Notify(t.Context(), telegram.Target{Chat: "@mailops", Silent: silent}, m); err != nil {
				t.Fatal(err)
			}
			over := m.Key == "key-acknowledged" || strings.Contains(m.Key, "closed") || m.Key == "key-ends" || m.Key == "key-unheard"
			if got := decode(t, sink.Requests()[2*i+j]); got.Quiet != (silent || over) || string(got.Chat) != `"@mailops"` {
				t.Errorf("%s, silent %v: quiet %v in %s", m.Key, silent, got.Quiet, got.Chat)
			}
		}
	}
}

// Each answer of Telegram's, and what comes of it.
func TestAnswers(t *testing.T) {
	busy := map[string]any{"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 35", "parameters": map[string]any{"retry_after": 35}}
	loop := map[string]any{"ok": false, "error_code": 400, "description": "moved", "parameters": map[string]any{"migrate_to_chat_id": -777}}
	inHeader := respond(http.StatusTooManyRequests, busy)
	inHeader.Header.Set("Retry-After", "60")
	for name, test := range map[string]struct {
		said      httpsink.Response
		want      string
		permanent bool
		wait      time.Duration
	}{
		"wait in the body":     {respond(429, busy), "Too Many Requests: retry after 35", false, 35 * time.Second},
		"longer in the header": {inHeader, "Too Many Requests", false, time.Minute},
		"wait with status 200": {respond(200, busy), "Too Many Requests", false, 35 * time.Second},
		"token":                {refuse(401, "Unauthorized"), "HTTP 401 Unauthorized: Unauthorized", true, 0},
		"token of no form":     {refuse(404, "Not Found"), "HTTP 404 Not Found: Not Found", true, 0},
		"blocked":              {refuse(403, "Forbidden: bot was blocked by the user"), "bot was blocked by the user", true, 0},
		"kicked":               {refuse(403, "Forbidden: bot was kicked from the supergroup chat"), "bot was kicked", true, 0},
		"no such chat":         {refuse(400, "Bad Request: chat not found"), "chat not found", true, 0},
		"too long":             {refuse(400, "Bad Request: message is too long"), "message is too long", true, 0},
		"topic again":          {refuse(400, "Bad Request: message thread not found"), "message thread not found", true, 0},
		"moves for ever":       {respond(400, loop), "moved", true, 0},
		"refusal with 200":     {respond(200, map[string]any{"ok": false, "description": "no"}), "no", true, 0},
		"trouble of its own":   {refuse(500, "Internal Server Error"), "Internal Server Error", false, 0},
		"trouble with 200":     {respond(200, map[string]any{"ok": false, "error_code": 502, "description": "Bad Gateway"}), "Bad Gateway", false, 0},
		"a proxy's":            {httpsink.Response{Status: 502, Body: "<html>"}, "HTTP 502 Bad Gateway: <html>", false, 0},
		"a portal":             {httpsink.Response{Status: 200, Body: "<html>Log in first"}, "the answer has no message id", false, 0},
		"nothing":              {httpsink.Response{Status: 200}, "the answer has no message id", false, 0},
		"no result":            {respond(200, map[string]any{"ok": true}), "the answer has no message id", false, 0},
		"a result of others":   {respond(200, map[string]any{"ok": true, "result": true}), "the answer has no message id", false, 0},
		"no chat":              {respond(200, map[string]any{"ok": true, "result": map[string]any{"message_id": 7}}), "the answer has no message id", false, 0},
		"not ok, no words":     {respond(200, map[string]any{"ok": false}), "the answer has no message id", false, 0},
		"half":                 {httpsink.Response{Status: 200, Header: http.Header{"Content-Length": {"100"}}, Body: `{"ok":tr`}, "the answer has no message id", false, 0},
		"hostile":              {refuse(400, "\x1b[2J\u202e bot"+canary), `\x1b[2J\u{202e} bot(sensitive)`, true, 0},
		"escaped":              {refuse(400, "/bot"+strings.Replace(canary, ":", "%3A", 1)+"/sendMessage"), "/bot(sensitive)/sendMessage", true, 0},
		"half of the token":    {refuse(400, canary[10:]), "(sensitive)", true, 0},
		"a redirect":           {httpsink.Response{Status: 302, Header: http.Header{"Location": {"https://evil.example/"}}}, "HTTP 302 Found", true, 0},
	} {
		_, n := start(t, func(httpsink.Request) httpsink.Response { return test.said })
		_, err := n.Notify(t.Context(), ops, notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%s: got %v, permanent %v, wait %v", name, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
		keepsToken(t, err)
	}
}

func keepsToken(t *testing.T, err error) {
	t.Helper()
	_, secret, _ := strings.Cut(canary, ":")
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) || strings.Contains(text, "110201543") {
		t.Errorf("the token is in %s", text)
	}
}

// net/http puts the URL, and so the token, into its errors.
func TestTokenIsInNoErrorOfTheTransport(t *testing.T) {
	sink, _ := start(t, newBotAPI().answer)
	gone := settings(sink)
	_ = sink.Close()
	noHost := telegram.Settings{Token: opaque.NewSecret(canary), APIURL: "https://telegram.invalid"}
	for _, s := range []telegram.Settings{gone, noHost} {
		n, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		_, err = n.Notify(t.Context(), ops, notifiertest.Message("k"))
		if err == nil || notifiers.IsPermanent(err) {
			t.Errorf("got %v", err)
		}
		keepsToken(t, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, s := range map[string]telegram.Settings{
		"token is missing":                    {},
		"token: it is not a bot's token":      {Token: opaque.NewSecret("1:a/../b")},
		"api_url: http:// is for loopback":    {Token: opaque.NewSecret(canary), APIURL: "http://telegram.example.org/"},
		"api_url: it has to begin with https": {Token: opaque.NewSecret(canary), APIURL: "ftp://telegram.example.org/"},
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, wrong := range []string{"", "mailops", "#mailops", "@x", "-100 1", "12345678901234567890", "@mail ops", "-1\n"} {
		if got, err := telegram.NewTarget(wrong, 0, false); err == nil {
			t.Errorf("%q made %+v", wrong, got)
		}
	}
	for want, target := range map[string]telegram.Target{
		"@mailops": {Chat: "@mailops"}, "-1002718281828 topic 42": ops, "7 silently": {Chat: "7", Silent: true},
	} {
		if got := target.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
