package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A newMessage is what sendMessage takes.
type newMessage struct {
	Chat  chatID   `json:"chat_id"`
	Topic int      `json:"message_thread_id,omitzero"`
	Quiet bool     `json:"disable_notification,omitzero"`
	Reply *replyTo `json:"reply_parameters,omitempty"`
	content
}

// replyTo is the message that is answered. Where somebody deleted it, the answer is sent all
// the same.
type replyTo struct {
	Message int64 `json:"message_id"`
	Anyhow  bool  `json:"allow_sending_without_reply"`
}

// A changedMessage is what editMessageText takes.
type changedMessage struct {
	Chat    chatID `json:"chat_id"`
	Message int64  `json:"message_id"`
	content
}

// A chatID is a number, or the public name of a channel, which JSON has as a string.
type chatID string

// MarshalJSON implements [json.Marshaler].
func (c chatID) MarshalJSON() ([]byte, error) {
	if strings.HasPrefix(string(c), "@") {
		return json.Marshal(string(c))
	}
	return json.Marshal(json.Number(c))
}

// A sentMessage is what Telegram says of a message that it took.
type sentMessage struct {
	ID   int64 `json:"message_id"`
	Chat struct {
		ID int64 `json:"id"`
	} `json:"chat"`
}

// A reply is the answer of every method.
type reply struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter float64 `json:"retry_after"`        // seconds
		MovedTo    int64   `json:"migrate_to_chat_id"` // the group became a supergroup
	} `json:"parameters"`
}

// A refusal is what Telegram said of a request that it did not take.
type refusal struct {
	code    int
	words   string // in lower case, to be compared
	movedTo int64  // 0: the chat has not moved
	error          // the same for people, classified
}

// Unwrap lets the error's class be seen.
func (r *refusal) Unwrap() error { return r.error }

// says reports whether a request is refused for one of these reasons, for which Telegram
// has no other word than the description.
func (r *refusal) says(reasons ...string) bool {
	return r.code == http.StatusBadRequest &&
		slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(r.words, reason) })
}

// send makes one call of sendMessage.
func (n *notifier) send(ctx context.Context, m newMessage) (sentMessage, error) {
	answer, result, err := n.call(ctx, "sendMessage", m)
	if err != nil {
		return sentMessage{}, err
	}
	var sent sentMessage
	if json.Unmarshal(result, &sent) != nil || sent.ID == 0 || sent.Chat.ID == 0 {
		return sentMessage{}, answer.Unproven("Telegram", "message id")
	}
	return sent, nil
}

// change makes one call of editMessageText. A message that says all that already is changed.
func (n *notifier) change(ctx context.Context, m changedMessage) error {
	_, _, err := n.call(ctx, "editMessageText", m)
	if said, ok := errors.AsType[*refusal](err); ok && said.says("message is not modified") {
		return nil
	}
	return err
}

// call makes one request and returns the result in the answer; nil: it has none. The error is a
// *refusal where Telegram itself refused.
func (n *notifier) call(ctx context.Context, method string, body any) (httpdo.Answer, json.RawMessage, error) {
	answer, err := n.http.JSON(ctx, http.MethodPost, n.base+method, nil, body)
	var r reply
	said := answer.Decode(&r)
	switch {
	case said && !r.OK && r.Description != "":
		return answer, nil, refused(answer, r)
	case err != nil || !said || !r.OK:
		return answer, nil, err
	}
	return answer, r.Result, nil
}

// refused classifies what Telegram said. It says in the body for how long to wait.
func refused(answer httpdo.Answer, r reply) error {
	code := cmp.Or(r.ErrorCode, answer.Status)
	err := answer.Refusal(r.Description)
	if code == http.StatusTooManyRequests || code/100 == 5 {
		wait := max(httpdo.Seconds(r.Parameters.RetryAfter), httpdo.RetryAfter(answer.Header, time.Now()))
		err = answer.Later(r.Description, wait)
	}
	return &refusal{code: code, words: strings.ToLower(r.Description), movedTo: r.Parameters.MovedTo, error: err}
}
