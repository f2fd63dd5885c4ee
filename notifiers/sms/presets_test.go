package sms_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/sms"
)

// A service is a provider as its published contract describes it.
type service struct {
	settings func(*sms.Settings)
	// check says what the service refuses in a request, and returns number and text.
	check func(r httpsink.Request) (to, text string, err error)
	// accepted is the answer around an id, refused the answer around words.
	accepted, refused func(text string) httpsink.Response
	lie               httpsink.Response
	lieIsPermanent    bool
}

func reply(status int, format string, args ...any) httpsink.Response {
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: fmt.Sprintf(format, args...)}
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// msisdn is a number as these services want it: the country first, and no plus.
var msisdn = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

func jsonOf(r httpsink.Request, path, authorization string, into any) error {
	switch {
	case r.Method != http.MethodPost || r.Path != path:
		return fmt.Errorf("%s %s", r.Method, r.Path)
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return errors.New("the content is not JSON")
	case r.Header.Get("Authorization") != authorization:
		return errors.New("not authorised")
	}
	return json.Unmarshal(r.Body, into)
}

func one(list []string) string {
	if len(list) != 1 {
		return ""
	}
	return list[0]
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

var services = map[string]service{
	"vonage": { // Vonage SMS API reference, POST /sms/json
		settings: func(s *sms.Settings) { s.Key, s.Secret = opaque.NewSecret("a1b2c3d4"), opaque.NewSecret(canary) },
		check: func(r httpsink.Request) (to, text string, err error) {
			form, err := url.ParseQuery(string(r.Body))
			switch {
			case err != nil:
				return "", "", err
			case r.Method != http.MethodPost || r.Path != "/sms/json" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
				return "", "", fmt.Errorf("%s %s", r.Method, r.Path)
			case form.Get("api_key") != "a1b2c3d4" || form.Get("api_secret") != canary:
				return "", "", errors.New("bad credentials")
			case form.Get("from") == "":
				return "", "", errors.New("missing from")
			}
			// Without it every other character becomes a question mark.
			if beyond := !notifiers.IsGSM(form.Get("text")); beyond != (form.Get("type") == "unicode") {
				return "", "", errors.New("wrong type")
			}
			return form.Get("to"), form.Get("text"), nil
		},
		accepted: func(id string) httpsink.Response {
			return reply(200, `{"message-count":"1","messages":[{"to":"15550100","message-id":%s,"status":"0","remaining-balance":"3.14"}]}`, quoted(id))
		},
		refused: func(words string) httpsink.Response {
			return reply(200, `{"message-count":"1","messages":[{"status":"4","error-text":%s}]}`, quoted(words))
		},
		lie:            reply(200, `{"message-count":"1","messages":[{"status":"4","error-text":"Bad Credentials"}]}`),
		lieIsPermanent: true,
	},
	"bird": { // MessageBird API reference, POST /messages
		settings: func(s *sms.Settings) { s.Key = opaque.NewSecret(canary) },
		check: func(r httpsink.Request) (to, text string, err error) {
			var m struct {
				Originator, Body, Datacoding string
				Recipients                   []string
			}
			if err := jsonOf(r, "/messages", "AccessKey "+canary, &m); err != nil {
				return "", "", err
			}
			if m.Originator == "" || m.Datacoding != "auto" {
				return "", "", errors.New("no originator, or a datacoding that loses characters")
			}
			return one(m.Recipients), m.Body, nil
		},
		accepted: func(id string) httpsink.Response {
			return reply(201, `{"id":%s,"href":"https://rest.messagebird.com/messages/x","direction":"mt","type":"sms"}`, quoted(id))
		},
		refused: func(words string) httpsink.Response {
			return reply(422, `{"errors":[{"code":9,"description":%s,"parameter":"recipients"}]}`, quoted(words))
		},
		lie: reply(200, `{"errors":[{"code":2,"description":"Request not allowed","parameter":"access_key"}]}`),
	},
	"plivo": { // Plivo API reference, POST /v1/Account/{auth_id}/Message/
		settings: func(s *sms.Settings) { s.Key, s.Token = opaque.NewSecret("MAXXXX"), opaque.NewSecret(canary) },
		check: func(r httpsink.Request) (to, text string, err error) {
			var m struct{ Src, Dst, Text string }
			if err := jsonOf(r, "/v1/Account/MAXXXX/Message/", basic("MAXXXX", canary), &m); err != nil {
				return "", "", err
			}
			if m.Src == "" {
				return "", "", errors.New("src is missing")
			}
			return m.Dst, m.Text, nil
		},
		accepted: func(id string) httpsink.Response {
			return reply(202, `{"message":"message(s) queued","message_uuid":[%s],"api_id":"f2"}`, quoted(id))
		},
		refused: func(words string) httpsink.Response { return reply(400, `{"api_id":"f2","error":%s}`, quoted(words)) },
		lie:     reply(202, `{"api_id":"f2","error":"insufficient credit"}`),
	},
	"sinch": { // Sinch SMS API reference, POST /xms/v1/{service_plan_id}/batches
		settings: func(s *sms.Settings) { s.Key, s.Token = opaque.NewSecret("plan1"), opaque.NewSecret(canary) },
		check: func(r httpsink.Request) (to, text string, err error) {
			var m struct {
				From, Body string
				To         []string
			}
			if err := jsonOf(r, "/xms/v1/plan1/batches", "Bearer "+canary, &m); err != nil {
				return "", "", err
			}
			if m.From == "" {
				return "", "", errors.New("from is missing")
			}
			return one(m.To), m.Body, nil
		},
		accepted: func(id string) httpsink.Response {
			return reply(201, `{"id":%s,"to":["15550100"],"from":"15550199","canceled":false,"type":"mt_text"}`, quoted(id))
		},
		refused: func(words string) httpsink.Response {
			return reply(400, `{"code":"syntax_invalid_json","text":%s}`, quoted(words))
		},
		lie: reply(201, `{"code":"unauthorized","text":"no"}`),
	},
	"clickatell": { // Clickatell Platform API reference, POST /messages
		settings: func(s *sms.Settings) { s.Key = opaque.NewSecret(canary) },
		check: func(r httpsink.Request) (to, text string, err error) {
			var m struct {
				Content string
				To      []string
			}
			if err := jsonOf(r, "/messages", canary, &m); err != nil {
				return "", "", err
			}
			if r.Header.Get("Accept") != "application/json" {
				return "", "", errors.New("the answer would be XML")
			}
			return one(m.To), m.Content, nil
		},
		accepted: func(id string) httpsink.Response {
			return reply(202, `{"messages":[{"apiMessageId":%s,"accepted":true,"to":"15550100","error":null}],"error":null}`, quoted(id))
		},
		refused: func(words string) httpsink.Response {
			return reply(202, `{"messages":[{"apiMessageId":"","accepted":false,"to":"15550100","error":%s}],"error":null}`, quoted(words))
		},
		lie:            reply(202, `{"messages":[{"apiMessageId":null,"accepted":false,"to":"15550100","error":"Number delisted"}],"error":null}`),
		lieIsPermanent: true,
	},
}

// answer answers as the service does.
func (s service) answer(r httpsink.Request) httpsink.Response {
	to, text, err := s.check(r)
	switch {
	case err != nil:
		return s.refused(err.Error())
	case !msisdn.MatchString(to) || text == "":
		return s.refused("no number or no text")
	}
	return s.accepted("id-7")
}

func (s service) open(name, base string) sms.Settings {
	settings := sms.Settings{Provider: name, From: "15550199", BaseURL: base}
	s.settings(&settings)
	return settings
}

func TestConformancePresets(t *testing.T) {
	for name := range services {
		t.Run(name, func(t *testing.T) { notifiertest.Run(t, conform(name)) })
	}
}

// These two judge answers of status 2xx.
func FuzzVonageAnswers(f *testing.F)     { notifiertest.FuzzAnswers(f, conform("vonage")) }
func FuzzClickatellAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform("clickatell")) }

