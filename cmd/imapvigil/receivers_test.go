package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slacktest"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// The secrets of testdata/real/credentials.
const (
	smtpPassword  = "wave-7-crest"
	webhookSecret = "whsec_aW1hcHZpZ2lsIHNheXMgaGVsbG8="
)

// messageReceivers are where the messages of testdata/real arrive: a mail server with
// STARTTLS and AUTH, slack-go's own test server, and HTTP servers in the place
// of Twilio and of the webhook's receiver.
type messageReceivers struct {
	t         testing.TB
	mail      *smtpsink.Sink
	slack     *slackServer
	sms, hook *httpsink.Sink
}

func newMessageReceivers(t testing.TB, authority *ca.Authority) *messageReceivers {
	t.Helper()
	l := &messageReceivers{t: t, slack: newSlackServer(t)}
	var err error
	l.mail, err = smtpsink.Start(smtpsink.Options{
		TLS:      &tls.Config{Certificates: []tls.Certificate{authority.Issue(ca.Leaf{})}, MinVersion: tls.VersionTLS12},
		Username: "alerts", Password: smtpPassword,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.mail.Close() })
	l.sms = startSink(t, httpsink.Twilio)
	l.hook = startSink(t, httpsink.NoContent)
	return l
}

func startSink(t testing.TB, answer func(httpsink.Request) httpsink.Response) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Address: ownAddress(), Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}

// ownAddress is a free port at a loopback address that nobody else uses
// (127.0.0.0/8), so that it stays free while nobody listens.
func ownAddress() string {
	return fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
}

// env is what the configuration asks for.
func (l *messageReceivers) env() map[string]string {
	return map[string]string{
		"SMTP_PORT": fmt.Sprint(l.mail.Port()), "SLACK_URL": l.slack.server.GetAPIURL(),
		"TWILIO_URL": l.sms.URL(), "WEBHOOK_URL": l.hook.URL(),
	}
}

// A message is what arrived on one way, and how it can be told from a second
// message: by the key, where the channel has one.
type message struct{ to, key, text string }

// toPeople are the messages that people got, in order for each of them.
func (l *messageReceivers) toPeople() (all []message) {
	for _, e := range l.mail.Messages() {
		if !e.TLS || e.User != "alerts" {
			l.t.Errorf("a mail came without TLS or without a login: %+v", e)
		}
		text := e.Text()
		all = append(all, message{to: strings.Join(e.To, " "), key: headerOf(e.Data, "X-Imapvigil-Key"), text: text})
	}
	for _, m := range l.slack.posts() {
		all = append(all, message{to: m.Channel, key: m.Text, text: slackWords(m)})
	}
	for _, r := range l.sms.Requests() {
		body := r.Field("Body")
		all = append(all, message{to: r.Field("To"), key: body, text: body})
	}
	return all
}

func headerOf(letter []byte, name string) string {
	for line := range strings.Lines(string(letter)) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// An event is what the webhook gets, as far as the tests look at it.
type event struct {
	Type     string `json:"type"`
	Key      string `json:"key"`
	Incident struct {
		ID, Check, Server, State, Phase, Cause, Hint string
		Groups                                       []string
	} `json:"incident"`
}

// events are what the webhook got, each verified as the library of Standard
// Webhooks does it.
func (l *messageReceivers) events() (all []event) {
	l.t.Helper()
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range l.hook.Requests() {
		if err := verifier.Verify(r.Body, r.Header); err != nil {
			l.t.Errorf("the webhook's signature: %v", err)
		}
		var e event
		if err := json.Unmarshal(r.Body, &e); err != nil {
			l.t.Errorf("the webhook's body: %v", err)
		}
		if id := r.Header.Get("Webhook-Id"); id != e.Key {
			l.t.Errorf("the webhook's id is %q, and the key of the event %q", id, e.Key)
		}
		all = append(all, e)
	}
	return all
}

// A slackServer is slack-go's own test server. What is posted there it shows on
// its websocket, after it has decoded attachments and blocks; so somebody has
// to stand there and listen.
type slackServer struct {
	server *slacktest.Server

	mu     sync.Mutex
	posted []slack.Message
}

func newSlackServer(t testing.TB) *slackServer {
	t.Helper()
	room := &slackServer{server: slacktest.NewTestServer()}
	// slacktest has no changes of messages.
	room.server.Handle("/chat.update", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"channel":"C1","ts":"1795456025.000001"}`)
	})
	room.server.Start()
	t.Cleanup(room.server.Stop)
	conn, resp, err := websocket.DefaultDialer.Dial(room.server.GetWSURL(), http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		room.listen(conn)
	}()
	t.Cleanup(func() {
		goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
		_ = conn.Close()
		<-heard
	})
	return room
}

func (s *slackServer) listen(conn *websocket.Conn) {
	for {
		var m slack.Message
		if err := conn.ReadJSON(&m); err != nil {
			return
		}
		s.mu.Lock()
		s.posted = append(s.posted, m)
		s.mu.Unlock()
	}
}

func (s *slackServer) posts() []slack.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posted)
}

// slackWords is all that a reader sees.
func slackWords(m slack.Message) string {
	words := []string{m.Text}
	for _, a := range m.Attachments {
		for _, block := range a.Blocks.BlockSet {
			if section, ok := block.(*slack.SectionBlock); ok {
				words = append(words, section.Text.Text)
			}
		}
	}
	return strings.Join(words, "\n")
}
