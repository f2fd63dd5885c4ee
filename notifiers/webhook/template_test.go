package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

const ownBody = `{"key": {{json .Key}}, "id": {{json .Subject}}, "what": {{json .Transition}}, "at": {{json .At}}, "items": [
{{range $i, $item := .Items}}{{if $i}},{{end}}{"label": {{json .Label}}, "groups": {{json .Groups}}, "ended": {{json .Ended}}, "text": {{json .Evidence}}}{{end}}]}`

func TestConformanceWithTemplate(t *testing.T) {
	notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
		sink, settings := start(t)
		settings.Secret, settings.Method, settings.Body = opaque.NewSecret(canary), "PUT", ownBody
		return notifiertest.Channel{
			Settings: settings, Target: webhook.Target{}, Canary: canary, Pause: notifiertest.Pause,
			Trusts: notifiertest.TrustsAnything("any program may be the receiver, and Standard Webhooks knows no other proof than 2xx"),
			Receiver: &notifiertest.HTTPReceiver{Sink: sink, Read: func(r httpsink.Request) notifiertest.Received {
				if r.Method != http.MethodPut || !json.Valid(r.Body) {
					t.Errorf("%s %s", r.Method, r.Body)
				}
				// A template need not show the key of the message, but a signature does.
				return notifiertest.Received{Key: r.Header.Get("webhook-id"), Text: string(r.Body)}
			}},
		}
	})
}

// The body of each kind of message.
func TestOwnBodies(t *testing.T) {
	sink, settings := start(t)
	settings.Body = ownBody
	n := open(t, settings)
	var all strings.Builder
	for _, m := range notifiertest.Messages() {
		if _, err := n.Notify(t.Context(), webhook.Target{}, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range sink.Requests() {
		if kind := r.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("type %s", kind)
		}
		all.Write(append(r.Body, '\n'))
	}
	golden.Compare(t, "testdata/own.txt", all.String())
}

// An own body is signed as it is sent, and is the same on every attempt.
func TestOwnBodyIsSigned(t *testing.T) {
	sink, settings := start(t)
	settings.Secret, settings.Body = opaque.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ownBody
	n := open(t, settings)
	for range 2 {
		if _, err := n.Notify(t.Context(), webhook.Target{}, notifiertest.Message("k-1")); err != nil {
			t.Fatal(err)
		}
	}
	verifier, err := standardwebhooks.NewWebhook(settings.Secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	requests := sink.Requests()
	for _, r := range requests {
		if err := verifier.Verify(r.Body, r.Header); err != nil || r.Header.Get("webhook-id") != "k-1" {
			t.Error(err)
		}
	}
	if !bytes.Equal(requests[0].Body, requests[1].Body) {
		t.Errorf("%s, and then %s", requests[0].Body, requests[1].Body)
	}
}

// A template that fails costs no event: the built-in body is sent, and receipt and error say so.
func TestOwnBodyFails(t *testing.T) {
	for source, want := range map[string]string{
		`{{json (index .Items 3).Check}}`: "imapvigil's own body was sent, since the template failed: line 1, column 9: <index .Items 3>: there is no such item",
		`{{.Text}}`:                       "imapvigil's own body was sent, since the template failed: what it made is not JSON",
	} {
		sink, settings := start(t)
		settings.Body = source
		n := open(t, settings)
		m := notifiertest.Message("k")
		receipt, err := n.Notify(t.Context(), webhook.Target{}, m)
		if err != nil || !strings.HasPrefix(receipt.Answer.String(), want) || !strings.Contains(receipt.Answer.String(), "HTTP 20") {
			t.Errorf("%s: %v, %v", source, receipt.Answer, err)
		}
		if body, _ := webhook.Body(m); !bytes.Equal(sink.Requests()[0].Body, body) {
			t.Errorf("%s: sent %s", source, sink.Requests()[0].Body)
		}
		sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: httpsink.Response{Status: http.StatusBadRequest}})
		if _, err = n.Notify(t.Context(), webhook.Target{}, m); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "since the template failed") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestOwnBodySettings(t *testing.T) {
	url := opaque.NewSecret("https://example.org/")
	for want, settings := range map[string]webhook.Settings{
		`method "GET" is not known`:              {URL: url, Method: "GET"},
		"body: line 1, column 3: there is no .X": {URL: url, Body: "{{.X}}"},
	} {
		if _, err := settings.Open(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