func conform(name string) func(t *testing.T) notifiertest.Channel {
	s := services[name]
	return func(t *testing.T) notifiertest.Channel {
		sink := start(t, s.answer)
		read := func(r httpsink.Request) notifiertest.Received {
			_, text, err := s.check(r)
			if err != nil {
				t.Error(err)
			}
			return notifiertest.Received{Text: text}
		}
		return notifiertest.Channel{
			Settings: s.open(name, sink.URL()), Target: phone, Written: notifiers.Values{"to": {List: []string{"+15550109", phone.String()}}},
			Canary: canary, Pause: notifiertest.Pause, Keyless: true, LieIsPermanent: s.lieIsPermanent,
			Receiver: &notifiertest.HTTPReceiver{
				Sink: sink, Read: read, Accept: s.accepted, Refuse: s.refused, Answers: map[notifiertest.Fault]httpsink.Response{notifiertest.Lie: s.lie},
			},
		}
	}
}

// What each provider is asked, of a common message and of one in another script.
func TestPresetRequests(t *testing.T) {
	for name, s := range services {
		var all strings.Builder
		sink := start(t, s.answer)
		settings := s.open(name, sink.URL()+"/")
		other := notifiertest.Message("own")
		other.Own.Text = "Почта не работает: \"mx1\" & <mx2>"
		for _, m := range []notifiers.Message{notifiertest.Message("k"), other} {
			receipt, err := open(t, settings).Notify(t.Context(), phone, m)
			if err != nil || receipt.Answer.String() != "id-7" || receipt.Thread != "" {
				t.Errorf("%s: %+v, %v", name, receipt, err)
			}
		}
		for _, r := range sink.Requests() {
			fmt.Fprintf(&all, "%s %s\nAuthorization: %s\nContent-Type: %s\n\n%s\n\n", r.Method, r.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), strings.TrimSpace(string(r.Body)))
		}
		golden.Compare(t, "testdata/request-"+name+".txt", all.String())
	}
}

