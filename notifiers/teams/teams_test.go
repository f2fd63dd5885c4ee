package teams_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
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
	"github.com/imapvigil/imapvigil/notifiers/teams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	canary = "hunter2-canary_sig"
	// path is that of a workflow, with what must stay as it is.
	path = "/powerautomate/automations/direct/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke%2Fx?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + canary
	anna = `{"id":"anna@example.net","name":"Anna"}`
)

var ops = teams.Target{Mention: notifiers.JoinSet([]string{anna})}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, teams.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, teams.Settings{URL: opaque.NewSecret(sink.URL() + path)}
}

func open(t *testing.T, settings teams.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// send returns the card that Teams is sent of a message.
func send(t *testing.T, target teams.Target, m notifiers.Message) (sent []byte, card map[string]any) {
	t.Helper()
	sink, settings := start(t, workflows)
	if _, err := open(t, settings).Notify(t.Context(), target, m); err != nil {
		t.Fatal(err)
	}
	request := sink.Requests()[0]
	return request.Body, cardOf(request)
}

func cardOf(r httpsink.Request) map[string]any {
	var sent struct {
		Attachments []struct{ Content map[string]any }
	}
	if err := json.Unmarshal(r.Body, &sent); err != nil {
		panic(err)
	}
	return sent.Attachments[0].Content
}

// shownText is all that a person reads.
func shownText(card map[string]any) string {
	return strings.Join(textsOf(card, "TextBlock", "TextRun", "Action.OpenUrl"), "\n")
}

func TestConformance(t *testing.T) { notifiertest.Run(t, channel) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, channel) }

func channel(t *testing.T) notifiertest.Channel {
	sink, settings := start(t, workflows)
	return notifiertest.Channel{
		Settings: settings, Target: ops, Written: notifiers.Values{"mention": {List: []string{anna}}},
		Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Trusts: map[notifiertest.Fault]string{notifiertest.Mute: "Workflows says 202 and nothing else"},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink,
			Read: func(r httpsink.Request) notifiertest.Received {
				return notifiertest.Received{Text: shownText(cardOf(r)), Mention: calls(cardOf(r))}
			},
			Accept: func(text string) httpsink.Response {
				return httpsink.Response{Status: http.StatusAccepted, Body: text}
			},
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: http.StatusOK, Body: fmt.Sprintf(formerRefusal, 429)},
			},
		},
	}
}

// formerRefusal is what Teams said with a status of 200 when it had refused a message.
const formerRefusal = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error %d with ContextId tcid=0."

// What Teams is sent, whole.
func TestCards(t *testing.T) {
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		_, card := send(t, ops, m)
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".json", indented(t, card))
	}
}

func indented(t *testing.T, v any) string {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// hostile is what Teams would take for a mention, a link, formatting and a date.
const hostile = "<at>Anna</at> @all [click](https://evil.example) **b** _i_ {{{DATE(2026-11-23T17:47:05Z)}} `x` ```y```"

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
		_, card := send(t, ops, m)
		for _, text := range textsOf(card, "TextBlock") {
			text = strings.ReplaceAll(text, "<at>Anna</at>", "") // the target's
			isOwnClock := strings.HasPrefix(text, "On your clock: since {{DATE(2026-11-23T17:47:05Z, SHORT)}} {{TIME(")
			if strings.ContainsAny(text, "<*`") || strings.Contains(text, "](") || strings.Contains(text, "{{") != isOwnClock {
				t.Errorf("markup in %q", text)
			}
		}
		for _, text := range textsOf(card, "TextRun") {
			if strings.Contains(text, "{{") {
				t.Errorf("Teams would fill in %q", text)
			}
		}
		if items == 1 {
			golden.Compare(t, "testdata/hostile.json", indented(t, card))
		}
	}
}

// Whatever is in a message, it fits, and what happened and where to read more is in it.
func TestFits(t *testing.T) {
	long := strings.Repeat("ä\"\\ ", 2000)
	for name, items := range map[string]int{"one": 1, "several": 7, "many": 20, "digest": 60} {
		m := notifiertest.Message("k")
		in := &m.Items[0].Incident
		in.Evidence, in.Description, in.Hint, in.Label, in.ServerLabel, in.CauseText = opaque.Sanitise(long), long, long, long, long, long
		in.AcknowledgeURL = "https://status.example.org/a/" + strings.Repeat("x", 90)
		for len(m.Items) < items {
			more := m.Items[0]
			more.Incident.Check = fmt.Sprintf("mx%d/%s", len(m.Items), strings.Repeat("long", 10))
			m.Items = append(m.Items, more)
		}
		body, card := send(t, ops, m)
		if len(body) > 18_000 {
			t.Errorf("%s: %d bytes", name, len(body))
		}
		text := shownText(card)
		if !strings.Contains(text, "DOWN mx1/office") && !strings.Contains(text, fmt.Sprintf("%d down: mx1/office", items)) {
			t.Errorf("%s: the headline is missing from %q", name, text)
		}
		for _, link := range []string{in.URL, in.AcknowledgeURL} {
			if name != "digest" && !strings.Contains(text, link) {
				t.Errorf("%s: %s is missing", name, link)
			}
		}
		golden.Compare(t, "testdata/long-"+name+".txt", text+"\n")
	}
}

