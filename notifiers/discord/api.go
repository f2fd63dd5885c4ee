package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// The codes of Discord's errors that are looked at.
const (
	unknownChannel = 10003  // also a thread that was deleted
	needsPost      = 220001 // the channel is a forum
	tooManyEdits   = 30046  // of a message older than an hour
	noForum        = 220003 // "Webhooks can only create threads in forum channels"
)

// A refusal is what Discord said of a request that it did not take.
type refusal struct {
	code  int
	error // the same for people, classified
}

// Unwrap lets the error's class be seen.
func (r *refusal) Unwrap() error { return r.error }

// A problem is the body of an error.
type problem struct {
	Message    string  `json:"message"`
	Code       int     `json:"code"`
	RetryAfter float64 `json:"retry_after"` // seconds
}

// post makes a message.
func (n *notifier) post(ctx context.Context, thread string, p post) (messageID, error) {
	answer, err := n.http.JSON(ctx, http.MethodPost, endpoint(n.url, "", thread), nil, p)
	n.pace.note(answer.Header, time.Now())
	if err != nil {
		return messageID{}, refused(answer, err)
	}
	var made struct {
		ID      string `json:"id"`
		Channel string `json:"channel_id"`
	}
	if !answer.Decode(&made) || !idForm.MatchString(made.ID) || !idForm.MatchString(made.Channel) {
		return messageID{}, answer.Unproven("Discord", "message id")
	}
	return messageID{channel: made.Channel, id: made.ID}, nil
}

// change gives a message other words and colours. One that may be changed no more stays.
func (n *notifier) change(ctx context.Context, thread, id string, p post) error {
	p.Flags = 0 // an edit makes no sound in any case
	answer, err := n.http.JSON(ctx, http.MethodPatch, endpoint(n.url, id, thread), nil, p)
	if err = refused(answer, err); err == nil {
		return nil
	}
	if said, ok := errors.AsType[*refusal](err); ok && said.code == tooManyEdits {
		return nil
	}
	return err
}

// cloudflarePause is for a 429 that is not Discord's own but of the proxy in front of it, which bans
// an address after 10,000 answers of 401, 403 and 429 in ten minutes.
const cloudflarePause = time.Minute

// refused classifies what Discord said; err is the answer's own class.
func refused(answer httpdo.Answer, err error) error {
	var said problem
	switch isOwn := answer.Decode(&said) && said.Message != ""; {
	case err == nil || answer.Status == 0:
		return err
	case answer.Status == http.StatusTooManyRequests && isOwn:
		wait := max(httpdo.Seconds(said.RetryAfter), httpdo.RetryAfter(answer.Header, time.Now()))
		return &refusal{said.Code, answer.Later(said.Message, wait)}
	case answer.Status == http.StatusTooManyRequests:
		return httpdo.AtLeast(err, cloudflarePause)
	case !isOwn:
		return err
	}
	words := fmt.Sprintf("%s (%d)", said.Message, said.Code)
	if said.Code == needsPost {
		words += "; write forum = true in the notify block"
	}
	if !notifiers.IsPermanent(err) {
		return &refusal{said.Code, answer.Later(words, notifiers.Wait(err))}
	}
	return &refusal{said.Code, answer.Refusal(words)}
}
