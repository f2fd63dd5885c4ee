package email_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

const (
	user   = "alerts"
	canary = "hunter2-canary"
)

// post starts a server, and makes settings that lead to it.
func post(t *testing.T, options smtpsink.Options) (*smtpsink.Sink, email.Settings) {
	t.Helper()
	server, ca := notifiertest.Certificate(t)
	options.TLS = server
	sink, err := smtpsink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	settings := email.Settings{Host: "127.0.0.1", Port: sink.Port(), From: "imapvigil <alerts@example.net>", CA: ca}
	if options.Implicit {
		settings.Security = "tls"
	}
	if options.Username != "" {
		settings.Username, settings.Password = options.Username, opaque.NewSecret(options.Password)
	}
	return sink, settings
}

func target(t *testing.T, to ...string) email.Target {
	t.Helper()
	got, err := email.NewTarget(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A receiver makes a sink misbehave as the suite wants it.
type receiver struct{ sink *smtpsink.Sink }

func (r *receiver) Behave(fault notifiertest.Fault) {
	answer := func(at smtpsink.Stage, code int, text string) smtpsink.Behaviour {
		return smtpsink.Behaviour{At: at, Code: code, Text: text}
	}
	secrets := strings.Join([]string{
		canary, base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + canary)),
	}, " ")
	switch fault {
	case notifiertest.None:
		r.sink.Behave()
	case notifiertest.Stall:
		r.sink.Behave(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Stall})
	case notifiertest.HangUp:
		r.sink.Behave(smtpsink.Behaviour{At: smtpsink.Data, Do: smtpsink.Drop})
	case notifiertest.Busy:
		r.sink.Behave(answer(smtpsink.Rcpt, 451, "4.7.1 greylisted"))
	case notifiertest.Broken:
		r.sink.Behave(answer(smtpsink.Mail, 421, "4.3.2 shutting down"))
	case notifiertest.Refuse:
		r.sink.Behave(answer(smtpsink.Rcpt, 550, "5.1.1 who?"))
	case notifiertest.Echo:
		r.sink.Behave(answer(smtpsink.Data, 554, secrets+notifiertest.HostileWords))
	case notifiertest.Rude:
		r.sink.Behave(answer(smtpsink.Reply, 250, notifiertest.HostileWords))
	case notifiertest.Scorn:
		r.sink.Behave(answer(smtpsink.Reply, 554, notifiertest.HostileWords))
	}
}

func (r *receiver) Reached() <-chan struct{} {
	reached := make(chan struct{}, 1)
	go func() {
		<-r.sink.Reached()
		reached <- struct{}{}
	}()
	return reached
}

func (r *receiver) Received() (received []notifiertest.Received) {
	for _, envelope := range r.sink.Messages() {
		m := parse(envelope.Data)
		received = append(received, notifiertest.Received{
			Key: m.Header.Get("X-Imapvigil-Key"), Text: m.subject + "\n" + m.text + "\n" + m.html,
			Thread: m.Header.Get("In-Reply-To"),
		})
	}
	return received
}

type letter struct {
	*mail.Message
	subject, text, html string
}

// parse reads a letter as a mail client does.
func parse(data []byte) letter {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		panic(err)
	}
	var bodies []string
	for parts := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		part, err := parts.NextPart() // decodes what is quoted-printable
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			panic(err)
		}
		bodies = append(bodies, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		panic(err)
	}
	return letter{m, subject, bodies[0], bodies[1]}
}