// What Workflows and those in its place may answer.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		answer    httpsink.Response
		want      string // in the receipt, or in the error
		failed    bool
		permanent bool
		wait      time.Duration
	}{
		{answer: httpsink.Response{Status: 202}, want: "accepted by Workflows (202), not proof that it was posted"},
		{answer: httpsink.Response{Status: 202, Header: http.Header{"x-ms-workflow-run-id": {"0858\u202e"}}}, want: `posted, run 0858\u{202e}`},
		{answer: httpsink.Response{Status: 202, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: "<html>Log in"}, want: "no status 202 without a page", failed: true},
		{answer: httpsink.Response{Status: 200}, want: "no status 202", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "1"}, want: "no status 202", failed: true},
		{answer: httpsink.Response{Status: 200, Body: "<html>Log in first"}, want: "it may not be from Workflows", failed: true},
		{answer: httpsink.Response{Status: 200, Body: fmt.Sprintf(formerRefusal, 429)}, want: "HTTP 429 Too Many Requests", failed: true},
		{answer: httpsink.Response{Status: 200, Body: fmt.Sprintf(formerRefusal, 502)}, want: "HTTP 502", failed: true},
		{answer: httpsink.Response{Status: 200, Body: fmt.Sprintf(formerRefusal, 413)}, want: "HTTP 413", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 202, Body: fmt.Sprintf(formerRefusal, 404)}, want: "HTTP 404", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 200, Body: fmt.Sprintf(formerRefusal, 200)}, want: "no status 202", failed: true},
		{answer: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"17"}}}, want: "HTTP 429", failed: true, wait: 17 * time.Second},
		{answer: httpsink.Response{Status: 502}, want: "HTTP 502", failed: true},
		{answer: httpsink.Response{Status: 503}, want: "HTTP 503", failed: true},
		{answer: httpsink.Response{Status: 504}, want: "HTTP 504", failed: true},
		{answer: httpsink.Response{Status: 400}, want: "takes Teams webhook requests", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 401}, want: "Copy the URL of the workflow again", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 403}, want: "let anyone trigger it", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 404, Body: `{"error":{"code":"WorkflowTriggerIsNotEnabled"}}`}, want: "WorkflowTriggerIsNotEnabled\"}}. The workflow is switched off or deleted", failed: true, permanent: true},
		{answer: httpsink.Response{Status: 307, Header: http.Header{"Location": {"https://evil.example/"}}}, want: "HTTP 307", failed: true, permanent: true},
	} {
		_, settings := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		receipt, err := open(t, settings).Notify(t.Context(), ops, notifiertest.Message("k"))
		said := receipt.Answer.String()
		if err != nil {
			said = err.Error()
		}
		if (err != nil) != test.failed || !strings.Contains(said, test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%+v: got %q, %v, permanent %v, a pause of %v", test.answer, said, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

// The signature covers the URL as it was made: no byte of it changes.
func TestURLStaysAsItIs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	lines := make(chan string, 2)
	go func() {
		defer close(lines)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for range 2 { // the request line and, first of the headers, Host
			line, _ := reader.ReadString('\n')
			lines <- strings.TrimSpace(line)
		}
	}()
	url := "http://" + listener.Addr().String() + path
	_, _ = open(t, teams.Settings{URL: opaque.NewSecret(url)}).Notify(t.Context(), ops, notifiertest.Message("k"))
	if got, want := <-lines, "POST "+path+" HTTP/1.1"; got != want {
		t.Errorf("the request line is\n%s\nwant\n%s", got, want)
	}
	if got, want := <-lines, "Host: "+listener.Addr().String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nobody is called for what is over, and for a test.
func TestMentions(t *testing.T) {
	for _, m := range notifiertest.Messages() {
		body, _ := send(t, ops, m)
		calls := len(m.Items) == 1 && !m.Items[0].Ends() && m.Items[0].Transition != notifiers.Acknowledged
		if strings.Contains(string(body), "anna@example.net") != calls {
			t.Errorf("%s: %s", m.Key, body)
		}
	}
}

func TestTargets(t *testing.T) {
	bert := `{"id":"0c6a3a1e-5f4e-4f0a-9d5b-2f6f4a1f0001","name":"Bert Muster"}`
	both, err := teams.NewTarget([]string{bert, anna})
	if err != nil || both.String() != "0c6a3a1e-5f4e-4f0a-9d5b-2f6f4a1f0001, anna@example.net" {
		t.Errorf("got %q, %v", both, err)
	}
	if other, err := teams.NewTarget([]string{anna, bert}); err != nil || other != both {
		t.Errorf("the order makes a difference: %v, %v", other, err)
	}
	if nobody, err := teams.NewTarget(nil); err != nil || nobody.String() != "" {
		t.Errorf("got %q, %v", nobody, err)
	}
	for want, people := range map[string][]string{
		"needs the id":   {`{"id":"","name":"Anna"}`},
		"needs the name": {`{"id":"anna","name":"</at>"}`},
		"more than 100":  {`{"id":"anna","name":"` + strings.Repeat("a", 101) + `"}`},
		"at most 10":     slices.Repeat([]string{anna}, 11),
	} {
		if _, err := teams.NewTarget(people); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "mention") {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"": "url is missing",
		"https://example.webhook.office.com/webhookb2/" + canary: "Microsoft has switched connectors off: make a workflow",
		"https://outlook.office.com/webhook/" + canary:           "Microsoft has switched connectors off: make a workflow",
		"http://prod.logic.azure.com/" + canary:                  "url: http:// is for loopback",
		"ftp://prod.logic.azure.com/" + canary:                   "url: it has to begin with https",
	} {
		settings := teams.Settings{}
		if url != "" {
			settings.URL = opaque.NewSecret(url)
		}
		_, err := settings.Open()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	n := open(t, teams.Settings{URL: opaque.NewSecret("https://default0a1b.2c.environment.api.powerplatform.com:443" + path)})
	if n == nil {
		t.Error("the URL of a workflow was refused")
	}
}
