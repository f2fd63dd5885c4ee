package discord_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A server answers as Discord does (discord.com/developers/docs/resources/webhook): it refuses
// what Discord refuses, and keeps what was posted.
type server struct {
	forum bool // what kind of channel the webhook has

	mu       sync.Mutex
	last     int
	threads  []string
	messages map[string]post // by channel and id
}

const webhook, channel = "/api/webhooks/223704706495545344/" + canary, "1180000000000000001"

func newServer(forum bool) *server {
	return &server{forum: forum, last: 1180000000000000100, threads: []string{"1180000000000000042"}, messages: map[string]post{}}
}

// A post is what a test looks at of a request.
type post struct {
	Content string `json:"content"`
	Embeds  []struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Colour      int    `json:"color"`
		Fields      []struct {
			Name, Value string
			Inline      bool
		}
		Footer struct{ Text string }
	} `json:"embeds"`
	Allowed *struct {
		Parse        []string
		Roles, Users []string
	} `json:"allowed_mentions"`
	Flags      int    `json:"flags"`
	ThreadName string `json:"thread_name"`
}

func (s *server) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(r.Path)
	if err != nil || !strings.HasPrefix(u.Path, webhook) {
		return refuse(http.StatusNotFound, 10015, "Unknown Webhook")
	}
	var asked post
	if r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(r.Body, &asked) != nil {
		return refuse(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")
	}
	if why := judge(asked); why != "" {
		return refuse(http.StatusBadRequest, 50035, "Invalid Form Body: "+why)
	}
	thread := u.Query().Get("thread_id")
	if thread != "" && !slices.Contains(s.threads, thread) {
		return refuse(http.StatusNotFound, 10003, "Unknown Channel")
	}
	if message, found := strings.CutPrefix(u.Path, webhook+"/messages/"); found && r.Method == http.MethodPatch {
		return s.edit(thread, message, asked)
	}
	if u.Path != webhook || r.Method != http.MethodPost {
		return refuse(http.StatusNotFound, 0, "404: Not Found")
	}
	return s.create(thread, u.Query().Get("wait") == "true", asked)
}

func (s *server) create(thread string, wait bool, asked post) httpsink.Response {
	switch {
	case s.forum && thread == "" && asked.ThreadName == "":
		return refuse(http.StatusBadRequest, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
	case s.forum && thread != "" && asked.ThreadName != "":
		return refuse(http.StatusBadRequest, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id")
	case !s.forum && asked.ThreadName != "":
		return refuse(http.StatusBadRequest, 220003, "Webhooks can only create threads in forum channels")
	}
	s.last++
	id, at := fmt.Sprint(s.last), channel
	if thread != "" {
		at = thread
	}
	if asked.ThreadName != "" {
		at = id // the post of a forum has the id of its first message
		s.threads = append(s.threads, id)
	}
	s.messages[at+":"+id] = asked
	if !wait {
		return httpsink.Response{Status: http.StatusNoContent}
	}
	return respond(http.StatusOK, map[string]any{"id": id, "channel_id": at, "webhook_id": "223704706495545344", "content": asked.Content})
}

func (s *server) edit(thread, id string, asked post) httpsink.Response {
	at := channel
	if thread != "" {
		at = thread
	}
	if _, known := s.messages[at+":"+id]; !known {
		return refuse(http.StatusNotFound, 10008, "Unknown Message")
	}
	s.messages[at+":"+id] = asked
	return respond(http.StatusOK, map[string]any{"id": id, "channel_id": at})
}

// judge returns why Discord refuses a message; empty: it does not.
func judge(asked post) string {
	total := 0
	check := func(text string, least, most int) bool {
		total += units(text)
		return units(text) < least || units(text) > most
	}
	if n := units(asked.Content); n > 2000 || len(asked.Embeds) > 10 {
		return "BASE_TYPE_MAX_LENGTH"
	}
	if asked.ThreadName != "" && units(asked.ThreadName) > 100 {
		return "thread_name"
	}
	for _, e := range asked.Embeds {
		if check(e.Title, 0, 256) || check(e.Description, 0, 4096) || len(e.Fields) > 25 || check(e.Footer.Text, 0, 2048) {
			return "embeds"
		}
		for _, f := range e.Fields {
			if check(f.Name, 1, 256) || check(f.Value, 1, 1024) {
				return "fields"
			}
		}
	}
	switch a := asked.Allowed; {
	case total > 6000:
		return "MAX_EMBED_SIZE_EXCEEDED"
	case asked.Content == "" && total == 0:
		return "Cannot send an empty message"
	case a != nil && (slices.Contains(a.Parse, "roles") && a.Roles != nil || slices.Contains(a.Parse, "users") && a.Users != nil):
		return "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
	}
	return ""
}

func units(text string) int { return len(utf16.Encode([]rune(text))) }

func refuse(status, code int, words string) httpsink.Response {
	return respond(status, map[string]any{"message": words, "code": code})
}

func respond(status int, value map[string]any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

func decode(r httpsink.Request) (asked post) {
	if err := json.Unmarshal(r.Body, &asked); err != nil {
		panic(err)
	}
	return asked
}

var named = regexp.MustCompile(`@everyone|@here|<@&?[0-9]+>`)

// called returns whom a message calls: who is named in the content, and may be.
func called(asked post) string {
	var names []string
	for _, name := range named.FindAllString(asked.Content, -1) {
		id := strings.Trim(name, "<@&>")
		switch a := asked.Allowed; {
		case a == nil: // the default of webhooks
			names = append(names, name)
		case strings.HasPrefix(name, "@") && slices.Contains(a.Parse, "everyone"),
			strings.HasPrefix(name, "<@&") && slices.Contains(a.Roles, id),
			!strings.HasPrefix(name, "<@&") && slices.Contains(a.Users, id):
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// read finds the texts of a message, as those see them who read it.
func read(r httpsink.Request) notifiertest.Received {
	asked := decode(r)
	text := asked.Content
	for _, e := range asked.Embeds {
		text += "\n" + e.Title + "\n" + e.Description
		for _, f := range e.Fields {
			text += "\n" + f.Name + "\n" + f.Value
		}
		text += "\n" + e.Footer.Text
	}
	u, err := url.Parse(r.Path)
	if err != nil {
		panic(err)
	}
	received := notifiertest.Received{Text: text, Thread: u.Query().Get("thread_id"), Quiet: asked.Flags&4096 != 0, Mention: called(asked)}
	if r.Method == http.MethodPatch {
		_, received.Updates, _ = strings.Cut(u.Path, "/messages/")
	}
	return received
}
