package mattermost_test

import (
	"crypto/sha256"
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
	token   = "hunter2canary0token0000000"
	hookKey = "hunter2canary0hook00000000"
	town    = "4yxo4xqkqtnfpfqz1tfpwwqwqa" // the id of the channel town-square
)

// A post is what a server keeps.
type post struct {
	Channel string `json:"channel_id"`
	Message string `json:"message"`
	Root    string `json:"root_id"`
	Pending string `json:"pending_post_id"`
	Props   struct {
		Attachments []attachment `json:"attachments"`
	} `json:"props"`

	ID string `json:"id"`
}

type attachment struct {
	Fallback, Color, Title, Text, Footer string
}

// A server answers as Mattermost does: the API of posts, and one incoming webhook.
type server struct {
	mu      sync.Mutex
	posts   map[string]post   // by their ids
	pending map[string]string // the ids of posts by their pending_post_id
}

func newServer() *server { return &server{posts: map[string]post{}, pending: map[string]string{}} }

func (s *server) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Header.Get("Content-Type") != "application/json":
		return refuse(http.StatusBadRequest, "api.context.invalid_body_param.app_error")
	case r.Path == "/hooks/"+hookKey && r.Method == http.MethodPost:
		return s.hook(r)
	case !strings.HasPrefix(r.Path, "/api/v4/posts"):
		return httpsink.Response{Status: http.StatusNotFound, Body: "<html>Page not found"}
	case r.Header.Get("Authorization") != "Bearer "+token:
		return refuse(http.StatusUnauthorized, "api.context.session_expired.app_error")
	case r.Path == "/api/v4/posts" && r.Method == http.MethodPost:
		return s.create(r)
	case r.Method == http.MethodPut:
		return s.patch(r)
	}
	return refuse(http.StatusNotFound, "api.context.404.app_error")
}

func (s *server) create(r httpsink.Request) httpsink.Response {
	var p post
	if err := json.Unmarshal(r.Body, &p); err != nil || len(p.Channel) != 26 {
		return refuse(http.StatusBadRequest, "api.context.invalid_body_param.app_error")
	}
	if p.Channel != town {
		return refuse(http.StatusForbidden, "api.context.permissions.app_error")
	}
	if _, known := s.posts[p.Root]; p.Root != "" && !known {
		return refuse(http.StatusBadRequest, "api.post.create_post.root_id.app_error")
	}
	if first, known := s.pending[p.Pending]; known {
		return created(s.posts[first])
	}
	if utf8.RuneCountInString(p.Message) > 16383 || p.Message == "" {
		return refuse(http.StatusBadRequest, "model.post.is_valid.message_length.app_error")
	}
	p.ID = postID(r.Body)
	s.posts[p.ID], s.pending[p.Pending] = p, p.ID
	return created(p)
}

// postID returns an id as Mattermost makes them, from the body of the request.
func postID(body []byte) string { return fmt.Sprintf("%x", sha256.Sum256(body))[:26] }

func created(p post) httpsink.Response {
	return httpsink.Response{Status: http.StatusCreated, Body: encode(p)}
}

var patchPath = regexp.MustCompile(`^/api/v4/posts/([a-z0-9]{26})/patch$`)

func (s *server) patch(r httpsink.Request) httpsink.Response {
	parts := patchPath.FindStringSubmatch(r.Path)
	if parts == nil {
		return refuse(http.StatusNotFound, "api.context.404.app_error")
	}
	p, known := s.posts[parts[1]]
	if !known {
		return refuse(http.StatusNotFound, "app.post.get.app_error")
	}
	if err := json.Unmarshal(r.Body, &p); err != nil {
		return refuse(http.StatusBadRequest, "api.context.invalid_body_param.app_error")
	}
	s.posts[p.ID] = p
	return httpsink.Response{Status: http.StatusOK, Body: encode(p)}
}

// all returns the posts as they are now.
func (s *server) all() map[string]post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.posts)
}

func (s *server) hook(r httpsink.Request) httpsink.Response {
	var sent struct {
		Channel, Text string
		Attachments   []attachment
	}
	switch err := json.Unmarshal(r.Body, &sent); {
	case err != nil:
		return refuse(http.StatusBadRequest, "web.incoming_webhook.parse.app_error")
	case sent.Text == "" && len(sent.Attachments) == 0:
		return refuse(http.StatusBadRequest, "web.incoming_webhook.text.app_error")
	case sent.Channel != "" && sent.Channel != "town-square":
		return refuse(http.StatusNotFound, "web.incoming_webhook.channel.app_error")
	}
	return httpsink.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}, Body: "ok"}
}

func refuse(status int, id string) httpsink.Response {
	return httpsink.Response{Status: status, Body: encode(map[string]any{
		"id": id, "message": "Das geht nicht.", "detailed_error": "", "request_id": "x", "status_code": status,
	})}
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// called are the mentions of Mattermost: at the beginning of a word.
var called = regexp.MustCompile(`(?:^|\s)(@[a-z0-9._-]+)`)

// read finds what a request shows, as a reader sees it.
func read(r httpsink.Request) (got notifiertest.Received) {
	var p post
	var hooked struct {
		Text        string
		Attachments []attachment
	}
	if json.Unmarshal(r.Body, &p) != nil || json.Unmarshal(r.Body, &hooked) != nil {
		return got
	}
	got.Text = p.Message + hooked.Text
	for _, mention := range called.FindAllStringSubmatch(got.Text, -1) {
		got.Mention += mention[1]
	}
	for _, a := range append(p.Props.Attachments, hooked.Attachments...) {
		got.Text += "\n" + a.Title + "\n" + a.Text + "\n" + a.Footer
	}
	if parts := patchPath.FindStringSubmatch(r.Path); parts != nil {
		got.Updates = parts[1]
		return got
	}
	got.Thread, got.Once = p.Root, p.Pending
	got.Key = strings.TrimPrefix(p.Pending, "imapvigil:")
	return got
}

// formatted returns the texts of a post in which Mattermost reads Markdown, which footers are not.
func formatted(r httpsink.Request) []string {
	var p post
	if err := json.Unmarshal(r.Body, &p); err != nil {
		panic(err)
	}
	texts := []string{p.Message}
	for _, a := range p.Props.Attachments {
		texts = append(texts, a.Title, a.Text)
	}
	return texts
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
