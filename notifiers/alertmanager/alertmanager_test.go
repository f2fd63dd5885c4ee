package alertmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/alertmanager"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `hunter2"+%/canary`

// start starts Alertmanagers, and returns settings that lead to all of them.
func start(t *testing.T, fakes ...*fake) ([]*httpsink.Sink, alertmanager.Settings) {
	t.Helper()
	var sinks []*httpsink.Sink
	var urls []string
	for _, f := range fakes {
		sink, err := httpsink.Start(httpsink.Options{Answer: f.answer})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sink.Close() })
		sinks, urls = append(sinks, sink), append(urls, sink.URL())
	}
	return sinks, alertmanager.Settings{URLs: opaque.NewSecret(notifiers.JoinList(urls)), Resend: time.Minute}
}

func open(t *testing.T, settings alertmanager.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

var mailTeam = alertmanager.Target{Labels: `{"team":"mail"}`}

// The secret is a password, a token, or a part of a URL.
func TestConformance(t *testing.T) {
	for name, hide := range secrets {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, func(t *testing.T) notifiertest.Channel { return conform(t, hide) })
		})
	}
}

func FuzzAnswers(f *testing.F) {
	notifiertest.FuzzAnswers(f, func(t *testing.T) notifiertest.Channel { return conform(t, secrets["token"]) })
}

var secrets = map[string]func(*alertmanager.Settings){
	"password": func(s *alertmanager.Settings) { s.Username, s.Password = "vigil", opaque.NewSecret(canary) },
	"token":    func(s *alertmanager.Settings) { s.Token = opaque.NewSecret(canary) },
}

func conform(t *testing.T, hide func(*alertmanager.Settings)) notifiertest.Channel {
	sinks, settings := start(t, newFake())
	hide(&settings)
	const silent = "Alertmanager answers with status 200 and nothing else"
	return notifiertest.Channel{
		Settings: settings, Target: mailTeam, Written: notifiers.Values{"labels": {Map: map[string]string{"team": "mail"}}},
		Canary: canary, Pause: notifiertest.Pause,
		Trusts: map[notifiertest.Fault]string{notifiertest.Mute: silent},
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sinks[0], Read: read,
			Refuse: func(text string) httpsink.Response { return quoted(http.StatusBadRequest, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Lie: {Status: http.StatusOK, Body: `{"status":"error","error":"v1 is gone"}`},
			},
		},
		Keyless: true,
	}
}

func read(r httpsink.Request) notifiertest.Received {
	var texts []string
	for _, a := range parse(r) {
		for _, set := range []map[string]string{a.Labels, a.Annotations} {
			for name, text := range set {
				texts = append(texts, name+": "+text)
			}
		}
	}
	return notifiertest.Received{Text: strings.Join(texts, "\n")}
}

func parse(r httpsink.Request) (list []posted) {
	if err := json.Unmarshal(r.Body, &list); err != nil {
		panic(err) // it was taken
	}
	return list
}

// at is when the messages of the suite are sent.
var at = notifiertest.Message("").At.Add(2 * time.Second)

// The alerts of every kind of message, whole.
func TestAlerts(t *testing.T) {
	for _, m := range notifiertest.Messages() {
		golden.Compare(t, "testdata/"+strings.TrimPrefix(m.Key, "key-")+".json", alertmanager.Compose(mailTeam, m, at, false))
	}
}

// Words of others stay words: they call nobody in the chats that Alertmanager writes to, and are
// one line where that is expected.
func TestHostileWords(t *testing.T) {
	m := notifiertest.Message("hostile")
	in := &m.Items[0].Incident
	in.Evidence = opaque.Sanitise("* BYE @channel " + notifiertest.HostileWords)
	in.Label, in.Groups = "{{ .CommonLabels }} `x` *y*\r\nz", []string{"a\nb", notifiertest.HostileWords}
	in.Description, in.Runbook = "<b>bold</b>\n[x](https://evil.example)", "https://wiki.example.org/\r\nx y"
	golden.Compare(t, "testdata/hostile.json", alertmanager.Compose(mailTeam, m, at, false))
}

// What has no end is cut, and a message stays far below what proxies let through; the headline and
// the links are whole.
func TestLongWords(t *testing.T) {
	m := notifiertest.Message("long")
	in := &m.Items[0].Incident
	long := strings.Repeat("ä1 ", 100_000)
	in.Evidence = opaque.Sanitise(long)
	for _, field := range []*string{&in.Description, &in.Hint, &in.Label, &in.CauseText} {
		*field = long
	}
	in.Groups = []string{long}
	var list []posted
	body := alertmanager.Compose(mailTeam, m, at, false)
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	a := list[0]
	if len(body) > 30_000 || len(a.Labels["group"]) > 1000 || a.Annotations["runbook_url"] != in.Runbook || a.GeneratorURL != in.URL {
		t.Errorf("%d bytes: %.2000s", len(body), body)
	}
	if f := newFake(); f.fault(&a) != "" {
		t.Error(f.fault(&a))
	}
}

// An incident of which nothing is known is an alert, too.
func TestEmptyIncident(t *testing.T) {
	var list []posted
	m := notifiers.Message{Key: "k", At: at, Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: notifiers.Incident{ID: "i"}}}}
	if err := json.Unmarshal([]byte(alertmanager.Compose(alertmanager.Target{}, m, at, false)), &list); err != nil {
		t.Fatal(err)
	}
	if fault := newFake().fault(&list[0]); fault != "" {
		t.Error(fault)
	}
}

// tell sends a message about the incident of the suite, and returns the receipt of it.
func tell(t *testing.T, n notifiers.Notifier, transition notifiers.Transition, severity string, last notifiers.Receipt) notifiers.Receipt {
	t.Helper()
	r, err := n.Notify(t.Context(), mailTeam, about(transition, severity, last))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func about(transition notifiers.Transition, severity string, last notifiers.Receipt) notifiers.Message {
	m := notifiertest.Message("k-" + string(transition))
	item := &m.Items[0]
	item.Transition, item.Incident.Severity, item.Thread.Last = transition, severity, last
	if transition == notifiers.Closed {
		item.Incident.State, item.Incident.ClosedAs, item.Incident.EndedAt = "closed", "recovered", time.Now().Add(-time.Second)
	}
	return m
}

const (
	critical = "ImapService critical imapvigil/01JD6Z"
	warning  = "ImapService warning imapvigil/01JD6Z"
)

func expectFiring(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if got := f.firing(); !slices.Equal(got, want) {
		t.Errorf("firing: %q, want %q", got, want)
	}
}

// An incident opens, gets worse, and ends: at any time one alert fires, and in the end none.
func TestLifeOfAnIncident(t *testing.T) {
	f := newFake()
	_, settings := start(t, f)
	n := open(t, settings)
	last := tell(t, n, notifiers.Opened, "degraded", notifiers.Receipt{})
	expectFiring(t, f, warning)
	last = tell(t, n, notifiers.Reminder, "degraded", last)
	expectFiring(t, f, warning)
	last = tell(t, n, notifiers.Changed, "down", last)
	expectFiring(t, f, critical)
	last = tell(t, n, notifiers.Closed, "down", last)
	expectFiring(t, f)
	// It comes back less bad than it was.
	last = tell(t, n, notifiers.Opened, "degraded", last)
	expectFiring(t, f, warning)
	tell(t, n, notifiers.Closed, "degraded", last)
	expectFiring(t, f)
}

// The answer to a change was lost, and the incident ends: both alerts do.
func TestAnEndResolvesWhatMayHaveArrived(t *testing.T) {
	f := newFake()
	_, settings := start(t, f)
	n := open(t, settings)
	opened := tell(t, n, notifiers.Opened, "degraded", notifiers.Receipt{})
	tell(t, n, notifiers.Changed, "down", opened)
	tell(t, n, notifiers.Closed, "down", opened)
	expectFiring(t, f)
}

// What is repeated is what was told: also when the incident has got worse since, which must not be
// told just now. Its end is repeated as an end.
func TestResendTellsNothingNew(t *testing.T) {
	f := newFake()
	_, settings := start(t, f)
	n := open(t, settings)
	repeat := n.(notifiers.BatchResender)
	opened := tell(t, n, notifiers.Opened, "degraded", notifiers.Receipt{})
	f.forget() // it restarts
	if err := repeat.Resend(t.Context(), mailTeam, []notifiers.Message{about(notifiers.Opened, "down", opened)}); err != nil {
		t.Fatal(err)
	}
	expectFiring(t, f, warning)
	changed := tell(t, n, notifiers.Changed, "down", opened)
	if err := repeat.Resend(t.Context(), mailTeam, []notifiers.Message{about(notifiers.Changed, "degraded", changed)}); err != nil {
		t.Fatal(err)
	}
	expectFiring(t, f, critical)
	closed := about(notifiers.Closed, "down", changed)
	if err := repeat.Resend(t.Context(), mailTeam, []notifiers.Message{closed}); err != nil {
		t.Fatal(err)
	}
	expectFiring(t, f)
}

// A thread that was not written by this channel says nothing.
func TestForeignThreads(t *testing.T) {
	for _, thread := range []string{"firing/info", "firing/critical\n", "FIRING/critical", "/", "critical", `firing/critical"`} {
		m := about(notifiers.Changed, "degraded", notifiers.Receipt{Thread: thread})
		var list []posted
		if err := json.Unmarshal([]byte(alertmanager.Compose(mailTeam, m, at, false)), &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 {
			t.Errorf("%q makes %d alerts", thread, len(list))
		}
	}
}

