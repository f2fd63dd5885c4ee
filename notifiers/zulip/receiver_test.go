package zulip_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

const (
	email = "imapvigil-bot@example.zulipchat.com"
	token = `hunter2"+%/canary`
)

// A server answers as Zulip does: it has one channel, "mail ops", and topics in it.
type server struct {
	mu     sync.Mutex
	topics map[int]string // by the ids of messages
}

func newServer() *server { return &server{topics: map[int]string{}} }

func (s *server) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	fields, err := url.ParseQuery(string(r.Body))
	switch {
	case r.Header.Get("Authorization") != "Basic "+httpdo.Basic(email, token):
		return refuse(http.StatusUnauthorized, "UNAUTHORIZED")
	case err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return refuse(http.StatusBadRequest, "BAD_REQUEST")
	case r.Path == "/api/v1/messages" && r.Method == http.MethodPost:
		return s.send(fields)
	case r.Method == http.MethodPatch:
		return s.change(r, fields)
	}
	return refuse(http.StatusNotFound, "BAD_REQUEST")
}

func (s *server) send(f url.Values) httpsink.Response {
	content := f.Get("content")
	switch {
	case f.Get("type") != "stream" && f.Get("type") != "channel", content == "", f.Get("topic") == "":
		return refuse(http.StatusBadRequest, "BAD_REQUEST")
	case f.Get("to") != "mail ops":
		return refuse(http.StatusBadRequest, "STREAM_DOES_NOT_EXIST")
	// A longer one would be cut, in the middle of a fence.
	case utf8.RuneCountInString(content) > 10_000, utf8.RuneCountInString(f.Get("topic")) > 60:
		return refuse(http.StatusBadRequest, "BAD_REQUEST")
	}
	id := 4000 + len(s.topics)
	s.topics[id] = f.Get("topic")
	return succeed(map[string]any{"id": id})
}

var messagePath = regexp.MustCompile(`^/api/v1/messages/([0-9]+)$`)

func (s *server) change(r httpsink.Request, f url.Values) httpsink.Response {
	parts := messagePath.FindStringSubmatch(r.Path)
	if parts == nil || f.Get("topic") == "" || f.Get("propagate_mode") != "change_all" || utf8.RuneCountInString(f.Get("topic")) > 60 {
		return refuse(http.StatusBadRequest, "BAD_REQUEST")
	}
	id, _ := strconv.Atoi(parts[1])
	old, known := s.topics[id]
	if !known {
		return refuse(http.StatusBadRequest, "BAD_REQUEST")
	}
	for other, topic := range s.topics {
		if topic == old {
			s.topics[other] = f.Get("topic")
		}
	}
	return succeed(nil)
}

func (s *server) all() map[int]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.topics)
}

func succeed(more map[string]any) httpsink.Response {
	body := map[string]any{"result": "success", "msg": ""}
	maps.Copy(body, more)
	return respond(http.StatusOK, body)
}

func refuse(status int, code string) httpsink.Response {
	return respond(status, map[string]any{"result": "error", "msg": "Das geht nicht.", "code": code})
}

func respond(status int, v any) httpsink.Response {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(text)}
}

var called = regexp.MustCompile(`@_?\*{1,2}[^*]+\*{1,2}`)

// read finds what a request shows, as a reader sees it.
func read(r httpsink.Request) (got notifiertest.Received) {
	if parts := messagePath.FindStringSubmatch(r.Path); parts != nil {
		return notifiertest.Received{Updates: parts[1], Text: r.Field("topic")}
	}
	got.Text, got.Thread = r.Field("content"), r.Field("topic")
	got.Mention = strings.Join(called.FindAllString(got.Text, -1), " ")
	return got
}

// show is a request as a person reads it.
func show(r httpsink.Request) string {
	return fmt.Sprintf("%s %s\nto: %s\ntopic: %s\n\n%s\n", r.Method, r.Path, r.Field("to"), r.Field("topic"), r.Field("content"))
}
