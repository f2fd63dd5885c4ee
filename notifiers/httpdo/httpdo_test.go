package httpdo_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "hunter2-canary"

func start(t *testing.T, options httpsink.Options) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

func client(t *testing.T, ca string, secrets ...string) *httpdo.Client {
	t.Helper()
	c, err := httpdo.New(ca, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func post(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Which answers are worth another attempt, and when.
func TestAnswers(t *testing.T) {
	soon := time.Now().Add(90 * time.Minute).UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		status    int
		after     string
		body      string
		words     string
		permanent bool
		atLeast   time.Duration
		atMost    time.Duration
	}{
		{status: 200, body: "ok\n", words: "HTTP 200 OK: ok"},
		{status: 204, words: "HTTP 204 No Content"},
		{status: 299, words: "HTTP 299"},
		{status: 302, words: "HTTP 302 Found", permanent: true},
		{status: 400, body: "\x1b[2J\u202e", words: `HTTP 400 Bad Request: \x1b[2J\u{202e}`, permanent: true},
		{status: 401, body: "not " + canary, words: "HTTP 401 Unauthorized: not (sensitive)", permanent: true},
		{status: 404, body: strings.Repeat("x", 1000), words: "HTTP 404 Not Found: " + strings.Repeat("x", 200) + "...", permanent: true},
		{status: 410, after: "60", words: "HTTP 410 Gone", permanent: true},
		{status: 408, words: "HTTP 408 Request Timeout"},
		{status: 425, words: "HTTP 425 Too Early"},
		{status: 429, after: "30", words: "HTTP 429 Too Many Requests", atLeast: 30 * time.Second, atMost: 30 * time.Second},
		{status: 503, after: soon, words: "HTTP 503 Service Unavailable", atLeast: 85 * time.Minute, atMost: 90 * time.Minute},
		{status: 429, after: "0.376", words: "HTTP 429 Too Many Requests", atLeast: time.Second, atMost: time.Second},
		{status: 429, after: "64.57", words: "HTTP 429 Too Many Requests", atLeast: 65 * time.Second, atMost: 65 * time.Second},
		{status: 500, after: "NaN", words: "HTTP 500 Internal Server Error"},
		{status: 500, after: "1e300", words: "HTTP 500 Internal Server Error", atLeast: 24 * time.Hour, atMost: 24 * time.Hour},
		{status: 500, after: "soon", words: "HTTP 500 Internal Server Error"},
		{status: 500, after: "-5", words: "HTTP 500 Internal Server Error"},
		{status: 502, after: "9223372036854775807", words: "HTTP 502 Bad Gateway", atLeast: 24 * time.Hour, atMost: 24 * time.Hour},
		{status: 502, after: "Mon, 23 Nov 2099 17:47:05 GMT", words: "HTTP 502 Bad Gateway", atLeast: 24 * time.Hour, atMost: 24 * time.Hour},
	} {
		sink := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
			header := http.Header{"Location": {"/elsewhere"}}
			if test.after != "" {
				header.Set("Retry-After", test.after)
			}
			return httpsink.Response{Status: test.status, Header: header, Body: test.body}
		}})
		answer, err := client(t, "", canary).Send(post(t, sink.URL()))
		if answer.Words().String() != test.words {
			t.Errorf("%d: words %q, want %q", test.status, answer.Words(), test.words)
		}
		if good := test.status/100 == 2; good != (err == nil) || notifiers.IsPermanent(err) != test.permanent {
			t.Errorf("%d: got %v, permanent %v", test.status, err, notifiers.IsPermanent(err))
		}
		if wait := notifiers.Wait(err); wait < test.atLeast || wait > test.atMost {
			t.Errorf("%d: a pause of %v, want %v to %v", test.status, wait, test.atLeast, test.atMost)
		}
	}
}

