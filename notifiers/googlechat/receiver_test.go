package googlechat_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

const (
	canary = "hunter2-canary_token"
	key    = "hunter2-canary_key"
	path   = "/v1/spaces/AAQAhSpaceId/messages"
	query  = "?key=" + key + "&token=" + canary + "%3D"
)

// A message is what the webhook of a space takes.
type message struct {
	Text   string
	Thread *struct{ ThreadKey string }
}

// A space answers as Google Chat does.
type space struct {
	mu       sync.Mutex
	messages map[string]string // the names of messages by their requestId
	threads  map[string]string // the names of threads by their threadKey
}

func newSpace() *space { return &space{messages: map[string]string{}, threads: map[string]string{}} }

func (s *space) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(r.Path)
	if err != nil {
		return refuse(http.StatusBadRequest, "INVALID_ARGUMENT")
	}
	var m message
	q, option := u.Query(), ""
	if options := q["messageReplyOption"]; len(options) == 1 {
		option = options[0]
	}
	switch {
	case u.Path != path || r.Method != http.MethodPost:
		return refuse(http.StatusNotFound, "NOT_FOUND")
	case q.Get("key") != key || q.Get("token") != canary+"=":
		return refuse(http.StatusUnauthorized, "UNAUTHENTICATED")
	case r.Header.Get("Content-Type") != "application/json", json.Unmarshal(r.Body, &m) != nil, m.Text == "",
		len(r.Body) > 32_000, m.Thread != nil && (m.Thread.ThreadKey == "" || len(m.Thread.ThreadKey) > 4000),
		option != "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", len(q["requestId"]) != 1:
		return refuse(http.StatusBadRequest, "INVALID_ARGUMENT")
	}
	name, known := s.messages[q.Get("requestId")]
	if !known {
		name = fmt.Sprintf("spaces/AAQAhSpaceId/messages/%.11x.%.11x", sha256.Sum256(r.Body), sha256.Sum256([]byte(r.Path)))
		s.messages[q.Get("requestId")] = name
	}
	thread := map[string]string{"name": "spaces/AAQAhSpaceId/threads/alone"}
	if m.Thread != nil {
		if s.threads[m.Thread.ThreadKey] == "" {
			s.threads[m.Thread.ThreadKey] = fmt.Sprintf("spaces/AAQAhSpaceId/threads/%d", len(s.threads))
		}
		thread = map[string]string{"name": s.threads[m.Thread.ThreadKey], "threadKey": m.Thread.ThreadKey}
	}
	return respond(http.StatusOK, map[string]any{"name": name, "text": m.Text, "thread": thread})
}

func respond(status int, v any) httpsink.Response {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, Body: string(text)}
}

func refuse(status int, word string) httpsink.Response {
	return respond(status, map[string]any{"error": map[string]any{"code": status, "message": "It cannot be done.", "status": word}})
}

var called = regexp.MustCompile(`<(users/[^>|]*)>`)

// read finds what a request shows, as a reader sees it.
func read(r httpsink.Request) (got notifiertest.Received) {
	var m message
	u, err := url.Parse(r.Path)
	if err != nil || json.Unmarshal(r.Body, &m) != nil {
		return got
	}
	got.Text, got.Key, got.Once = m.Text, u.Query().Get("requestId"), u.Query().Get("requestId")
	if m.Thread != nil {
		got.Thread = m.Thread.ThreadKey
	}
	var ids []string
	for _, mention := range called.FindAllStringSubmatch(m.Text, -1) {
		ids = append(ids, mention[1])
	}
	got.Mention = strings.Join(ids, " ")
	return got
}
