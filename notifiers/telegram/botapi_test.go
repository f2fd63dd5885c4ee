package telegram_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A botAPI answers as Telegram does, by core.telegram.org/bots/api: it refuses what Telegram
// refuses, and knows what was written in its chats.
type botAPI struct {
	token  string
	chats  map[string]int64 // by what chat_id says
	topics []int64
	moved  map[int64]int64 // groups that became supergroups

	mu       sync.Mutex
	messages map[string]map[string]any // by chat and message id
	last     int64
}

const group = -1002718281828

func newBotAPI() *botAPI {
	return &botAPI{
		token: canary, topics: []int64{42}, messages: map[string]map[string]any{}, last: 6, moved: map[int64]int64{-555: group},
		chats: map[string]int64{"-1002718281828": group, "@mailops": -1009876543210, "-555": -555},
	}
}

func (b *botAPI) answer(r httpsink.Request) httpsink.Response {
	b.mu.Lock()
	defer b.mu.Unlock()
	path, method, _ := strings.Cut(strings.TrimPrefix(r.Path, "/bot"), "/")
	if token, err := url.PathUnescape(path); err != nil || token != b.token {
		return refuse(http.StatusUnauthorized, "Unauthorized")
	}
	var asked map[string]any
	if r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(r.Body, &asked) != nil {
		return refuse(http.StatusBadRequest, "Bad Request: message text is empty") // what is not read is not there
	}
	chat, known := b.chats[fmt.Sprint(jsonID(asked["chat_id"]))]
	switch to, gone := b.moved[chat]; {
	case !known:
		return refuse(http.StatusBadRequest, "Bad Request: chat not found")
	case gone:
		return respond(http.StatusBadRequest, map[string]any{
			"ok": false, "error_code": http.StatusBadRequest, "description": "Bad Request: group chat was upgraded to a supergroup chat",
			"parameters": map[string]any{"migrate_to_chat_id": to},
		})
	}
	if words := judgeText(asked); words != "" {
		return refuse(http.StatusBadRequest, "Bad Request: "+words)
	}
	switch method {
	case "sendMessage":
		return b.send(chat, asked)
	case "editMessageText":
		return b.edit(chat, asked)
	}
	return refuse(http.StatusNotFound, "Not Found")
}

func (b *botAPI) send(chat int64, asked map[string]any) httpsink.Response {
	if topic, named := asked["message_thread_id"]; named && !slices.Contains(b.topics, jsonID(topic).(int64)) {
		return refuse(http.StatusBadRequest, "Bad Request: message thread not found")
	}
	if answered, named := asked["reply_parameters"].(map[string]any); named && answered["allow_sending_without_reply"] != true {
		if b.messages[name(chat, jsonID(answered["message_id"]))] == nil {
			return refuse(http.StatusBadRequest, "Bad Request: message to be replied not found")
		}
	}
	b.last++
	b.messages[name(chat, b.last)] = asked
	return respond(http.StatusOK, map[string]any{"ok": true, "result": map[string]any{
		"message_id": b.last, "chat": map[string]any{"id": chat, "type": "supergroup"}, "date": 1795456325, "text": asked["text"],
	}})
}

func (b *botAPI) edit(chat int64, asked map[string]any) httpsink.Response {
	at := name(chat, jsonID(asked["message_id"]))
	had := b.messages[at]
	switch {
	case had == nil:
		return refuse(http.StatusBadRequest, "Bad Request: message to edit not found")
	case had["text"] == asked["text"]:
		return refuse(http.StatusBadRequest, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same")
	}
	b.messages[at] = asked
	return respond(http.StatusOK, map[string]any{"ok": true, "result": map[string]any{"message_id": asked["message_id"], "chat": map[string]any{"id": chat}}})
}

// judgeText returns why Telegram refuses a text, its entities or its buttons; empty: it does not.
func judgeText(asked map[string]any) string {
	text, _ := asked["text"].(string)
	units := utf16.Encode([]rune(text))
	switch {
	case len(units) == 0:
		return "message text is empty"
	case len(units) > 4096:
		return "message is too long"
	case asked["parse_mode"] != nil:
		return "can't parse entities"
	}
	entities, _ := asked["entities"].([]any)
	end := 0
	for _, e := range entities {
		e := e.(map[string]any)
		from, length := int(e["offset"].(float64)), int(e["length"].(float64))
		if from < end || length <= 0 || from+length > len(units) || splitsPair(units, from) || splitsPair(units, from+length) {
			return fmt.Sprintf("entity beginning at UTF-16 offset %d ends after the end of the text", from)
		}
		end = from + length
	}
	if markup, ok := asked["reply_markup"].(map[string]any); ok {
		for _, row := range markup["inline_keyboard"].([]any) {
			for _, b := range row.([]any) {
				if to, _ := b.(map[string]any)["url"].(string); strings.Contains(to, "refused") {
					return "inline keyboard button URL '" + to + "' is invalid: Wrong HTTP URL"
				}
			}
		}
	}
	return ""
}

// splitsPair reports whether a place is within a character of two units.
func splitsPair(units []uint16, at int) bool {
	return at > 0 && at < len(units) && units[at-1]>>10 == 0xD800>>10
}

// jsonID returns a number of JSON as it is written, and a string as it is.
func jsonID(value any) any {
	if number, ok := value.(float64); ok {
		return int64(number)
	}
	return value
}

func name(chat int64, id any) string { return fmt.Sprintf("%d:%d", chat, id) }

func refuse(status int, words string) httpsink.Response {
	return respond(status, map[string]any{"ok": false, "error_code": status, "description": words})
}

func respond(status int, value map[string]any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

// decode reads a request as Telegram does, whole numbers as such.
func decode(t reporter, r httpsink.Request) (asked newMessage) {
	t.Helper()
	if err := json.Unmarshal(r.Body, &asked); err != nil {
		t.Fatal(err)
	}
	return asked
}

// A newMessage is what a test looks at of a request.
type newMessage struct {
	Chat     json.RawMessage `json:"chat_id"`
	Message  int64           `json:"message_id"`
	Topic    int64           `json:"message_thread_id"`
	Text     string          `json:"text"`
	Quiet    bool            `json:"disable_notification"`
	Entities []struct {
		Type           string
		Offset, Length int
		URL            string
	}
	Reply struct {
		Message int64 `json:"message_id"`
		Anyhow  bool  `json:"allow_sending_without_reply"`
	} `json:"reply_parameters"`
	Preview struct {
		Disabled bool `json:"is_disabled"`
	} `json:"link_preview_options"`
	Markup struct {
		Rows [][]struct{ Text, URL string } `json:"inline_keyboard"`
	} `json:"reply_markup"`
}

// read finds the texts of a message, as those see them who read it.
func read(r httpsink.Request) notifiertest.Received {
	var asked newMessage
	if err := json.Unmarshal(r.Body, &asked); err != nil {
		panic(err)
	}
	text := asked.Text
	for _, row := range asked.Markup.Rows {
		for _, b := range row {
			text += "\n[" + b.Text + "] " + b.URL
		}
	}
	received := notifiertest.Received{Text: text, Quiet: asked.Quiet}
	if asked.Reply.Message != 0 {
		received.Thread = fmt.Sprintf("%s:%d", asked.Chat, asked.Reply.Message)
	}
	if asked.Message != 0 {
		received.Updates = fmt.Sprintf("%s:%d", asked.Chat, asked.Message)
	}
	return received
}