// Each answer that a provider can give.
func TestPresetAnswers(t *testing.T) {
	const permanent, proof = true, "the answer has no message id"
	for _, test := range []struct {
		provider  string
		answer    httpsink.Response
		want      string // part of the error; empty: delivered
		permanent bool
		wait      time.Duration
	}{
		{"vonage", reply(200, `{"messages":[{"message-id":"a","status":"0"},{"message-id":"b","status":"0"}]}`), "", false, 0},
		{"vonage", reply(200, `{"messages":[{"status":"1","error-text":"Throughput Rate Exceeded"}]}`), "sending by Vonage: HTTP 200 OK: error 1: Throughput Rate Exceeded", false, 0},
		{"vonage", reply(200, `{"messages":[{"status":"5","error-text":"Internal Error"}]}`), "error 5: Internal Error", false, 0},
		{"vonage", reply(200, `{"messages":[{"status":"4","error-text":"Bad Credentials"}]}`), "error 4: Bad Credentials", permanent, 0},
		{"vonage", reply(200, `{"messages":[{"status":"9","error-text":"Partner quota violation"}]}`), "error 9", permanent, 0},
		{"vonage", reply(200, `{"messages":[{"message-id":"a","status":"0"},{"status":"1","error-text":"slow"}]}`), "error 1: slow", false, 0},
		{"vonage", reply(200, `{"messages":[{"message-id":"a","status":"0"},{"status":"3","error-text":"Invalid"}]}`), "error 3", permanent, 0},
		{"vonage", reply(200, `{"messages":[{"message-id":" ","status":"0"}]}`), proof, false, 0},
		{"vonage", reply(200, `{"messages":[]}`), proof, false, 0},
		{"vonage", reply(200, `{"messages":[{"message-id":"a"}]}`), proof, false, 0},
		{"vonage", reply(401, ``), "HTTP 401", permanent, 0},
		{"vonage", reply(503, ``), "HTTP 503", false, 0},

		{"bird", reply(201, `{"id":"a"}`), "", false, 0},
		{"bird", reply(201, `{"id":""}`), proof, false, 0},
		{"bird", reply(201, `{"id":7}`), proof, false, 0},
		{"bird", reply(422, `{"errors":[{"code":25,"description":"Not enough balance","parameter":null}]}`), "sending by Bird: HTTP 422, error 25: Not enough balance (there is no balance left)", permanent, 0},
		{"bird", reply(422, `{"errors":[{"code":9,"description":"no (correct) recipients found"},{"code":10,"description":"x"}]}`), "error 9: no (correct) recipients found; error 10: x", permanent, 0},
		{"bird", reply(401, `{"errors":[{"code":2,"description":"Request not allowed"}]}`), "error 2", permanent, 0},
		{"bird", reply(429, `{}`), "HTTP 429", false, 0},
		{"bird", reply(500, `<html>`), "HTTP 500", false, 0},

		{"plivo", reply(202, `{"message_uuid":["a"]}`), "", false, 0},
		{"plivo", reply(202, `{"message_uuid":[]}`), proof, false, 0},
		{"plivo", reply(202, `{"message_uuid":"a"}`), proof, false, 0},
		{"plivo", reply(400, `{"api_id":"x","error":"dst parameter is missing"}`), "sending by Plivo: HTTP 400, dst parameter is missing", permanent, 0},
		{"plivo", reply(401, `Could not verify`), "HTTP 401", permanent, 0},
		{"plivo", reply(402, `{"error":"insufficient credit"}`), "insufficient credit", permanent, 0},
		{"plivo", httpsink.Response{Status: 429, Header: http.Header{"Retry-After": {"3"}}, Body: `{"error":"slow"}`}, "slow", false, 3 * time.Second},
		{"plivo", reply(500, ``), "HTTP 500", false, 0},

		{"sinch", reply(201, `{"id":"a"}`), "", false, 0},
		{"sinch", reply(200, `{"id":"a"}`), "", false, 0},
		{"sinch", reply(201, `{}`), proof, false, 0},
		{"sinch", reply(400, `{"code":"syntax_invalid_parameter_format","text":"bad number"}`), "sending by Sinch: HTTP 400, error syntax_invalid_parameter_format: bad number", permanent, 0},
		{"sinch", reply(401, ``), "HTTP 401", permanent, 0},
		{"sinch", reply(403, `{"code":"forbidden","text":"no"}`), "error forbidden: no", permanent, 0},
		{"sinch", reply(429, ``), "HTTP 429", false, 0},
		{"sinch", reply(503, ``), "HTTP 503", false, 0},

		{"clickatell", reply(202, `{"messages":[{"apiMessageId":"a","accepted":true}]}`), "", false, 0},
		{"clickatell", reply(202, `{"messages":[{"apiMessageId":"","accepted":true}]}`), proof, false, 0},
		{"clickatell", reply(202, `{"messages":[{"accepted":false,"error":"Number delisted"}]}`), "sending by Clickatell: HTTP 202 Accepted: not accepted: Number delisted", permanent, 0},
		{"clickatell", reply(202, `{"messages":[{"accepted":false,"error":{"code":301,"description":"No credit left"}}]}`), "not accepted: No credit left", permanent, 0},
		{"clickatell", reply(202, `{"messages":[]}`), proof, false, 0},
		{"clickatell", reply(401, `{"messages":[],"error":"Invalid or missing integration API Key."}`), "Invalid or missing", permanent, 0},
		{"clickatell", reply(429, ``), "HTTP 429", false, 0},
		{"clickatell", reply(503, ``), "HTTP 503", false, 0},
	} {
		sink := start(t, func(httpsink.Request) httpsink.Response { return test.answer })
		_, err := open(t, services[test.provider].open(test.provider, sink.URL())).Notify(t.Context(), phone, notifiertest.Message("k"))
		if (err == nil) != (test.want == "") || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait ||
			err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %d %s: got %v, permanent %v, wait %v", test.provider, test.answer.Status, test.answer.Body, err, notifiers.IsPermanent(err), notifiers.Wait(err))
		}
	}
}

