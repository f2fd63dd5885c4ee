package voice_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/voice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "hunter2-canary"

var phone = voice.Target{To: "+15550100"}

func settings(url string) voice.Settings {
	return voice.Settings{Provider: "twilio", AccountSID: "AC0123", AuthToken: opaque.NewSecret(canary), From: "+15550199", BaseURL: url}
}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

func open(t *testing.T, s voice.Settings) notifiers.Notifier {
	t.Helper()
	n, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// A document is TwiML as Twilio reads it.
type document struct {
	XMLName xml.Name `xml:"Response"`
	Verbs   []struct {
		XMLName  xml.Name
		Language string `xml:"language,attr"`
		Length   string `xml:"length,attr"`
		Text     string `xml:",chardata"`
	} `xml:",any"`
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// call reads a request as the Calls resource of Twilio's API does, and returns what is said.
func call(r httpsink.Request) (said []string, refused string) {
	form, err := url.ParseQuery(string(r.Body))
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte("AC0123:"+canary))
	twiml := form.Get("Twiml")
	var d document
	switch {
	case err != nil || r.Method != http.MethodPost || r.Path != "/2010-04-01/Accounts/AC0123/Calls.json":
		return nil, "20404: not found"
	case r.Header.Get("Authorization") != login:
		return nil, "20003: authenticate"
	case !e164.MatchString(form.Get("To")):
		return nil, "21211: invalid To"
	case !e164.MatchString(form.Get("From")):
		return nil, "21212: invalid From"
	case utf8.RuneCountInString(twiml) > 4000:
		return nil, "21620: Twiml is too long"
	case xml.Unmarshal([]byte(twiml), &d) != nil:
		return nil, "12100: document parse failure"
	}
	for _, verb := range d.Verbs {
		switch verb.XMLName.Local {
		case "Say":
			said = append(said, verb.Language+": "+verb.Text)
		case "Pause":
		default:
			return nil, "12200: schema validation"
		}
	}
	return said, ""
}

func twilio(r httpsink.Request) httpsink.Response {
	if _, refused := call(r); refused != "" {
		return refusal(refused)
	}
	return accepted("CA7")
}

func reply(status int, value any) httpsink.Response {
	body, _ := json.Marshal(value)
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

func accepted(sid string) httpsink.Response {
	return reply(http.StatusCreated, map[string]any{"sid": sid, "status": "queued"})
}

func refusal(words string) httpsink.Response {
	return reply(http.StatusBadRequest, map[string]any{"code": 21211, "message": words, "status": 400})
}

func conform(t *testing.T) notifiertest.Channel {
	sink := start(t, twilio)
	return notifiertest.Channel{
		Settings: settings(sink.URL()), Target: phone, Written: notifiers.Values{"to": {List: []string{"+15550109", phone.String()}}},
		Canary: canary, Pause: notifiertest.Pause, Keyless: true,
		Receiver: &notifiertest.HTTPReceiver{
			Sink: sink, Accept: accepted, Refuse: refusal,
			Answers: map[notifiertest.Fault]httpsink.Response{notifiertest.Lie: {Status: http.StatusOK, Body: refusal("no").Body}},
			Read: func(r httpsink.Request) notifiertest.Received {
				said, refused := call(r)
				if refused != "" {
					t.Error(refused)
				}
				return notifiertest.Received{Text: strings.Join(said, "\n")}
			},
		},
	}
}

func TestConformance(t *testing.T) { notifiertest.Run(t, conform) }

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }

// What is said of every kind of message, once; it is said twice.
func TestWords(t *testing.T) {
	sink := start(t, twilio)
	n := open(t, settings(sink.URL()))
	own := notifiertest.Message("key-own")
	own.Own.Text = "Achtung:\n  mx1 ist \"down\" & <tot>"
	var all strings.Builder
	for i, m := range append(slices.Concat(notifiertest.Messages(), notifiertest.Gathered()), own) {
		receipt, err := n.Notify(t.Context(), phone, m)
		if err != nil || receipt.Answer.String() != "call CA7 accepted by Twilio, not proof that anybody answered" {
			t.Fatalf("%s: %+v, %v", m.Key, receipt, err)
		}
		said, refused := call(sink.Requests()[i])
		if refused != "" || len(said) != 2 || said[0] != said[1] {
			t.Errorf("%s: %q, %s", m.Key, said, refused)
		}
		fmt.Fprintf(&all, "-- %s --\n%s\n", strings.TrimPrefix(m.Key, "key-"), said[0])
	}
	golden.Compare(t, "testdata/words.txt", all.String())
	golden.Compare(t, "testdata/request.txt", strings.ReplaceAll(string(sink.Requests()[0].Body), "&", "\n&")+"\n")
}

// Hostile words are read aloud, and say nothing to Twilio. What is too long is cut.
func TestHostileAndLong(t *testing.T) {
	sink := start(t, twilio)
	s := settings(sink.URL())
	s.Language = "de-DE"
	n := open(t, s)
	for i, text := range []string{
		`</Say><Dial>+1900</Dial><Say language="x">`, strings.Repeat("&<>\"'", 2000), strings.Repeat("mail server down ", 500),
	} {
		m := notifiertest.Message("k")
		m.Own.Text = text
		if _, err := n.Notify(t.Context(), phone, m); err != nil {
			t.Fatal(err)
		}
		said, _ := call(sink.Requests()[i])
		if len(said) != 2 || !strings.HasPrefix(said[0], "de-DE: "+text[:8]) || len(said[0]) > 720 || strings.HasSuffix(said[0], "…") != (len(text) > 700) {
			t.Errorf("said %q", said)
		}
	}
}

// Each answer that Twilio can give.
func TestAnswers(t *testing.T) {
	code := func(status, code int, words string) httpsink.Response {
		return reply(status, map[string]any{"code": code, "message": words, "status": status})
	}
	busy := code(429, 20429, "Too Many Requests")
	busy.Header.Set("Retry-After", "4")
	for _, test := range []struct {
		answer    httpsink.Response
		want      string
		permanent bool
		wait      time.Duration
	}{
		{accepted("CA1"), "", false, 0},
		{accepted(" "), "the answer has no sid", false, 0},
		{reply(201, map[string]any{"sid": 7}), "the answer has no sid", false, 0},
		{code(400, 21211, "The phone number is not valid"), "calling by Twilio: HTTP 400, error 21211: The phone number is not valid", true, 0},
		{code(400, 21215, "Geo permission"), "error 21215", true, 0},
		{code(400, 21210, "From is not verified"), "error 21210", true, 0},
		{code(401, 20003, "Authenticate"), "error 20003: Authenticate", true, 0},
		{code(404, 20404, "not found"), "error 20404", true, 0},
		{busy, "error 20429: Too Many Requests", false, 4 * time.Second},
		{code(400, 20429, "Too Many Requests"), "error 20429", false, 0},
		{code(500, 20500, "Internal"), "error 20500", false, 0},
		{httpsink.Response{Status: 503, Body: "<html>"}, "HTTP 503", false, 0},
		{httpsink.Response{Status: 200, Body: "<html>"}, "the answer has no sid", false, 0},
		{httpsink.Response{Status: 302, Header: http.Header{"Location": {"https://example.org"}}}, "HTTP 302", true, 0},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		_, err := open(t, settings(sink.URL())).Notify(t.Context(), phone, notifiertest.Message("k"))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait {
			t.Errorf("%d %s: got %v, permanent %v, wait %v", test.answer.Status, test.answer.Body, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	with := func(change func(*voice.Settings)) voice.Settings {
		s := settings("")
		change(&s)
		return s
	}
	for want, s := range map[string]voice.Settings{
		`provider "x" is not known`:         with(func(s *voice.Settings) { s.Provider = "x" }),
		"account_sid is missing":            with(func(s *voice.Settings) { s.AccountSID = "" }),
		"auth_token is missing":             with(func(s *voice.Settings) { s.AuthToken = opaque.Secret{} }),
		"from is missing":                   with(func(s *voice.Settings) { s.From = "" }),
		"from is not a phone number":        with(func(s *voice.Settings) { s.From = "vigil" }),
		`language "English" is not known`:   with(func(s *voice.Settings) { s.Language = "English" }),
		"base_url: http:// is for loopback": with(func(s *voice.Settings) { s.BaseURL = "http://example.org" }),
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := voice.NewTarget("whatsapp:+15550100"); err == nil {
		t.Error("a call to WhatsApp")
	}
}

// A call that was sent and had no answer may ring.
func TestUnsure(t *testing.T) {
	sink := start(t, twilio)
	sink.Behave(httpsink.Behaviour{Do: httpsink.Drop})
	_, err := open(t, settings(sink.URL())).Notify(t.Context(), phone, notifiertest.Message("k"))
	if !notifiers.IsUnsure(err) || errors.Is(err, nil) {
		t.Errorf("got %v", err)
	}
}