// Ten thousand open incidents are some requests, none of them too large for a proxy.
func TestResendInParts(t *testing.T) {
	f := newFake()
	sinks, settings := start(t, f)
	var messages []notifiers.Message
	for range 2_000 {
		m := about(notifiers.Opened, "down", notifiers.Receipt{})
		m.Items[0].Incident.ID += string(rune('A'+len(messages)/26/26)) + string(rune('a'+len(messages)/26%26)) + string(rune('a'+len(messages)%26))
		messages = append(messages, m)
	}
	if err := open(t, settings).(notifiers.BatchResender).Resend(t.Context(), mailTeam, messages); err != nil {
		t.Fatal(err)
	}
	if n := len(f.firing()); n != len(messages) {
		t.Errorf("%d of %d fire", n, len(messages))
	}
	requests := sinks[0].Requests()
	for _, r := range requests {
		if len(r.Body) > 500_000 {
			t.Errorf("a request of %d bytes", len(r.Body))
		}
	}
	if n := len(requests); n < 2 || n > 20 {
		t.Errorf("%d requests", n)
	}
}

// A test fires, and ends by itself.
func TestTestAlertEnds(t *testing.T) {
	f := newFake()
	_, settings := start(t, f)
	m := notifiertest.Message("iv_test_1")
	m.Items = nil
	if _, err := open(t, settings).Notify(t.Context(), alertmanager.Target{}, m); err != nil {
		t.Fatal(err)
	}
	expectFiring(t, f, "ImapvigilTest info imapvigil/iv_test_1")
	f.now = func() time.Time { return time.Now().Add(61 * time.Second) }
	expectFiring(t, f)
}

