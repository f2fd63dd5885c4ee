package ntfy_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/ntfy"
)

const (
	user   = "imapvigil"
	canary = `tk_hunter2"+&canary`
)

// published is a body as the documentation of ntfy describes it (publish, "Publish as JSON").
type published struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Tags     []string `json:"tags"`
	Priority int      `json:"priority"`
	Actions  []struct {
		Action string `json:"action"`
		Label  string `json:"label"`
		URL    string `json:"url"`
		Method string `json:"method"`
		Clear  bool   `json:"clear"`
	} `json:"actions"`
	Click    string `json:"click"`
	Markdown bool   `json:"markdown"`
	Sequence string `json:"sequence_id"`
}

func parse(r httpsink.Request) (p published) {
	if err := json.Unmarshal(r.Body, &p); err != nil {
		panic(err)
	}
	return p
}

// A server answers as ntfy does.
type server struct {
	old bool // before 2.16, without sequences
}

var (
	topics    = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)
	basicAuth = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+canary))
)

func (s server) answer(r httpsink.Request) httpsink.Response {
	var p published
	authorization := r.Header.Get("Authorization")
	switch {
	case authorization != "Bearer "+canary && authorization != basicAuth:
		return refusal(40101, "unauthorized")
	case r.Method != http.MethodPost || r.Path != "/":
		return refusal(40401, "page not found")
	case json.Unmarshal(r.Body, &p) != nil:
		return refusal(40024, "invalid request: request body must be valid JSON")
	case !topics.MatchString(p.Topic):
		return refusal(40009, "invalid request: topic invalid")
	case p.Topic == "reserved":
		return refusal(40301, "forbidden")
	case p.Priority < 0 || p.Priority > 5:
		return refusal(40007, "invalid priority parameter")
	case len(p.Actions) > 3:
		return refusal(40018, "invalid request: actions invalid, only 3 actions allowed")
	case p.Sequence != "" && !topics.MatchString(p.Sequence):
		return refusal(40049, "invalid request: sequence ID invalid")
	}
	for _, a := range p.Actions {
		if a.Action != "view" && a.Action != "http" || a.Label == "" || a.URL == "" {
			return refusal(40018, "invalid request: actions invalid")
		}
	}
	kept := map[string]any{
		"id": fmt.Sprintf("%.6x", sha256.Sum256(r.Body)), "time": 1795456025, "event": "message", "topic": p.Topic, "title": p.Title, "message": p.Message,
	}
	if len(p.Message) > 4096 {
		kept["message"] = "You received a file: attachment.txt"
		kept["attachment"] = map[string]any{"name": "attachment.txt"}
	}
	if p.Sequence != "" && !s.old {
		kept["sequence_id"] = p.Sequence
	}
	return response(http.StatusOK, kept)
}

func response(status int, value any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

// refusal is an error of ntfy, whose code begins with the status.
func refusal(code int, text string) httpsink.Response {
	return response(code/100, map[string]any{"code": code, "http": code / 100, "error": text, "link": "https://ntfy.sh/docs/publish/"})
}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) (*httpsink.Sink, ntfy.Settings) {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink, ntfy.Settings{URL: sink.URL(), Token: opaque.NewSecret(canary)}
}

// A phone shows what arrives, and knows what takes the place of what.
type phone struct{ *notifiertest.HTTPReceiver }

func read(r httpsink.Request) notifiertest.Received {
	p := parse(r)
	return notifiertest.Received{
		Text: strings.Join([]string{p.Title, p.Message, fmt.Sprint(p.Tags, p.Click, p.Actions)}, "\n"), Quiet: p.Priority <= 2,
	}
}

func (p phone) Received() (received []notifiertest.Received) {
	seen := map[string]bool{}
	for _, r := range p.Sink.Requests() {
		got, sequence := read(r), parse(r).Sequence
		if seen[sequence] {
			got.Updates = sequence
		}
		seen[sequence] = sequence != ""
		received = append(received, got)
	}
	return received
}

var ops = ntfy.Target{Topic: "mail-ops"}

func conform(t *testing.T) notifiertest.Channel {
	sink, settings := start(t, server{}.answer)
	return notifiertest.Channel{
		Settings: settings, Target: ops, Written: notifiers.Values{"topic": {Text: "mail-ops"}},
		Canary: canary, Pause: 10_000_000_000, Keyless: true,
		Receiver: phone{&notifiertest.HTTPReceiver{
			Sink: sink, Read: read,
			Accept: func(text string) httpsink.Response {
				return response(http.StatusOK, map[string]any{"id": text, "event": "message"})
			},
			Refuse: func(text string) httpsink.Response { return refusal(40301, text) },
			Answers: map[notifiertest.Fault]httpsink.Response{
				notifiertest.Busy: refusal(42901, "limit reached: too many requests"),
				notifiertest.Lie:  {Status: http.StatusOK, Body: refusal(40301, "forbidden").Body},
			},
		}},
	}
}

func TestConformance(t *testing.T) {
	t.Run("token", func(t *testing.T) { notifiertest.Run(t, conform) })
	t.Run("password", func(t *testing.T) {
		notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
			c := conform(t)
			c.Settings = ntfy.Settings{URL: c.Settings.(ntfy.Settings).URL + "/", Username: user, Password: opaque.NewSecret(canary)}
			return c
		})
	})
}

func FuzzAnswers(f *testing.F) { notifiertest.FuzzAnswers(f, conform) }