// A message with its secrets goes where it was addressed, or nowhere.
func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere := start(t, httpsink.Options{})
	for _, status := range []int{301, 302, 303, 307, 308} {
		sink := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
			return httpsink.Response{Status: status, Header: http.Header{"Location": {elsewhere.URL()}}}
		}})
		if _, err := client(t, "").Send(post(t, sink.URL())); !notifiers.IsPermanent(err) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := len(elsewhere.Requests()); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestOnlyATrustedServerIsAsked(t *testing.T) {
	server, ca := notifiertest.Certificate(t)
	sink := start(t, httpsink.Options{TLS: server})
	if _, err := client(t, ca).Send(post(t, sink.URL())); err != nil {
		t.Error(err)
	}
	if _, err := client(t, "").Send(post(t, sink.URL())); err == nil || notifiers.IsPermanent(err) {
		t.Errorf("an unknown authority: %v", err)
	}
	if _, err := httpdo.New("nothing"); err == nil {
		t.Error("a text without a certificate was taken")
	}
	if n := len(sink.Requests()); n != 1 {
		t.Errorf("%d requests arrived", n)
	}
}

// What arrived counts, also when the server then falls silent or never stops.
func TestBodiesAreBounded(t *testing.T) {
	huge := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: 200, Body: strings.Repeat("x", 10<<20)}
	}})
	answer, err := client(t, "").Send(post(t, huge.URL()))
	if err != nil || len(answer.Body) != 64<<10 {
		t.Errorf("%d bytes, %v", len(answer.Body), err)
	}
	short := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: 200, Header: http.Header{"Content-Length": {"100"}}, Body: "half"}
	}})
	if answer, err = client(t, "").Send(post(t, short.URL())); err != nil || string(answer.Body) != "half" {
		t.Errorf("%q, %v", answer.Body, err)
	}
}

func TestErrorsDoNotShowTheURL(t *testing.T) {
	_, err := client(t, "").Send(post(t, "http://127.0.0.1:1/"+canary)) // nothing listens, and no port 0 is ever 1
	if err == nil || strings.Contains(err.Error(), canary) || notifiers.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestParseURL(t *testing.T) {
	for _, good := range []string{
		"https://example.org/x?y=z", "https://[2001:db8::1]:8443", "http://localhost:80/x", "http://127.0.0.9", "http://[::1]:1/",
	} {
		if u, err := httpdo.ParseURL(good); err != nil || u.String() != good {
			t.Errorf("%s: %v, %v", good, u, err)
		}
	}
	for _, bad := range []string{
		"", "example.org/" + canary, "ftp://example.org/" + canary, "http://example.org/" + canary, "https:///" + canary, "https:" + canary,
		"http://localhost.example.org/" + canary, "https://example.org:" + canary, "https://example.org/%zz" + canary, "http://127.0.0.1.example.org/" + canary,
	} {
		if u, err := httpdo.ParseURL(bad); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, %v", bad, u, err)
		}
	}
}

// Without a secret http may lead anywhere.
func TestParsePlainURL(t *testing.T) {
	for text, exposed := range map[string]bool{
		"http://gateway.example.org/x": true, "http://[2001:db8::1]:8080/": true,
		"https://example.org/": false, "http://127.0.0.1/": false, "http://user:" + canary + "@localhost/": false,
	} {
		if u, err := httpdo.ParsePlainURL(text); err != nil || httpdo.IsExposed(text) != exposed {
			t.Errorf("%s: %v, %v", text, u, err)
		}
	}
	for _, bad := range []string{"", "ftp://example.org/" + canary, "http://user:" + canary + "@example.org/", "http:///" + canary} {
		if u, err := httpdo.ParsePlainURL(bad); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, %v", bad, u, err)
		}
	}
	if httpdo.IsExposed("http://%zz") {
		t.Error("what is no URL leads somewhere")
	}
}

func TestSecretsOfAURL(t *testing.T) {
	u, err := url.Parse("https://user:password9@example.org/api/T0000000001/" + canary + "%20x?v=1&sig=a+secret+value")
	if err != nil {
		t.Fatal(err)
	}
	said := opaque.NewScrubber(httpdo.Secrets(u)...).Scrub("Cannot POST " + u.Path + " for password9 with a secret value or " + canary + " x")
	if want := "Cannot POST /api/(sensitive)/(sensitive) for (sensitive) with (sensitive) or (sensitive)"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
}

