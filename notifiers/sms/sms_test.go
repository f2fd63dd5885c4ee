package sms_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/sms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "hunter2-canary"

var phone = sms.Target{To: "+15550100"}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

func open(t *testing.T, settings sms.Settings) notifiers.Notifier {
	t.Helper()
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func twilio(url string) sms.Settings {
	return sms.Settings{Provider: "twilio", AccountSID: "AC0123", AuthToken: opaque.NewSecret(canary), From: "+15550199", BaseURL: url}
}

// gateway has the canary in its body.
func gateway(url string) sms.Settings {
	return sms.Settings{
		Provider: "http", URL: opaque.NewSecret(url + "/send"), From: "vigil",
		Headers: httpdo.JoinHeaders(map[string]string{"Content-Type": "application/json"}),
		Body:    opaque.NewSecret(`{"apikey": "` + canary + `", "to": "{to}", "text": "{text}", "id": "{key}"}`),
	}
}

func TestConformanceTwilio(t *testing.T) { notifiertest.Run(t, conformTwilio) }

func FuzzTwilioAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conformTwilio) }

func conformTwilio(t *testing.T) notifiertest.Channel {
	sink := start(t, httpsink.Twilio)
	return notifiertest.Channel{
		Settings: twilio(sink.URL()), Target: phone, Written: notifiers.Values{"to": {List: []string{"+15550109", phone.String()}}}, Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{Sink: sink, Read: func(r httpsink.Request) notifiertest.Received {
			return notifiertest.Received{Text: form(t, r).Get("Body")}
		}, Accept: func(text string) httpsink.Response {
			body, _ := json.Marshal(map[string]string{"sid": text})
			return httpsink.Response{Status: http.StatusCreated, Body: string(body)}
		}, Refuse: twilioRefusal, Answers: map[notifiertest.Fault]httpsink.Response{notifiertest.Lie: {Status: http.StatusOK, Body: twilioRefusal("no").Body}}},
	}
}

func twilioRefusal(text string) httpsink.Response {
	body, _ := json.Marshal(map[string]any{"code": 21211, "message": text, "status": http.StatusBadRequest})
	return httpsink.Response{Status: http.StatusBadRequest, Body: string(body)}
}

// The secret may be anywhere in the templates.
func TestConformanceHTTP(t *testing.T) {
	for name, hide := range map[string]func(*sms.Settings){
		"json": func(*sms.Settings) {},
		"form": func(s *sms.Settings) {
			s.Headers, s.Body = opaque.Secret{}, opaque.NewSecret("apikey="+canary+"&to={to}&text={text}&id={key}")
		},
		"text": func(s *sms.Settings) {
			s.Headers = httpdo.JoinHeaders(map[string]string{"Content-Type": "text/plain"})
			s.Body = opaque.NewSecret("key " + canary + "\nto={to}&text={text}&id={key}")
		},
		"url": func(s *sms.Settings) {
			s.Method, s.Headers, s.Body = "GET", opaque.Secret{}, opaque.Secret{}
			s.URL = opaque.NewSecret(s.URL.Reveal() + "/" + canary + "?apikey=" + canary + "&to={to}&text={text}&id={key}")
		},
		"header": func(s *sms.Settings) {
			s.Headers = httpdo.JoinHeaders(map[string]string{"Authorization": "Basic " + canary})
			s.Body = opaque.NewSecret("to={to}&text={text}&id={key}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
				sink := start(t, nil)
				settings := gateway(sink.URL())
				hide(&settings)
				return notifiertest.Channel{
					Settings: settings, Target: phone, Written: notifiers.Values{"to": {List: []string{"+15550109", phone.String()}}}, Canary: canary, Pause: notifiertest.Pause,
					Trusts:   notifiertest.TrustsAnything("a gateway of which nothing is known but what success says"),
					Receiver: &notifiertest.HTTPReceiver{Sink: sink, Read: func(r httpsink.Request) notifiertest.Received { return read(t, r) }},
				}
			})
		})
	}
}

// A body in JSON has its secret also where no header says that it is JSON.
func TestSecretOfUndeclaredJSON(t *testing.T) {
	sink := start(t, nil)
	sink.Behave(httpsink.Behaviour{Do: httpsink.Mirror})
	settings := gateway(sink.URL())
	settings.Headers, settings.Body = opaque.Secret{}, opaque.NewSecret(`{"key": "`+canary+`", "to": "{to}", "text": "{text}"}`)
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	if _, err := n.Notify(t.Context(), phone, notifiertest.Message("k")); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

// read finds key and text in whatever form they came.
func read(t *testing.T, r httpsink.Request) notifiertest.Received {
	t.Helper()
	var body struct{ ID, Text string }
	if json.Unmarshal(r.Body, &body) == nil {
		return notifiertest.Received{Key: body.ID, Text: body.Text}
	}
	_, query, _ := strings.Cut(r.Path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Error(err)
	}
	if len(values) == 0 {
		values = form(t, r)
	}
	return notifiertest.Received{Key: values.Get("id"), Text: values.Get("text")}
}

func form(t *testing.T, r httpsink.Request) url.Values {
	t.Helper()
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Error(err)
	}
	return values
}

