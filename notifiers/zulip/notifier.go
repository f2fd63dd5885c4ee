package zulip

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	client   *httpdo.Client
	messages string // the URL of the collection of messages
	basic    string // email and API key, as in the header
}

// Notify posts one message into the topic of its incident, and marks the topic as resolved when
// that has ended.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("zulip cannot reach a %T", to))
	}
	topic := topicOf(target, m)
	id, err := n.post(ctx, url.Values{
		"type": {"stream"}, "to": {target.Channel}, "topic": {topic}, "content": {composeContent(target, m)},
	})
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Zulip: %w", err)
	}
	words := "message " + id
	if err := n.resolve(ctx, target, m); err != nil {
		words += "; the topic was not marked as resolved: " + err.Error()
	}
	thread := m.Previous.Thread
	if len(m.Items) != 1 || !threadForm.MatchString(thread) {
		thread = id + ":" + topic
	}
	return notifiers.Receipt{Answer: n.client.Sanitise(words), Thread: thread}, nil
}

// threadForm is the id of an incident's first message and its topic. A receipt comes from a
// file, so it is looked at before it is used; what is used of it is the id.
var threadForm = regexp.MustCompile(`^([0-9]{1,18}):\PC{1,60}$`)

// post makes one message, and returns its id.
func (n *notifier) post(ctx context.Context, fields url.Values) (string, error) {
	answer, err := n.client.Form(ctx, n.messages, n.header(), fields)
	said, err := judge(answer, err)
	if err != nil {
		return "", err
	}
	if said.ID <= 0 {
		return "", answer.Unproven("Zulip", "id of a message")
	}
	return strconv.FormatInt(said.ID, 10), nil
}

func (n *notifier) header() http.Header { return http.Header{"Authorization": {"Basic " + n.basic}} }

// resolve marks the topics of incidents that have ended, by the first message in each. It gives
// up at the first that Zulip does not change.
func (n *notifier) resolve(ctx context.Context, target Target, m notifiers.Message) error {
	if target.Topic != "" { // it is not the incident's
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		first := threadForm.FindStringSubmatch(ending.Previous.Thread)
		if first == nil {
			continue
		}
		answer, err := n.client.PatchForm(ctx, n.messages+"/"+first[1], n.header(), url.Values{
			"topic": {resolvedMark + topicOf(target, ending)}, "propagate_mode": {"change_all"},
			"send_notification_to_old_thread": {"false"}, "send_notification_to_new_thread": {"false"},
		})
		if _, err := judge(answer, err); err != nil {
			return err
		}
	}
	return nil
}

// An answer is what Zulip says.
type answer struct {
	Result     string
	Code       string
	Message    string `json:"msg"`
	ID         int64
	RetryAfter float64 `json:"retry-after"`
}

// judge returns what Zulip says, and an error where that is a refusal: its result counts, not
// the status alone.
func judge(from httpdo.Answer, err error) (said answer, _ error) {
	switch {
	case from.Status != 0 && from.Decode(&said) && said.Result != "":
	case err != nil:
		return said, err
	default:
		return said, from.Unproven("Zulip", "result")
	}
	if err == nil && said.Result == "success" {
		return said, nil
	}
	return said, refusalOf(from, said, err)
}

// refusalOf returns the error of a refusal in Zulip's words. The code counts: the message beside
// it is translated.
func refusalOf(from httpdo.Answer, said answer, err error) error {
	words := said.Code + ": " + said.Message
	switch {
	case said.Code == "RATE_LIMIT_HIT":
		wait := max(notifiers.Wait(err), httpdo.Seconds(said.RetryAfter))
		return from.Later(words, wait)
	case err != nil && !notifiers.IsPermanent(err):
		return from.Later(words, notifiers.Wait(err))
	}
	return from.Refusal(words)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
