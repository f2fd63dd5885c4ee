package httpsink_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, options httpsink.Options) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

// post asks once, on a connection of its own.
func post(t *testing.T, sink *httpsink.Sink, body string) (status int, answer string, err error) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	_, ca := notifiertest.Certificate(t)
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(ca))
	transport.DisableKeepAlives = true
	resp, err := (&http.Client{Transport: transport}).Post(sink.URL()+"/a?b=c", "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func TestSinkKeepsWhatItAccepts(t *testing.T) {
	server, _ := notifiertest.Certificate(t)
	for scheme, options := range map[string]httpsink.Options{"http": {}, "https": {TLS: server}} {
		sink := start(t, options)
		if status, _, err := post(t, sink, "hello"); status != http.StatusNoContent || err != nil {
			t.Errorf("%s: %d, %v", scheme, status, err)
		}
		got, err := sink.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Method != http.MethodPost || got[0].Path != "/a?b=c" || string(got[0].Body) != "hello" {
			t.Errorf("%s: %+v", scheme, got[0])
		}
	}
}

func TestSinkMisbehaves(t *testing.T) {
	sink := start(t, httpsink.Options{})
	for _, test := range []struct {
		behaviour httpsink.Behaviour
		status    int // 0: no answer
		answer    string
		kept      int
	}{
		{httpsink.Behaviour{Do: httpsink.Answer, Response: httpsink.Response{Status: 503, Body: "later"}}, 503, "later", 0},
		{httpsink.Behaviour{Do: httpsink.Drop}, 0, "", 0},
		{httpsink.Behaviour{Do: httpsink.Mirror}, 400, "POST /a?b=c", 0},
		{httpsink.Behaviour{Do: httpsink.Answer, Response: httpsink.Response{Status: 200, Body: "fine"}}, 200, "fine", 1},
		{httpsink.Behaviour{}, 204, "", 2},
	} {
		sink.Behave(test.behaviour)
		status, answer, err := post(t, sink, "hello")
		if status != test.status || !strings.Contains(answer, test.answer) || (err == nil) != (status > 0) {
			t.Errorf("%+v: %d, %q, %v", test.behaviour, status, answer, err)
		}
		if n := len(sink.Requests()); n != test.kept {
			t.Errorf("%+v: %d requests kept", test.behaviour, n)
		}
	}
}

func TestSinkComesBackAtItsAddress(t *testing.T) {
	sink := start(t, httpsink.Options{})
	address := strings.TrimPrefix(sink.URL(), "http://")
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := post(t, sink, "hello"); err == nil {
		t.Error("a closed sink has answered")
	}
	again := start(t, httpsink.Options{Address: address})
	if status, _, err := post(t, sink, "hello"); status != http.StatusNoContent || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	if n := len(again.Requests()); n != 1 {
		t.Errorf("%d requests kept", n)
	}
}

func TestStallEndsWithTheSink(t *testing.T) {
	sink := start(t, httpsink.Options{})
	sink.Behave(httpsink.Behaviour{Do: httpsink.Stall})
	failed := make(chan error)
	go func() {
		_, _, err := post(t, sink, "hello")
		failed <- err
	}()
	<-sink.Reached()
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a stalled request was answered")
	}
}

func TestAnswersOfServices(t *testing.T) {
	for _, test := range []struct {
		answer func(httpsink.Request) httpsink.Response
		form   url.Values
		status int
		body   string
	}{
		{httpsink.Slack, url.Values{"channel": {"C1"}}, 200, `{"channel":"C1","ok":true,"ts":"`},
		{httpsink.Slack, nil, 200, `{"error":"channel_not_found","ok":false}`},
		{httpsink.Twilio, url.Values{"To": {"+15550100"}}, 201, `"sid":"SM`},
		{httpsink.Twilio, nil, 400, `"code":21604`},
	} {
		status, body, err := post(t, start(t, httpsink.Options{Answer: test.answer}), test.form.Encode())
		if status != test.status || !strings.Contains(body, test.body) || err != nil {
			t.Errorf("%v: %d, %s, %v", test.form, status, body, err)
		}
	}
}
