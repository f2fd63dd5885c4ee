package jsm_test

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
	"github.com/imapvigil/imapvigil/notifiers/jsm"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `hunter2"+%/canary`

func start(t *testing.T) (*httpsink.Sink, *fake, jsm.Settings) {
	t.Helper()
	f := newFake(canary)
	sink, err := httpsink.Start(httpsink.Options{Answer: f.answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, f, jsm.Settings{APIKey: opaque.NewSecret(canary), APIURL: sink.URL() + "/jsm/"}
}

func open(t *testing.T, settings jsm.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// wanted is a target with all that there can be.
func wanted(t testing.TB) jsm.Target {
	t.Helper()
	target, err := jsm.NewTarget(map[string]string{"degraded": "P4"}, []string{"mail", "imap"}, []string{"user:anna@example.net", "team:Mail"})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

func conform(t *testing.T) notifiertest.Channel {
	sink, _, settings := start(t)
	return notifiertest.Channel{
		Settings: settings, Target: wanted(t),
		Written: notifiers.Values{
			"priority": {Map: map[string]string{"degraded": "P4"}}, "tags": {List: []string{"mail", "imap"}},
			"responders": {List: []string{"user:anna@example.net", "team:Mail"}},
		},
		// The service knows incidents by their alias, and messages by nothing.
		Canary: canary, Pause: 30 * time.Second, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Read: read, Accept: accepted,
			Refuse: func(text string) httpsink.Response {
				return unprocessable(map[string]string{text: text})
			},
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: inJSON(http.StatusAccepted, map[string]any{"message": "Could not authenticate"}),
			},
		},
	}
}

// read returns a request as the receiver gets it. The end of a test shows nobody anything.
func read(r httpsink.Request) notifiertest.Received {
	if strings.HasPrefix(r.Path, "/jsm/v2/alerts/imapvigil%2Fkey-") {
		return notifiertest.Received{}
	}
	var a created
	if decode(r.Body, &a) == nil && a.Message != "" {
		texts := append([]string{a.Message, a.Alias, a.Description, a.Entity, a.Source, a.Priority}, a.Tags...)
		for name, text := range a.Details {
			texts = append(texts, name, text)
		}
		return notifiertest.Received{Text: strings.Join(texts, "\n")}
	}
	var n noted
	if err := decode(r.Body, &n); err != nil {
		panic(err) // it was taken
	}
	return notifiertest.Received{Text: r.Path + "\n" + n.Source + "\n" + n.Note}
}

// compose sends a message, and returns the paths and bodies of what was sent for it.
func compose(t *testing.T, target jsm.Target, m notifiers.Message) string {
	t.Helper()
	sink, _, settings := start(t)
	if _, err := open(t, settings).Notify(t.Context(), target, m); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, r := range sink.Requests() {
		all.WriteString(r.Method + " " + r.Path + "\n")
		if err := json.Indent(&all, r.Body, "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// The requests of every kind of message, whole.
func TestRequests(t *testing.T) {
	for _, m := range notifiertest.Messages() {
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".txt", compose(t, wanted(t), m))
	}
}

// Words of others stay words.
func TestHostileWords(t *testing.T) {
	m := notifiertest.Message("hostile")
	in := &m.Items[0].Incident
	in.ID = "../../x?y=1#" // ids are ours, and a slash is none of the path all the same
	in.Evidence = opaque.Sanitise("* BYE @all " + notifiertest.HostileWords)
	in.Label, in.Groups = "<b>x</b> `y`\r\nz", []string{"a\nb" + notifiertest.HostileWords}
	in.Description, in.Runbook = "<b>bold</b>\n[x](https://evil.example)", "https://wiki.example.org/\r\nx y"
	golden.Compare(t, "testdata/hostile.txt", compose(t, jsm.Target{}, m))
	m.Items[0].Transition, in.State, in.ClosedAs = notifiers.Closed, "closed", "recovered"
	golden.Compare(t, "testdata/hostile-closed.txt", compose(t, jsm.Target{}, m))
}

// What has no end is cut where the service would refuse it; the headline stays.
func TestLongWords(t *testing.T) {
	m := notifiertest.Message("long")
	in := &m.Items[0].Incident
	long := strings.Repeat("ä𝕏 ", 100_000)
	in.Evidence = opaque.Sanitise(long)
	for _, field := range []*string{
		&in.Description, &in.Hint, &in.Label, &in.CauseText, &in.Host, &in.Runbook, &in.URL, &in.Cause, &in.Server, &in.Phase, &m.Monitor,
	} {
		*field = long
	}
	in.Groups = []string{long}
	if body := compose(t, wanted(t), m); !strings.Contains(body, `"message": "DOWN mx1/office`) {
		t.Errorf("%.2000s", body)
	}
}

// An incident of which nothing is known is an alert, too.
func TestEmptyIncident(t *testing.T) {
	compose(t, jsm.Target{}, notifiers.Message{Key: "k", Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: notifiers.Incident{ID: "i"}}}})
}

// An incident opens, gets worse, is acknowledged, ends and comes back, while the service is busy, has
// troubles and lies at every step: whoever tries again until it is accepted has the right state there.
// The priority is that of the beginning.
func TestLifeOfAnIncident(t *testing.T) {
	sink, f, settings := start(t)
	n := open(t, settings)
	const alias = "imapvigil/01JD6Z"
	faults := []httpsink.Behaviour{
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusTooManyRequests}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusBadGateway, Body: "<html>"}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusOK, Body: `{"requestId":"x"}`}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusAccepted}},
		{Do: httpsink.Drop},
	}
	var first notifiers.Receipt
	for _, step := range []struct {
		transition notifiers.Transition
		severity   string
		want       kept
	}{
		{notifiers.Opened, "degraded", kept{state: "open", priority: "P4", count: 1}},
		{notifiers.Changed, "down", kept{state: "open", priority: "P4", count: 2}},
		{notifiers.Acknowledged, "down", kept{state: "acknowledged", priority: "P4", count: 2}},
		{notifiers.Reminder, "down", kept{state: "acknowledged", priority: "P4", count: 3}},
		{notifiers.Closed, "down", kept{state: "closed", priority: "P4", count: 3}},
		{notifiers.Closed, "down", kept{state: "closed", priority: "P4", count: 3}},
	} {
		m := notifiertest.Message("k")
		m.Items[0].Transition, m.Items[0].Incident.Severity, m.Items[0].Thread.First = step.transition, step.severity, first
		for _, fault := range faults {
			sink.Behave(fault)
			if receipt, err := n.Notify(t.Context(), wanted(t), m); err == nil || notifiers.IsPermanent(err) {
				t.Errorf("%s came to %q, %v", step.transition, receipt.Answer, err)
			}
		}
		sink.Behave(httpsink.Behaviour{})
		receipt, err := n.Notify(t.Context(), wanted(t), m)
		if err != nil || !strings.HasPrefix(receipt.Answer.String(), "accepted (202), request 43a29c5c") {
			t.Fatalf("%q, %v", receipt.Answer, err)
		}
		if first.Thread == "" {
			first = receipt
		}
		got := f.alert(alias)
		got.notes = nil
		if got.state != step.want.state || got.priority != step.want.priority || got.count != step.want.count {
			t.Errorf("after %s it is %+v, want %+v", step.transition, got, step.want)
		}
	}
	if open := f.open(); open != nil {
		t.Errorf("%v are open in the end", open)
	}
}

