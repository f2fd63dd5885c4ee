package rocketchat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

const (
	token = "hunter2-canary-token"
	user  = "aobEdbYhXfu5hkeqG"
	ops   = "GENERALroom000001" // the id of #mail-ops
)

// A message is what a server keeps.
type message struct {
	Channel     string       `json:"channel"`
	Room        string       `json:"roomId"`
	ID          string       `json:"msgId"`
	Text        string       `json:"text"`
	Thread      string       `json:"tmid"`
	ParseURLs   *bool        `json:"parseUrls"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct{ Color, Title, Text string }

// A server answers as the REST API of Rocket.Chat does (chat.postMessage, chat.update).
type server struct {
	mu       sync.Mutex
	messages map[string]message
}

func newServer() *server { return &server{messages: map[string]message{}} }

func (s *server) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Header.Get("X-Auth-Token") != token || r.Header.Get("X-User-Id") != user:
		return httpsink.Response{Status: http.StatusUnauthorized, Body: `{"status":"error","message":"You must be logged in to do this."}`}
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json":
		return refuse(http.StatusBadRequest, "error-invalid-params")
	}
	var m message
	if err := json.Unmarshal(r.Body, &m); err != nil {
		return refuse(http.StatusBadRequest, "error-invalid-params")
	}
	switch r.Path {
	case "/api/v1/chat.postMessage":
		return s.post(m)
	case "/api/v1/chat.update":
		return s.update(m)
	}
	return httpsink.Response{Status: http.StatusNotFound, Body: "<html>Not found"}
}

func (s *server) post(m message) httpsink.Response {
	_, known := s.messages[m.Thread]
	switch {
	case (m.Channel == "") == (m.Room == ""), m.Channel != "#mail-ops" && m.Room != ops:
		return refuse(http.StatusBadRequest, "error-room-not-found")
	case m.Thread != "" && !known:
		return refuse(http.StatusBadRequest, "error-invalid-thread")
	case utf8.RuneCountInString(m.Text) > 5000:
		return refuse(http.StatusBadRequest, "error-message-size-exceeded")
	}
	m.ID, m.Room = fmt.Sprintf("message%010d", len(s.messages)+1), ops
	s.messages[m.ID] = m
	return created(m.ID)
}

func (s *server) update(m message) httpsink.Response {
	had, known := s.messages[m.ID]
	if !known || m.Room != ops || m.Text == "" {
		return refuse(http.StatusBadRequest, "The room id provided does not match where the message is from.")
	}
	had.Text = m.Text
	s.messages[m.ID] = had
	return created(m.ID)
}

// all returns the messages as they are now.
func (s *server) all() map[string]message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.messages)
}

func created(id string) httpsink.Response {
	return httpsink.Response{Status: http.StatusOK, Body: encode(map[string]any{
		"success": true, "ts": 1796038872000, "channel": "mail-ops", "message": map[string]any{"_id": id, "rid": ops, "msg": "..."},
	})}
}

func refuse(status int, words string) httpsink.Response {
	return httpsink.Response{Status: status, Body: encode(map[string]any{"success": false, "error": words})}
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// called are the mentions of Rocket.Chat.
var called = regexp.MustCompile(`@[A-Za-z0-9._-]+`)

// read finds what a request shows, as a reader sees it.
func read(r httpsink.Request) (got notifiertest.Received) {
	var m message
	if json.Unmarshal(r.Body, &m) != nil {
		return got
	}
	got.Text, got.Thread = m.Text, m.Thread
	for _, a := range m.Attachments {
		got.Text += "\n" + a.Title + "\n" + a.Text
	}
	got.Mention = strings.Join(called.FindAllString(got.Text, -1), " ")
	if r.Path == "/api/v1/chat.update" {
		got.Updates = m.ID
	}
	return got
}

func start(t *testing.T, answer func(httpsink.Request) httpsink.Response) *httpsink.Sink {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{Answer: answer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	return sink
}
