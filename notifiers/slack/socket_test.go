package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A workspace is Slack, as far as Socket Mode and chat.postMessage go. It is written from what Slack
// publishes of them: apps.connections.open takes an app-level token in a header and gives an address
// that works once; the connection begins with hello; each envelope is acknowledged within three
// seconds by its id; disconnect says that the connection is to be renewed.
type workspace struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	tickets map[string]bool
	issued  int
	refuse  func(w http.ResponseWriter) bool // answers apps.connections.open in its place

	connections chan *connection
	posts       chan url.Values
}

// A connection is one that was opened.
type connection struct {
	t    *testing.T
	conn *websocket.Conn
	sent int
	acks chan string
	gone chan struct{} // closed when the other side has left
}

const appToken = "xapp-1-hunter2-canary"

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{t: t, tickets: map[string]bool{}, connections: make(chan *connection, 8), posts: make(chan url.Values, 8)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/apps.connections.open", w.open)
	mux.HandleFunc("POST /api/chat.postMessage", w.post)
	mux.HandleFunc("GET /link/", w.link)
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func (w *workspace) open(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil && w.refuse(rw) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+appToken {
		_, _ = fmt.Fprint(rw, `{"ok":false,"error":"not_allowed_token_type"}`)
		return
	}
	w.issued++
	ticket := fmt.Sprintf("ticket-%d", w.issued)
	w.tickets[ticket] = true
	_, _ = fmt.Fprintf(rw, `{"ok":true,"url":"%s/link/?ticket=%s&app_id=A1"}`, strings.Replace(w.URL, "http", "ws", 1), ticket)
}

func (w *workspace) link(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	good := w.tickets[ticket]
	delete(w.tickets, ticket)
	w.mu.Unlock()
	if !good {
		http.Error(rw, "Bad ticket", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	c := &connection{t: w.t, conn: conn, acks: make(chan string, 8), gone: make(chan struct{})}
	c.write(`{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"},"debug_info":{"host":"applink-7","build_number":10,"approximate_connection_time":18060}}`)
	w.connections <- c
	c.read()
}

func (c *connection) write(text string) {
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Logf("writing to the client: %v", err)
	}
}

// read takes acknowledgements until the client leaves.
func (c *connection) read() {
	defer close(c.gone)
	for {
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
		}
		_, text, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(text, &ack); err != nil || ack.EnvelopeID == "" {
			c.t.Errorf("not an acknowledgement: %s", text)
		}
		c.acks <- ack.EnvelopeID
	}
}

// deliver sends an envelope, and fails the test unless it is acknowledged within three seconds, as
// Slack asks.
func (c *connection) deliver(kind string, payload any) {
	c.t.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sent++
	id := fmt.Sprintf("dbdd0ef3-%d", c.sent)
	c.write(fmt.Sprintf(`{"envelope_id":%q,"type":%q,"accepts_response_payload":false,"payload":%s}`, id, kind, text))
	select {
	case got := <-c.acks:
		if got != id {
			c.t.Errorf("%q is acknowledged instead of %q", got, id)
		}
	case <-time.After(3 * time.Second):
		c.t.Errorf("%s is not acknowledged within three seconds", id)
	}
}

// disconnect asks the client to renew the connection; "warning" comes some seconds before
// "refresh_requested".
func (c *connection) disconnect(reason string) {
	c.write(fmt.Sprintf(`{"type":"disconnect","reason":%q,"debug_info":{"host":"wss-111.slack.com"}}`, reason))
}

func (w *workspace) post(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("token") != canary && r.Header.Get("Authorization") != "Bearer "+canary {
		_, _ = fmt.Fprint(rw, `{"ok":false,"error":"invalid_auth"}`)
		return
	}
	w.posts <- r.PostForm
	_, _ = fmt.Fprint(rw, `{"ok":true,"channel":"C024BE91L","ts":"1795456025.000200"}`)
}

// pressed is the payload of the button in a message that was posted, pressed by somebody.
func pressed(t *testing.T, post url.Values, user map[string]any) map[string]any {
	t.Helper()
	var attachments []struct {
		Blocks []struct {
			Type     string
			Elements []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(post.Get("attachments")), &attachments); err != nil {
		t.Fatal(err)
	}
	for _, a := range attachments {
		for _, b := range a.Blocks {
			if b.Type != "actions" {
				continue
			}
			action := b.Elements[0]
			if value, _ := action["value"].(string); action["type"] != "button" || value == "" || len(value) > 2000 {
				t.Errorf("Slack refuses the button %v", action)
			}
			action["action_ts"], action["block_id"] = "1795456100.1", "9dNjw" // Slack names blocks that have no name
			return map[string]any{
				"type": "block_actions", "api_app_id": "A1", "user": user, "trigger_id": "1.2.3", "team": map[string]any{"id": "T1", "domain": "example"},
				"channel":      map[string]any{"id": "C024BE91L", "name": "mail-ops"},
				"container":    map[string]any{"type": "message_attachment", "message_ts": "1795456025.000200", "attachment_id": 1, "channel_id": "C024BE91L", "is_ephemeral": false, "is_app_unfurl": false},
				"message":      map[string]any{"type": "message", "ts": "1795456025.000200", "text": post.Get("text"), "attachments": json.RawMessage(post.Get("attachments"))},
				"response_url": "https://hooks.slack.com/actions/T1/1/x", "actions": []any{action},
			}
		}
	}
	t.Fatalf("there is no button in %v", post)
	return nil
}
