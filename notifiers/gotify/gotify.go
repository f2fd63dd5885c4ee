// Package gotify is the channel that pushes to phones by a Gotify server of one's own.
//
// It owns what a message looks like there: a title, plain text in which nothing is markup, and
// the page of the incident behind a touch.
//
// A caller may rely on this: the receipt holds the id of the message. Gotify drops no doubles,
// and changes no message.
package gotify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind gotify.
type Settings struct {
	URL   string        // https, or http to loopback
	Token opaque.Secret // of an application
	CA    string        // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	u, err := httpdo.ParseURL(s.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: %w", err)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("url: write the address of the server alone; the token belongs into token")
	case s.Token.IsZero():
		return nil, errors.New("token is missing: use that of an application on the server")
	}
	client, err := httpdo.New(s.CA, s.Token.Reveal())
	if err != nil {
		return nil, err
	}
	// In a header: what stands in a URL gets into the logs of proxies.
	return &notifier{http: client, url: strings.TrimSuffix(u.String(), "/") + "/message", header: http.Header{"X-Gotify-Key": {s.Token.Reveal()}}}, nil
}

// A Target says how loud messages are. [NewTarget] makes one.
type Target struct {
	Priority string `json:"priority,omitempty"` // as [notifiers.JoinMap] makes it
}

// NewTarget checks the priorities, which may be empty.
func NewTarget(priority string) (Target, error) {
	_, err := priorities.With(priority, lowest, highest)
	return Target{Priority: priority}, err
}

// String names the priorities: role and notifier name the rest.
func (t Target) String() string { return t.Priority }

type notifier struct {
	http   *httpdo.Client
	url    string
	header http.Header
}

// Notify creates one message.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("gotify cannot reach a %T", to))
	}
	message, err := compose(target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	answer, err := n.http.JSON(ctx, http.MethodPost, n.url, n.header, message)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("writing to Gotify: %w", n.explain(answer, err))
	}
	var created struct {
		ID int64 `json:"id"`
	}
	if !answer.Decode(&created) || created.ID <= 0 {
		return notifiers.Receipt{}, fmt.Errorf("writing to Gotify: %w", answer.Unproven("Gotify", "message id"))
	}
	return notifiers.Receipt{Answer: n.http.Sanitise(fmt.Sprintf("message %d", created.ID))}, nil
}

// explain returns err with Gotify's own sentence in the place of the raw answer.
func (n *notifier) explain(answer httpdo.Answer, err error) error {
	var refusal struct {
		Error       string `json:"error"`
		Description string `json:"errorDescription"`
	}
	if !answer.Decode(&refusal) || refusal.Error == "" {
		return err
	}
	words := n.http.Sanitise(fmt.Sprintf("%.300s: %.300s", refusal.Error, refusal.Description))
	return answer.Classify(fmt.Errorf("HTTP %d, %s", answer.Status, words))
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }

// maxText is in bytes. The server takes more, and a phone shows less.
const (
	maxText  = 8000
	maxTitle = 250
)

// A message is the body of POST /message (gotify.net/api-docs).
type message struct {
	Title    string         `json:"title"`
	Text     string         `json:"message"`
	Priority int            `json:"priority"`
	Extras   map[string]any `json:"extras"`
}

const lowest, highest = 0, 10

// priorities are the defaults: from 8 the app is loud, from 4 it has a sound, below it has
// none.
var priorities = notifiers.PriorityMap{
	"escalated": 8, "down": 8, "degraded": 5, "changed": 5, "acknowledged": 2, "closed": 2, "test": 2,
}

// compose writes a message. A target comes from a file, so it is looked at again.
func compose(to Target, m notifiers.Message) (message, error) {
	loudness, err := priorities.With(to.Priority, lowest, highest)
	if err != nil {
		return message{}, err
	}
	text := m.PhoneText(func(text string) bool { return len(text) <= maxText })
	made := message{
		Title: fit.Bytes.Cut(m.Headline(), maxTitle), Text: fit.Bytes.Cut(text, maxText), Priority: loudness.Of(m),
		// Without it an app might read Markdown.
		Extras: map[string]any{"client::display": map[string]string{"contentType": "text/plain"}},
	}
	if len(m.Items) == 1 {
		if page := m.Items[0].Incident.URL; strings.HasPrefix(page, "https://") || strings.HasPrefix(page, "http://") {
			made.Extras["client::notification"] = map[string]any{"click": map[string]string{"url": page}}
		}
	}
	return made, nil
}
