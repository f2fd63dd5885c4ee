package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	client *httpdo.Client
	api    string // the URL of the API, with "/" behind it
	user   string
	token  opaque.Secret
}

// A newMessage is what chat.postMessage takes.
type newMessage struct {
	Channel     string       `json:"channel,omitempty"`
	Room        string       `json:"roomId,omitempty"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
	Thread      string       `json:"tmid,omitempty"`
	// ParseURLs would have the server ask the hosts of links.
	ParseURLs bool `json:"parseUrls"`
}

// A changedMessage is what chat.update takes. Attachments stay as they are.
type changedMessage struct {
	Room string `json:"roomId"`
	ID   string `json:"msgId"`
	Text string `json:"text"`
}

// Notify posts one message, as a reply to the incident's first one, and changes that one when
// the incident has ended.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("rocketchat cannot reach a %T", to))
	}
	mention := ""
	if m.MayMention() {
		mention = target.Mention
	}
	thread, c := threadOf(m), composeContent(m, mention)
	message := newMessage{Text: c.Text, Attachments: c.Attachments}
	if _, root, found := strings.Cut(thread, ":"); found {
		message.Thread = root
	}
	message.Channel, message.Room = target.Channel, ""
	if roomID.MatchString(target.Channel) {
		message.Channel, message.Room = "", target.Channel
	}
	made, err := n.post(ctx, message)
	if refused, said := errors.AsType[*refusal](err); said && message.Thread != "" && refused.isAboutThread() {
		// The first message was deleted.
		thread, message.Thread = "", ""
		made, err = n.post(ctx, message)
	}
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Rocket.Chat: %w", err)
	}
	words := "message " + made.ID
	if err := n.markEnded(ctx, m); err != nil {
		words += "; the first message was not changed: " + err.Error()
	}
	if own := made.Room + ":" + made.ID; thread == "" && threadID.MatchString(own) {
		thread = own
	}
	return notifiers.Receipt{Answer: n.client.Sanitise(words), Thread: thread}, nil
}

// threadID is the id of a room and of a message. A receipt comes from a file, so it is looked at
// before it is used.
var threadID = regexp.MustCompile(`^[A-Za-z0-9]{1,64}:[A-Za-z0-9]{1,64}$`)

// threadOf returns the message to answer. There is none for a message about several incidents,
// which would be hidden in the thread of the first.
func threadOf(m notifiers.Message) string {
	if len(m.Items) != 1 || !threadID.MatchString(m.Previous.Thread) {
		return ""
	}
	return m.Previous.Thread
}

// An answered message is what the server made of one.
type answered struct {
	ID   string `json:"_id"`
	Room string `json:"rid"`
}

// post makes one request, and returns what the server made of the message.
func (n *notifier) post(ctx context.Context, message newMessage) (made answered, err error) {
	answer, err := n.call(ctx, "chat.postMessage", message)
	if err != nil {
		return made, err
	}
	var said struct{ Message answered }
	if !answer.Decode(&said) || !roomID.MatchString(said.Message.ID) {
		return made, answer.Unproven("Rocket.Chat", "id of a message")
	}
	return said.Message, nil
}

// markEnded changes the first message about each incident that has ended, so that people who see
// only that one know. It gives up at the first that is not changed.
func (n *notifier) markEnded(ctx context.Context, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		if !threadID.MatchString(ending.Previous.Thread) {
			continue
		}
		room, id, _ := strings.Cut(ending.Previous.Thread, ":")
		if _, err := n.call(ctx, "chat.update", changedMessage{room, id, headline(ending)}); err != nil {
			return err
		}
	}
	return nil
}

// call makes one request, and judges the answer.
func (n *notifier) call(ctx context.Context, method string, body any) (httpdo.Answer, error) {
	header := http.Header{"X-Auth-Token": {n.token.Reveal()}, "X-User-Id": {n.user}}
	answer, err := n.client.JSON(ctx, http.MethodPost, n.api+method, header, body)
	return answer, judge(answer, err)
}

// A refusal is what Rocket.Chat says when it does not do what it was asked for.
type refusal struct {
	error
	words string
}

func (r *refusal) Unwrap() error { return r.error }

// isAboutThread reports whether only the thread is wrong.
func (r *refusal) isAboutThread() bool {
	words := strings.ToLower(r.words)
	return strings.Contains(words, "thread") || strings.Contains(words, "tmid")
}

// judge returns the error of an answer, which may say in a body with a status of success that
// nothing was done; nil: it was done.
func judge(answer httpdo.Answer, err error) error {
	var said struct {
		Success          *bool
		Error, ErrorType string
		Message          json.RawMessage // a text, or the message that was made
	}
	if answer.Status == 0 || !answer.Decode(&said) {
		if err == nil {
			err = answer.Unproven("Rocket.Chat", "JSON")
		}
		return withFloor(answer, "", err)
	}
	var message string
	_ = json.Unmarshal(said.Message, &message) // it stays empty where the message is no text
	words := strings.TrimSpace(said.Error + " " + message)
	switch {
	case err == nil && (said.Success == nil || !*said.Success && words == ""):
		return answer.Unproven("Rocket.Chat", `"success": true`)
	case err == nil && *said.Success:
		return nil
	case words == "":
		return withFloor(answer, "", err)
	case isBusy(words + said.ErrorType):
		err = withFloor(answer, words, answer.Later(words, notifiers.Wait(err)))
	case err == nil, notifiers.IsPermanent(err):
		err = answer.Refusal(words)
	default:
		err = withFloor(answer, words, answer.Later(words, notifiers.Wait(err)))
	}
	return &refusal{err, words}
}

func isBusy(words string) bool {
	return strings.Contains(words, "too-many-requests") || strings.Contains(words, "too many requests")
}

var waitSeconds = regexp.MustCompile(`wait ([0-9]{1,6}) seconds`)

// floor is the least pause after a server that is busy: by default it takes ten requests a
// minute.
const floor = 10 * time.Second

// withFloor raises the pause of a busy server to that which its text names: "You must wait 54
// seconds before trying this endpoint again."
func withFloor(answer httpdo.Answer, words string, err error) error {
	if answer.Status != http.StatusTooManyRequests && !isBusy(words) {
		return err
	}
	wait := floor
	if named := waitSeconds.FindStringSubmatch(words); named != nil {
		seconds, _ := strconv.ParseFloat(named[1], 64) // digits
		wait = max(wait, httpdo.Seconds(seconds))
	}
	return httpdo.AtLeast(err, wait)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
