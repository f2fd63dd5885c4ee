package demo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

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
		// After an error nothing more is started; close ends what was.
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
	// Those that were not started are nil.
	for _, s := range []*httpsink.Sink{r.slack, r.sms, r.hook} {
		if s != nil {
			_ = s.Close()
		}
	}
}

// A Message is one that arrived, as whoever gets it would see it.
type Message struct{ To, Text string }

// await waits until every receiver has n messages, and gives the last of each. A
// receiver that has fewer when ctx ends is left out.
func (r *receivers) await(ctx context.Context, n int) (arrived []Message) {
	if letters, err := r.mail.Wait(ctx, n); err == nil {
		arrived = append(arrived, Message{"email to " + letters[n-1].To[0], letters[n-1].Text()})
	}
	if posts, err := r.slack.Wait(ctx, n); err == nil {
		arrived = append(arrived, Message{"Slack", slackText(posts[n-1])})
	}
	if posts, err := r.sms.Wait(ctx, n); err == nil {
		arrived = append(arrived, Message{"SMS", posts[n-1].Field("Body")})
	}
	if posts, err := r.hook.Wait(ctx, n); err == nil {
		arrived = append(arrived, Message{"webhook", indentedJSON(posts[n-1].Body)})
	}
	return arrived
}

func slackText(r httpsink.Request) string { return cmp.Or(r.Field("text"), string(r.Body)) }

func indentedJSON(body []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return string(body)
	}
	return out.String()
}