// Each answer that Alertmanager, or what stands in front of it, can give.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		response  httpsink.Response
		err       string // empty: delivered
		permanent bool
		wait      time.Duration
	}{
		"taken":                 {response: httpsink.Response{Status: 200}},
		"taken, with a newline": {response: httpsink.Response{Status: 200, Body: "\n"}},
		"v1":                    {response: httpsink.Response{Status: 200, Body: `{"status":"success"}`}, err: "not empty with status 200"},
		"another success":       {response: httpsink.Response{Status: 204}, err: "not empty with status 200"},
		"refused":               {response: quoted(400, "start time must be before end time"), err: "start time must be before end time", permanent: true},
		"not logged in":         {response: httpsink.Response{Status: 401}, err: "HTTP 401", permanent: true},
		"forbidden":             {response: httpsink.Response{Status: 403}, err: "HTTP 403", permanent: true},
		"v1 only":               {response: httpsink.Response{Status: 404}, err: "HTTP 404", permanent: true},
		"gone":                  {response: httpsink.Response{Status: 410, Body: "v1 is removed"}, err: "v1 is removed", permanent: true},
		"too large":             {response: httpsink.Response{Status: 413}, err: "HTTP 413", permanent: true},
		"too many":              {response: httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"1.5"}}}, err: "HTTP 429", wait: 2 * time.Second},
		"trouble":               {response: quoted(500, "disk full"), err: "disk full"},
		"proxy":                 {response: httpsink.Response{Status: 502}, err: "HTTP 502"},
		"starting":              {response: httpsink.Response{Status: 503}, err: "HTTP 503"},
	} {
		t.Run(name, func(t *testing.T) {
			sinks, settings := start(t, newFake())
			sinks[0].Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: c.response})
			_, err := open(t, settings).Notify(t.Context(), mailTeam, notifiertest.Message("k"))
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			if notifiers.IsPermanent(err) != c.permanent || notifiers.Wait(err) != c.wait {
				t.Errorf("permanent %v, wait %s of %v", notifiers.IsPermanent(err), notifiers.Wait(err), err)
			}
		})
	}
}

