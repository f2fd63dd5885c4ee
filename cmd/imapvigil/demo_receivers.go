package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// demoRates leave people less time than they have outside the demo.
var demoRates = daemon.Rates{First: time.Second, Every: 2 * time.Second, Digest: 2 * time.Second, Large: 20}

// receivers are the places where the demo's messages arrive.
type receivers struct {
	mail             *smtpsink.Sink
	slack, sms, hook *httpsink.Sink
}

func newReceivers(certificate tls.Certificate) (r *receivers, err error) {
	r = &receivers{}
	r.mail, err = smtpsink.Start(smtpsink.Options{
		TLS:      &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Username: "alerts", Password: "secret",
	})
	for _, sink := range []struct {
		to     **httpsink.Sink
		answer func(httpsink.Request) httpsink.Response
	}{{&r.slack, httpsink.Slack}, {&r.sms, httpsink.Twilio}, {&r.hook, httpsink.NoContent}} {
		if err == nil {
			*sink.to, err = httpsink.Start(httpsink.Options{Answer: sink.answer})
		}
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("starting the receivers: %w", err)
	}
	return r, nil
}

func (r *receivers) close() {
	if r.mail != nil {
		_ = r.mail.Close()
	}
	for _, s := range []*httpsink.Sink{r.slack, r.sms, r.hook} {
		if s != nil {
			_ = s.Close()
		}
	}
}

// await waits until every receiver has n messages, and prints the last of each.
func (r *receivers) await(ctx context.Context, p *program, n int) func() {
	return func() {
		if letters, err := r.mail.Wait(ctx, n); err == nil {
			p.message("email to "+letters[n-1].To[0], letter(letters[n-1].Data))
		}
		if posts, err := r.slack.Wait(ctx, n); err == nil {
			p.message("Slack", slackText(posts[n-1].Body))
		}
		if posts, err := r.sms.Wait(ctx, n); err == nil {
			p.message("SMS", formField(posts[n-1].Body, "Body"))
		}
		if posts, err := r.hook.Wait(ctx, n); err == nil {
			p.message("webhook", pretty(posts[n-1].Body))
		}
	}
}

func (p *program) message(to, text string) {
	p.printf("  ---- %s ----\n%s\n\n", to, indent(text))
}

// letter is an email as a mail program shows it.
func letter(data []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return string(data)
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return string(data)
	}
	return "Subject: " + m.Header.Get("Subject") + "\n\n" + strings.ReplaceAll(string(text), "\r\n", "\n")
}

func slackText(body []byte) string {
	if text := formField(body, "text"); text != "" {
		return text
	}
	return string(body)
}

func formField(body []byte, name string) string {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return string(body)
	}
	return values.Get(name)
}

func pretty(body []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return string(body)
	}
	return out.String()
}
