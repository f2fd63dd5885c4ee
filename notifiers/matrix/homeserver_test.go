package matrix_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A homeserver answers as the client-server API of Matrix says: it refuses what homeservers
// refuse, and gives the same answer to the same request.
type homeserver struct {
	room string

	mu     sync.Mutex
	done   map[string]string // ids of events by the path of their request
	events map[string]event
}

func newHomeserver(room string) *homeserver {
	return &homeserver{room: room, done: map[string]string{}, events: map[string]event{}}
}

// An event is what a test looks at of a request.
type event struct {
	Type    *string `json:"msgtype"`
	Plain   *string `json:"body"`
	Format  string  `json:"format"`
	HTML    string  `json:"formatted_body"`
	Mention *struct {
		Room  bool     `json:"room"`
		Users []string `json:"user_ids"`
	} `json:"m.mentions"`
	Relation struct {
		Kind     string `json:"rel_type"`
		Event    string `json:"event_id"`
		Fallback bool   `json:"is_falling_back"`
		Answers  struct {
			Event string `json:"event_id"`
		} `json:"m.in_reply_to"`
	} `json:"m.relates_to"`
	New *event `json:"m.new_content"`
}

func (h *homeserver) answer(r httpsink.Request) httpsink.Response {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch auth := r.Header.Get("Authorization"); {
	case auth == "":
		return refuse(http.StatusUnauthorized, "M_MISSING_TOKEN", "Missing access token")
	case auth != "Bearer "+canary:
		return refuse(http.StatusUnauthorized, "M_UNKNOWN_TOKEN", "Invalid access token passed.")
	}
	room, _, found := strings.Cut(strings.TrimPrefix(r.Path, "/_matrix/client/v3/rooms/"), "/send/m.room.message/")
	if !found || r.Method != http.MethodPut || strings.Contains(r.Path, "?") {
		return refuse(http.StatusNotFound, "M_UNRECOGNIZED", "Unrecognized request")
	}
	if id, err := url.PathUnescape(room); err != nil || id != h.room {
		return refuse(http.StatusForbidden, "M_FORBIDDEN", "User not in room")
	}
	if id, twice := h.done[r.Path]; twice {
		return respond(http.StatusOK, map[string]any{"event_id": id})
	}
	var e event
	if r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(r.Body, &e) != nil {
		return refuse(http.StatusBadRequest, "M_NOT_JSON", "Content not JSON.")
	}
	if why := h.judge(r.Body, e); why != "" {
		return refuse(http.StatusBadRequest, "M_UNKNOWN", why)
	}
	sum := sha256.Sum256([]byte(r.Path))
	id := "$" + base64.RawURLEncoding.EncodeToString(sum[:])
	h.done[r.Path], h.events[id] = id, e
	return respond(http.StatusOK, map[string]any{"event_id": id})
}

// judge returns why a homeserver refuses an event; empty: it does not.
func (h *homeserver) judge(body []byte, e event) string {
	// With signatures, hashes and the ids of earlier events there are about 2,000 bytes more.
	if len(body) > 65536-2000 {
		return "event too large"
	}
	if e.Type == nil || e.Plain == nil {
		return "'body' not in content"
	}
	related, known := h.events[e.Relation.Event]
	switch e.Relation.Kind {
	case "m.thread":
		if known && related.Relation.Kind != "" {
			return "Cannot start threads from an event with a relation"
		}
	case "m.replace":
		if e.New == nil || e.New.Plain == nil || known && related.Relation.Kind == "m.replace" {
			return "Cannot replace"
		}
	}
	return ""
}

func refuse(status int, code, words string) httpsink.Response {
	return respond(status, map[string]any{"errcode": code, "error": words})
}

func respond(status int, value map[string]any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

func decode(r httpsink.Request) (e event) {
	if err := json.Unmarshal(r.Body, &e); err != nil {
		panic(err)
	}
	return e
}

// called returns whom an event calls: whom it mentions, or, where it says nothing of that,
// everybody whom the text names, as older homeservers do.
func called(e event) string {
	switch {
	case e.Mention == nil && strings.Contains(strings.ToLower(*e.Plain), "@room"):
		return "@room"
	case e.Mention == nil:
		return ""
	case e.Mention.Room:
		return "@room"
	}
	return strings.Join(e.Mention.Users, " ")
}

// read finds the texts of an event, as those see them who read it.
func read(r httpsink.Request) notifiertest.Received {
	e := decode(r)
	_, request, _ := strings.Cut(r.Path, "/send/m.room.message/")
	received := notifiertest.Received{Once: request, Quiet: *e.Type == "m.notice", Mention: called(e)}
	if e.New != nil {
		received.Updates = e.Relation.Event
		e = *e.New
		received.Mention += called(e)
	} else {
		received.Thread = e.Relation.Event
	}
	received.Text = *e.Plain + "\n" + e.HTML
	return received
}
