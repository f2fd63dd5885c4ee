package googlechat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"golang.org/x/time/rate"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// pace is how many messages a second a space takes. Tests raise it.
var pace rate.Limit = 1

// floor is the shortest pause after an answer of 429: the quota is one of a minute, and the
// answer does not say when it is over.
const floor = time.Minute

type notifier struct {
	url    *url.URL
	client *httpdo.Client
	pace   *rate.Limiter
}

// A post is what the webhook takes.
type post struct {
	Text   string      `json:"text"`
	Thread *postThread `json:"thread,omitempty"`
}

type postThread struct {
	Key string `json:"threadKey"`
}

// Notify posts one message.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("googlechat cannot reach a %T", to))
	}
	if wait := n.reserve(time.Now()); wait > 0 {
		return notifiers.Receipt{}, notifiers.Paced(wait)
	}
	thread := threadKey(m)
	sent := post{Text: composeText(target, m)}
	if thread != "" {
		sent.Thread = &postThread{thread}
	}
	answer, err := n.client.JSON(ctx, http.MethodPost, n.urlFor(m), nil, sent)
	name, err := judge(answer, err)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Google Chat: %w", err)
	}
	return notifiers.Receipt{Answer: n.client.Sanitise(name), Thread: thread}, nil
}

// reserve takes the place of a message, and returns 0, or how long it is until there is one.
func (n *notifier) reserve(now time.Time) time.Duration {
	place := n.pace.ReserveN(now, 1)
	wait := place.DelayFrom(now)
	if wait > 0 {
		place.CancelAt(now)
	}
	return wait
}

// urlFor returns the URL of the webhook with what makes a message one of its thread, and makes
// Google answer with the first message where the same comes again.
func (n *notifier) urlFor(m notifiers.Message) string {
	u, query := *n.url, n.url.Query()
	// Without it every message begins a thread of its own.
	query.Set("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")
	query.Set("requestId", m.Key)
	u.RawQuery = query.Encode()
	return u.String()
}

// incidentID is the form of an id; one of a damaged journal names no thread.
var incidentID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// threadKey returns what all messages about one incident have in common. It is empty for a
// message about several, which would be hidden in the thread of the first.
func threadKey(m notifiers.Message) string {
	if len(m.Items) != 1 || !incidentID.MatchString(m.Items[0].Incident.ID) {
		return ""
	}
	return "imapvigil/" + m.Items[0].Incident.ID
}

var messageName = regexp.MustCompile(`^spaces/[^/\s]{1,100}/messages/[^/\s]{1,100}$`)

// judge returns the name of the message that an answer proves.
func judge(answer httpdo.Answer, err error) (string, error) {
	var said struct {
		Name  string
		Error struct{ Status, Message string }
	}
	decoded := answer.Status != 0 && answer.Decode(&said)
	switch {
	case err == nil && decoded && messageName.MatchString(said.Name):
		return said.Name, nil
	case err == nil:
		return "", answer.Unproven("Google Chat", "name of a message")
	case decoded && said.Error.Status != "":
		words := said.Error.Status + ": " + said.Error.Message
		if notifiers.IsPermanent(err) {
			return "", answer.Refusal(words)
		}
		err = answer.Later(words, notifiers.Wait(err))
	}
	if answer.Status == http.StatusTooManyRequests {
		err = httpdo.AtLeast(err, floor)
	}
	return "", err
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