// A priority that was not written by this channel says nothing.
func TestForeignThreads(t *testing.T) {
	for _, thread := range []string{"P6", "P1\n", "p2", "../x", ""} {
		m := notifiertest.Message("k")
		m.Items[0].Thread.First = notifiers.Receipt{Thread: thread}
		if body := compose(t, jsm.Target{}, m); !strings.Contains(body, `"priority": "P1"`) {
			t.Errorf("%q: %s", thread, body)
		}
	}
}

// A test is an alert, and leaves nothing open.
func TestTestLeavesNothing(t *testing.T) {
	_, f, settings := start(t)
	m := notifiertest.Message("iv_test_1")
	m.Items = nil
	if _, err := open(t, settings).Notify(t.Context(), wanted(t), m); err != nil {
		t.Fatal(err)
	}
	if got := f.alert("imapvigil/iv_test_1"); got.state != "closed" || got.priority != "P5" || got.count != 1 {
		t.Errorf("%+v", got)
	}
}

// Each answer that the service can give.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		response  httpsink.Response
		err       string // empty: delivered
		permanent bool
		wait      time.Duration
	}{
		"accepted":         {response: accepted("Request will be processed")},
		"not 202":          {response: inJSON(200, map[string]any{"requestId": "x"}), err: "no requestId"},
		"no request":       {response: inJSON(202, map[string]any{"result": "Request will be processed"}), err: "no requestId"},
		"empty":            {response: httpsink.Response{Status: 202}, err: "no requestId"},
		"portal":           {response: httpsink.Response{Status: 200, Body: "<html>"}, err: "no requestId"},
		"unprocessable":    {response: unprocessable(map[string]string{"message": "Message can not be empty.", "alias": "x"}), err: "check the errors.; alias: x; message: Message can not", permanent: true},
		"bad request":      {response: inJSON(400, map[string]any{"message": "Invalid json"}), err: "Invalid json", permanent: true},
		"wrong key":        {response: inJSON(401, map[string]any{"message": "Could not authenticate"}), err: "Could not authenticate", permanent: true},
		"forbidden":        {response: httpsink.Response{Status: 403, Body: "You are not authorized"}, err: "You are not authorized", permanent: true},
		"not found":        {response: httpsink.Response{Status: 404}, err: "HTTP 404", permanent: true},
		"too many":         {response: inJSON(429, map[string]any{"message": "You are making too many requests!"}), err: "HTTP 429", wait: 30 * time.Second},
		"too many for 90s": {response: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"90"}}}, err: "HTTP 429", wait: 90 * time.Second},
		"trouble":          {response: inJSON(500, map[string]any{"message": "Internal Server Error"}), err: "HTTP 500"},
		"maintenance":      {response: httpsink.Response{Status: 503}, err: "HTTP 503"},
		"too slow":         {response: httpsink.Response{Status: 504}, err: "HTTP 504"},
	} {
		t.Run(name, func(t *testing.T) {
			sink, _, settings := start(t)
			sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: c.response})
			_, err := open(t, settings).Notify(t.Context(), jsm.Target{}, notifiertest.Message("k"))
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			if notifiers.IsPermanent(err) != c.permanent || notifiers.Wait(err) != c.wait {
				t.Errorf("permanent %v, wait %s of %v", notifiers.IsPermanent(err), notifiers.Wait(err), err)
			}
		})
	}
}