// What does not fit together is found when the files are read.
func TestPresetSettings(t *testing.T) {
	secret := opaque.NewSecret(canary)
	for want, settings := range map[string]sms.Settings{
		"key is missing: the key of the account":                                   {Provider: "vonage", Secret: secret, From: "x"},
		"secret is missing: the secret that belongs to the key":                    {Provider: "vonage", Key: secret, From: "x"},
		"token is missing: the token of the account":                               {Provider: "plivo", Key: secret, From: "x"},
		"from is missing: the number or name that sends":                           {Provider: "bird", Key: secret},
		`region "mars" is not known`:                                               {Provider: "sinch", Key: secret, Token: secret, From: "x", Region: "mars"},
		`region belongs to provider "sinch"`:                                       {Provider: "bird", Key: secret, From: "x", Region: "eu"},
		`secret belongs to provider "vonage"`:                                      {Provider: "bird", Key: secret, From: "x", Secret: secret},
		`token belongs to provider "plivo", "sinch"`:                               {Provider: "twilio", AccountSID: "AC1", AuthToken: secret, From: "x", Token: secret},
		`key belongs to provider "vonage", "bird", "plivo", "sinch", "clickatell"`: {Provider: "http", URL: secret, Key: secret},
		"base_url: http:// is for loopback":                                        {Provider: "clickatell", Key: secret, BaseURL: "http://example.org"},
	} {
		if _, err := settings.Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// WhatsApp is reached by Twilio alone, and by who knows what provider "http" leads to.
func TestPresetsSendToNumbers(t *testing.T) {
	whatsapp := sms.Target{To: "whatsapp:+15550100"}
	for _, provider := range sms.Providers() {
		settings := sms.Settings{Provider: provider}
		if err := settings.CheckTarget(phone); err != nil {
			t.Errorf("%s: %v", provider, err)
		}
		if err := settings.CheckTarget(whatsapp); (err == nil) != (provider == "twilio" || provider == "http") {
			t.Errorf("%s: %v", provider, err)
		}
	}
}