// What Twilio's Messages resource is asked.
func TestTwilioRequest(t *testing.T) {
	sink := start(t, httpsink.Twilio)
	receipt, err := open(t, twilio(sink.URL()+"/")).Notify(t.Context(), phone, notifiertest.Message("k"))
	if err != nil || !strings.HasPrefix(receipt.Answer.String(), "SM") || len(receipt.Answer.String()) != 34 || receipt.Thread != "" {
		t.Errorf("%+v, %v", receipt, err)
	}
	r := sink.Requests()[0]
	if r.Method != http.MethodPost || r.Path != "/2010-04-01/Accounts/AC0123/Messages.json" {
		t.Errorf("%s %s", r.Method, r.Path)
	}
	request := http.Request{Header: r.Header}
	if user, password, _ := request.BasicAuth(); user != "AC0123" || password != canary {
		t.Errorf("credentials %q, %q", user, password)
	}
	want := url.Values{"To": {"+15550100"}, "From": {"+15550199"}, "Body": {notifiertest.Message("k").Short()}}
	if got := form(t, r); got.Encode() != want.Encode() {
		t.Errorf("form %v, want %v", got, want)
	}
}

func TestTwilioMessagingService(t *testing.T) {
	sink := start(t, httpsink.Twilio)
	settings := twilio(sink.URL())
	settings.From = "MG" + strings.Repeat("0a", 16)
	if _, err := open(t, settings).Notify(t.Context(), phone, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	if got := form(t, sink.Requests()[0]); got.Has("From") || got.Get("MessagingServiceSid") != settings.From {
		t.Errorf("form %v", got)
	}
}

func TestTwilioErrors(t *testing.T) {
	for _, test := range []struct {
		status    int
		body      string
		want      string
		permanent bool
	}{
		{400, `{"code":21211,"message":"The 'To' number is not valid.","status":400}`, "sending by Twilio: HTTP 400, error 21211: The 'To' number is not valid.", true},
		{401, `{"code":20003,"message":"Authenticate` + "\x7f" + `","status":401}`, `HTTP 401, error 20003: Authenticate\x7f`, true},
		{429, `{"code":20429,"message":"Too Many Requests","status":429}`, "error 20429", false},
		{503, "<html>down", "HTTP 503 Service Unavailable: <html>down", false},
		{404, `{"message":"no code"}`, "HTTP 404 Not Found", true},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response {
			return httpsink.Response{Status: test.status, Body: test.body}
		})
		_, err := open(t, twilio(sink.URL())).Notify(t.Context(), phone, notifiertest.Message("k"))
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent {
			t.Errorf("%d: got %v, permanent %v", test.status, err, notifiers.IsPermanent(err))
		}
	}
}

// An answer that has no sid, or is cut off before it, is no proof.
func TestTwilioWithoutSID(t *testing.T) {
	for _, body := range []string{"", "{}", `{"sid":" "}`, `{"sid":7}`, `{"sid":"SM0`} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return httpsink.Response{Status: 201, Body: body} })
		_, err := open(t, twilio(sink.URL())).Notify(t.Context(), phone, notifiertest.Message("k"))
		if err == nil || notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "the answer has no sid") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestSuccess(t *testing.T) {
	for _, test := range []struct {
		success   string
		status    int
		body      string
		delivered bool
		permanent bool
	}{
		{"", 204, "", true, false},
		{"", 500, "OK", false, false},
		{"OK", 200, "status=OK id=1", true, false},
		{"OK", 200, "ERR 103", false, true},
		{"OK", 500, "OK", false, false},
		{"OK", 403, "OK", false, true},
		{"202", 202, "", true, false},
		{"202", 200, "", false, true},
		{"200, 302", 302, "", true, false},
		{"200,202", 503, "", false, false},
		{"200 OK", 200, "200 OK", true, false},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response {
			return httpsink.Response{Status: test.status, Body: test.body}
		})
		settings := gateway(sink.URL())
		settings.Success = test.success
		receipt, err := open(t, settings).Notify(t.Context(), phone, notifiertest.Message("k"))
		if (err == nil) != test.delivered || notifiers.IsPermanent(err) != test.permanent || receipt.Answer.IsZero() == test.delivered {
			t.Errorf("%+v: %+v, %v, permanent %v", test, receipt, err, notifiers.IsPermanent(err))
		}
	}
}