// One instance of two is enough, and the receipt says which; the other learns it with the next
// repetition.
func TestTwoInstances(t *testing.T) {
	one, two := newFake(), newFake()
	sinks, settings := start(t, one, two)
	n := open(t, settings)
	names := []string{strings.TrimPrefix(sinks[0].URL(), "http://"), strings.TrimPrefix(sinks[1].URL(), "http://")}
	receipt := tell(t, n, notifiers.Opened, "down", notifiers.Receipt{})
	if got, want := receipt.Answer.String(), "accepted by "+names[0]+", "+names[1]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	two.forget()
	sinks[1].Behave(httpsink.Behaviour{Do: httpsink.Drop})
	receipt = tell(t, n, notifiers.Reminder, "down", receipt)
	if got, want := receipt.Answer.String(), "accepted by "+names[0]+"; not by "+names[1]+": "; !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	expectFiring(t, two)
	sinks[1].Behave(httpsink.Behaviour{})
	if err := n.(notifiers.BatchResender).Resend(t.Context(), mailTeam, []notifiers.Message{about(notifiers.Opened, "down", receipt)}); err != nil {
		t.Fatal(err)
	}
	expectFiring(t, one, critical)
	expectFiring(t, two, critical)
}

// When no instance takes an alert, it is given up only if none would take it later.
func TestTwoInstancesFail(t *testing.T) {
	busy := func(seconds string) httpsink.Response {
		return httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {seconds}}}
	}
	for name, c := range map[string]struct {
		answers   [2]httpsink.Response
		permanent bool
		wait      time.Duration
	}{
		"both refuse":           {answers: [2]httpsink.Response{quoted(400, "no"), quoted(400, "no")}, permanent: true},
		"one has trouble":       {answers: [2]httpsink.Response{quoted(400, "no"), quoted(500, "oops")}},
		"one is busy":           {answers: [2]httpsink.Response{busy("20"), quoted(400, "no")}, wait: 20 * time.Second},
		"both are busy":         {answers: [2]httpsink.Response{busy("20"), busy("10")}, wait: 10 * time.Second},
		"one may be asked soon": {answers: [2]httpsink.Response{busy("20"), quoted(500, "oops")}},
	} {
		sinks, settings := start(t, newFake(), newFake())
		for i := range sinks {
			sinks[i].Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: c.answers[i]})
		}
		_, err := open(t, settings).Notify(t.Context(), mailTeam, notifiertest.Message("k"))
		if err == nil || notifiers.IsPermanent(err) != c.permanent || notifiers.Wait(err) != c.wait {
			t.Errorf("%s: got %v (permanent %v, wait %s)", name, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

func TestOneIncidentAMessage(t *testing.T) {
	_, settings := start(t, newFake())
	m := notifiertest.Message("k")
	m.Items = append(m.Items, m.Items[0])
	if _, err := open(t, settings).Notify(t.Context(), mailTeam, m); !notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	secret := opaque.NewSecret(canary)
	urls := func(list ...string) opaque.Secret { return opaque.NewSecret(notifiers.JoinList(list)) }
	for want, settings := range map[string]alertmanager.Settings{
		"urls is missing":             {},
		"urls: it has to begin":       {URLs: urls("ftp://am.example.net/hunter2")},
		"without /api/v2/alerts":      {URLs: urls("https://am.example.net/api/v2/alerts")},
		"could be read on the":        {URLs: urls("http://am.example.net"), Token: secret},
		"token: write either":         {URLs: urls("https://am.example.net"), Token: secret, Username: "u", Password: secret},
		"username: it needs password": {URLs: urls("https://am.example.net"), Password: secret},
		"username: it must not have":  {URLs: urls("https://am.example.net"), Username: "a:b", Password: secret},
		"ca_file":                     {URLs: urls("https://am.example.net"), CA: "nothing"},
	} {
		_, err := settings.Open()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		`"a-b" is not the name`:             {"a-b": "x"},
		`"" is not the name`:                {"": "x"},
		`"__name__" begins with __`:         {"__name__": "x"},
		`"severity" is a label that`:        {"severity": "page"},
		`"team" is empty`:                   {"team": " "},
		`"ä" is not the name of a label: i`: {"ä": "x"},
	} {
		if _, err := alertmanager.NewTarget(labels); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "labels: ") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	target, err := alertmanager.NewTarget(map[string]string{"team": "mail", "env": "prod"})
	if err != nil || target.String() != "env=prod,team=mail" {
		t.Errorf("%q, %v", target, err)
	}
	if none, err := alertmanager.NewTarget(nil); err != nil || none.String() != "" {
		t.Errorf("%q, %v", none, err)
	}
}

// An instance that hangs holds up neither the receipt of the others for long, nor what is
// cut short.
func TestAnInstanceThatHangs(t *testing.T) {
	sinks, settings := start(t, newFake(), newFake())
	sinks[1].Behave(httpsink.Behaviour{Do: httpsink.Stall})
	began := time.Now()
	receipt, err := open(t, settings).Notify(t.Context(), mailTeam, notifiertest.Message("k"))
	if err != nil || !strings.Contains(receipt.Answer.String(), "no answer within 5s") {
		t.Errorf("%q, %v", receipt.Answer, err)
	}
	if took := time.Since(began); took < alertmanager.OthersMayTake {
		t.Errorf("it had %s", took)
	}
	sinks[0].Behave(httpsink.Behaviour{Do: httpsink.Stall})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := open(t, settings).Notify(ctx, mailTeam, notifiertest.Message("k"))
		failed <- err
	}()
	<-sinks[0].Reached()
	cancel()
	if err := <-failed; !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}

// What is repeated ends with its context, and shows no secret, whatever the server does.
func TestResendEndsAndKeepsSecrets(t *testing.T) {
	sinks, settings := start(t, newFake())
	settings.Token = opaque.NewSecret(canary)
	n := open(t, settings).(notifiers.BatchResender)
	messages := []notifiers.Message{about(notifiers.Opened, "down", notifiers.Receipt{})}
	for _, behaviour := range []httpsink.Behaviour{
		{Do: httpsink.Mirror},
		{Do: httpsink.Drop},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: 200, Body: "<html>"}},
		{Do: httpsink.Answer, Response: httpsink.Response{Status: 301, Header: http.Header{"Location": {"https://evil.example/"}}}},
	} {
		sinks[0].Behave(behaviour)
		if err := n.Resend(t.Context(), mailTeam, messages); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	sinks[0].Behave(httpsink.Behaviour{Do: httpsink.Stall})
	for range len(sinks[0].Reached()) {
		<-sinks[0].Reached()
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- n.Resend(ctx, mailTeam, messages) }()
	<-sinks[0].Reached()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := n.Resend(ctx, mailTeam, messages); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context it came to %v", err)
	}
}