func TestOneIncidentAMessage(t *testing.T) {
	_, _, settings := start(t)
	m := notifiertest.Message("k")
	m.Items = append(m.Items, m.Items[0])
	if _, err := open(t, settings).Notify(t.Context(), jsm.Target{}, m); !notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestTargets(t *testing.T) {
	for want, c := range map[string]struct {
		priority         map[string]string
		tags, responders []string
	}{
		`priority: "up" is no state`:              {priority: map[string]string{"up": "P1"}},
		`priority: that of down must be P1`:       {priority: map[string]string{"down": "1"}},
		`tags: an alert has at most 20`:           {tags: make([]string, 21)},
		`tags: "" must have 1 to 50`:              {tags: []string{""}},
		`responders: an alert has at most 50`:     {responders: make([]string, 51)},
		`responders: write "Mail" as`:             {responders: []string{"Mail"}},
		`responders: write "user:anna" as`:        {responders: []string{"user:anna"}},
		`responders: write "team:" as`:            {responders: []string{"team:"}},
		`responders: write "group:Operations" as`: {responders: []string{"group:Operations"}},
	} {
		if _, err := jsm.NewTarget(c.priority, c.tags, c.responders); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	// The same in another order is the same.
	names := []string{"user:anna@example.net", "team:Mail"}
	slices.Reverse(names)
	again, err := jsm.NewTarget(map[string]string{"degraded": "P4"}, []string{"imap", "mail"}, names)
	if err != nil || again != wanted(t) || again.String() != "team:Mail,user:anna@example.net" {
		t.Errorf("%q, %v", again, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret(canary)
	for want, settings := range map[string]jsm.Settings{
		"api_key is missing":    {},
		"api_key: it has a":     {APIKey: opaque.NewSecret("hunter2-canary\nx")},
		"api_url: http:// is":   {APIKey: secret, APIURL: "http://jsm.example.net"},
		"api_url: it names no ": {APIKey: secret, APIURL: "api.atlassian.com"},
	} {
		_, err := settings.Open()
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