func TestTarget(t *testing.T) {
	for _, good := range []string{"+15550100", "0049170123456", "12345", "whatsapp:+15550100"} {
		if to, err := sms.NewTarget(good); err != nil || to.String() != good {
			t.Errorf("%s: %v, %v", good, to, err)
		}
	}
	for _, bad := range []string{"", "+49 170 1234567", "alice", "+1555\n", "+1&Body=x"} {
		if to, err := sms.NewTarget(bad); err == nil {
			t.Errorf("%q made %+v", bad, to)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	http := func(edit func(*sms.Settings)) sms.Settings {
		s := gateway("https://sms.example.org")
		edit(&s)
		return s
	}
	tw := func(edit func(*sms.Settings)) sms.Settings {
		s := twilio("")
		edit(&s)
		return s
	}
	secret := opaque.NewSecret
	for want, settings := range map[string]sms.Settings{
		`provider "" is not known`:                 {},
		"account_sid is missing":                   tw(func(s *sms.Settings) { s.AccountSID = "" }),
		"auth_token is missing":                    tw(func(s *sms.Settings) { s.AuthToken = opaque.Secret{} }),
		"from is missing":                          tw(func(s *sms.Settings) { s.From = "" }),
		"base_url: http:// is for loopback":        tw(func(s *sms.Settings) { s.BaseURL = "http://api.example.org" }),
		`success belongs to provider "http"`:       tw(func(s *sms.Settings) { s.Success = "OK" }),
		`account_sid belongs to provider "twilio"`: http(func(s *sms.Settings) { s.AccountSID = "AC1" }),
		`method "PATCH" is not known`:              http(func(s *sms.Settings) { s.Method = "PATCH" }),
		"url is missing":                           http(func(s *sms.Settings) { s.URL = opaque.Secret{} }),
		"url: it is not a URL":                     http(func(s *sms.Settings) { s.URL = secret("https://{to}.example.org/" + canary) }),
		"headers:":                                 http(func(s *sms.Settings) { s.Headers = secret(canary) }),
		"has {to} in it":                           http(func(s *sms.Settings) { s.Body = secret(`{"text": "{text}"}`) }),
		"has {text} in it":                         http(func(s *sms.Settings) { s.Body = secret(`{"to": "{to}"}`) }),
		"it is not JSON once filled in":            http(func(s *sms.Settings) { s.Body = secret(`{"to": "{to}", "text": {text}}`) }),
		"it is not a form":                         http(func(s *sms.Settings) { s.Headers, s.Body = opaque.Secret{}, secret("to={to}&text=%zz{text}") }),
		`method "GET" has none, write {to} `:       http(func(s *sms.Settings) { s.Method = "GET" }),
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// Whatever is filled in stays inside the place where the template has it: the
// gateway reads exactly the values, and the rest of the template unchanged.
func FuzzTemplate(f *testing.F) {
	f.Add("+15550100", "DOWN", "k")
	f.Add(`","to":"+1900`, "&to=+1900", "</text><to>+1900</to>")
	f.Add("{text}", "{key}{to}", "\x00\u2028\xff\\")
	f.Fuzz(func(t *testing.T, to, text, key string) {
		for name, check := range map[string]func(t *testing.T, body string) [3]string{
			"application/json":                  readJSON,
			"application/x-www-form-urlencoded": readForm,
			"text/xml; charset=utf-8":           readXML,
		} {
			body := sms.Fill(name, map[string]string{
				"application/json":                  `{"a":{"to":"{to}"},"text":"x{text}y","key":"{key}","end":"end"}`,
				"application/x-www-form-urlencoded": "to={to}&text=x{text}y&key={key}&end=end",
				"text/xml; charset=utf-8":           `<m key="{key}"><to>{to}</to><text>x{text}y</text><end>end</end></m>`,
			}[name], to, text, key)
			want := [3]string{to, "x" + text + "y", key}
			if name != "application/x-www-form-urlencoded" {
				for i := range want { // neither JSON nor XML has a place for broken UTF-8
					want[i] = strings.ToValidUTF8(want[i], "\ufffd")
				}
			}
			if got := check(t, body); !same(name, got, want) {
				t.Errorf("%s: %q reads as %q, want %q", name, body, got, want)
			}
		}
	})
}

// same forgives XML, which has no place for most control characters, and json,
// which writes one replacement for each broken byte.
func same(name string, got, want [3]string) bool {
	normal := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if name == "text/xml; charset=utf-8" && (r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff) {
				return 0xfffd
			}
			return r
		}, s)
		for strings.Contains(s, "\ufffd\ufffd") {
			s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
		}
		return s
	}
	for i := range got {
		if normal(got[i]) != normal(want[i]) {
			return false
		}
	}
	return true
}

func readJSON(t *testing.T, body string) [3]string {
	var m struct {
		A              struct{ To string }
		Text, Key, End string
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.End != "end" {
		t.Errorf("%q: %v", body, err)
	}
	return [3]string{m.A.To, m.Text, m.Key}
}

func readForm(t *testing.T, body string) [3]string {
	m, err := url.ParseQuery(body)
	if err != nil || m.Get("end") != "end" || len(m) != 4 {
		t.Errorf("%q: %v", body, err)
	}
	return [3]string{m.Get("to"), m.Get("text"), m.Get("key")}
}

func readXML(t *testing.T, body string) [3]string {
	var m struct {
		Key  string `xml:"key,attr"`
		To   string `xml:"to"`
		Text string `xml:"text"`
		End  string `xml:"end"`
	}
	if err := xml.Unmarshal([]byte(body), &m); err != nil || m.End != "end" {
		t.Errorf("%q: %v", body, err)
	}
	return [3]string{m.To, m.Text, m.Key}
}