func TestHeaders(t *testing.T) {
	joined := httpdo.JoinHeaders(map[string]string{"X-B": "2", "authorization": "Bearer " + canary})
	if joined != httpdo.JoinHeaders(map[string]string{"authorization": "Bearer " + canary, "X-B": "2"}) {
		t.Error("the order of a map makes a difference")
	}
	if !httpdo.JoinHeaders(nil).IsZero() {
		t.Error("no headers are not the zero value")
	}
	headers, err := httpdo.ParseHeaders(joined)
	if err != nil || headers.Get("Authorization") != "Bearer "+canary || headers.Get("X-B") != "2" {
		t.Errorf("%v, %v", headers, err)
	}
	if secrets := httpdo.HeaderSecrets(headers); !slices.Contains(secrets, canary) {
		t.Errorf("%q lacks the token", secrets)
	}
	for _, bad := range []map[string]string{
		{"two words": canary}, {"": canary}, {"X-A": canary + "\r\nX-B: 2"}, {"Host": canary}, {"content-length": canary}, {"Webhook-Signature": canary},
	} {
		if _, err := httpdo.ParseHeaders(httpdo.JoinHeaders(bad)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := httpdo.ParseHeaders(opaque.NewSecret("X-A: " + canary)); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("not joined: %v", err)
	}
}

// Services judge by what they say, and say so in words that must be harmless.
func TestJudgements(t *testing.T) {
	sink := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: 200, Body: `{"ok":false,"why":"not ` + canary + `\u001b"}`}
	}})
	c := client(t, "", canary)
	answer, err := c.JSON(t.Context(), http.MethodPut, sink.URL(), http.Header{"X-Key": {"1"}}, map[string]string{"text": "<b> & 'c'"})
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Why string }
	if !answer.Decode(&said) || said.Why != "not "+canary+"\x1b" {
		t.Errorf("decoded %q", said.Why)
	}
	refused, later := answer.Refusal(said.Why), answer.Later(said.Why, 90*time.Second)
	if want := `HTTP 200 OK: not (sensitive)\x1b`; refused.Error() != want || later.Error() != want {
		t.Errorf("%q and %q, want %q", refused, later, want)
	}
	if !notifiers.IsPermanent(refused) || notifiers.IsPermanent(later) || notifiers.Wait(later) != 90*time.Second {
		t.Errorf("classified as %v and %v", notifiers.IsPermanent(refused), notifiers.Wait(later))
	}
	if wait := notifiers.Wait(httpdo.AtLeast(later, time.Hour)); wait != time.Hour {
		t.Errorf("a pause of %v, want the floor", wait)
	}
	if err := httpdo.AtLeast(refused, time.Hour); notifiers.Wait(err) != 0 {
		t.Error("a refusal for good has a pause")
	}
	if _, err := c.Form(t.Context(), sink.URL(), nil, url.Values{"text": {"a & b"}}); err != nil {
		t.Error(err)
	}
	requests := sink.Requests()
	if got := string(requests[0].Body); requests[0].Method != http.MethodPut || got != `{"text":"<b> & 'c'"}`+"\n" {
		t.Errorf("sent %s %q", requests[0].Method, got)
	}
	if got := string(requests[1].Body); got != "text=a+%26+b" {
		t.Errorf("sent %q", got)
	}
	if err := answer.Unproven("Somebody", "message id"); notifiers.IsPermanent(err) || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

// What an error was marked with stays when more is said of it.
func TestMarksAddUp(t *testing.T) {
	err := httpdo.AtLeast(notifiers.Unsure(notifiers.RetryAfter(errors.New("late"), time.Second)), time.Minute)
	if !notifiers.IsUnsure(err) || notifiers.Wait(err) != time.Minute || notifiers.IsPermanent(err) {
		t.Errorf("unsure %v, wait %v", notifiers.IsUnsure(err), notifiers.Wait(err))
	}
}

// A service may repeat a secret as JSON or a URL has it.
func TestSecretsInOtherForms(t *testing.T) {
	const secret = `p"a<s&s/wörd`
	sink := start(t, httpsink.Options{Answer: func(httpsink.Request) httpsink.Response {
		return httpsink.Response{Status: http.StatusBadRequest, Body: `p\\\"a<s&s/wörd p\"a<s&s/wörd p\"a\u003cs\u0026s/wörd p%22a%3Cs%26s%2Fw%C3%B6rd`}
	}})
	answer, _ := client(t, "", secret).Send(post(t, sink.URL()))
	if text := answer.Words().String(); strings.Contains(text, "s/w") || strings.Contains(text, "p%") {
		t.Errorf("%s", text)
	}
}
