package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	http *httpdo.Client
	api  *api.Client
}

// A doer hands slack-go's requests to our client, which bounds, classifies and
// never repeats.
type doer struct{ client *httpdo.Client }

func (d doer) Do(req *http.Request) (*http.Response, error) {
	answer, err := d.client.Send(req)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: answer.Status, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(answer.Body)), Request: req,
	}, nil
}

// Notify posts one message. When Slack refuses only the thread (its first
// message may have been deleted), the same message is posted without it.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	return n.notify(ctx, to, m, false)
}

// notify makes one attempt, with or without buttons: without an app that listens, Slack answers
// whoever presses one that the app does not work.
func (n *notifier) notify(ctx context.Context, to notifiers.Target, m notifiers.Message, buttons bool) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("slack cannot reach a %T", to))
	}
	options, err := composeMessage(target, m, buttons)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	thread := threadKey(m)
	receipt, err := n.post(ctx, target, thread, options)
	if refusal, said := errors.AsType[api.SlackErrorResponse](err); said && thread != "" && slices.Contains(threadRefusals, refusal.Err) {
		receipt, err = n.post(ctx, target, "", options)
	}
	if err != nil {
		return notifiers.Receipt{}, n.classify(ctx, "posting to Slack", err)
	}
	// The message has arrived, whatever becomes of the first one.
	if err := n.markEnded(ctx, m); err != nil {
		receipt.Answer = n.http.Sanitise(receipt.Answer.String() + "; " + err.Error())
	}
	return receipt, nil
}

// post makes one call of chat.postMessage, as a reply in a thread unless that is empty.
func (n *notifier) post(ctx context.Context, target Target, thread string, options []api.MsgOption) (notifiers.Receipt, error) {
	if thread != "" {
		// The limited capacity has append copy: if Slack refuses the thread, the same
		// options are used again without it.
		_, ts, _ := strings.Cut(thread, ":")
		options = append(options[:len(options):len(options)], api.MsgOptionTS(ts), api.MsgOptionBroadcast())
	}
	channel, ts, err := n.api.PostMessageContext(ctx, target.Channel, options...)
	switch {
	case err != nil:
		return notifiers.Receipt{}, err
	case ts == "": // slack-go takes {} for a success
		return notifiers.Receipt{}, errors.New("the answer has no timestamp, so it is not Slack's: check api_url")
	}
	// The channel's id as Slack answers it, which is part of a message's name there.
	own := channel + ":" + ts
	if thread == "" && threadID.MatchString(own) {
		thread = own
	}
	return notifiers.Receipt{Answer: n.http.Sanitise("ts " + ts + " in " + channel), Thread: thread}, nil
}

// threadID is a channel's id and the timestamp of a thread's first message. A
// receipt comes from a file, so it is looked at before it is used.
var threadID = regexp.MustCompile(`^[^:\s]{1,80}:[0-9]{1,20}(\.[0-9]{1,20})?$`)

// threadKey returns the timestamp of the message to answer. It is empty for a message
// about several incidents, which would be hidden in the thread of the first.
func threadKey(m notifiers.Message) string {
	if len(m.Items) != 1 || !threadID.MatchString(m.Previous.Thread) {
		return ""
	}
	return m.Previous.Thread
}

var (
	threadRefusals = []string{"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "restricted_action_thread_locked"}
	// passing are errors of chat.postMessage that time can heal. All others (a
	// wrong token, an archived channel) need a person.
	passing = []string{
		"ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error",
		"request_timeout", "service_unavailable", "team_added_to_org",
	}
)

// classify says whether another attempt can help, and takes the server's
// control characters and our token out of what Slack said. An error of the
// transport has been through all that.
func (n *notifier) classify(ctx context.Context, doing string, err error) error {
	refusal, said := errors.AsType[api.SlackErrorResponse](err)
	switch {
	case !said && ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	case !said && (notifiers.IsPermanent(err) || notifiers.Wait(err) > 0):
		return fmt.Errorf("%s: %w", doing, err)
	case !said:
		return fmt.Errorf("%s: %s", doing, n.http.Sanitise(err.Error()))
	}
	words := refusal.Err
	// An administrator can add the scope only if told which it is.
	if refusal.Needed != "" {
		words += ", the token needs the scope " + refusal.Needed
	}
	err = fmt.Errorf("%s: %s", doing, n.http.Sanitise(words))
	if slices.Contains(passing, refusal.Err) {
		return err
	}
	return notifiers.Permanent(err)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
