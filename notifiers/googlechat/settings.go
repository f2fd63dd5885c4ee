// Package googlechat is the channel that posts into a space of Google Chat by its webhook.
//
// It owns what a message looks like there, and the pace: a space takes one message a second.
// What is told of one incident is one thread. Google Chat has no way to escape its markup, so
// that marks of the configuration become wide characters, and a server's words stand in a block
// of code: only the target's own mention is one.
//
// A caller may rely on this: the receipt holds the name of the message, and a message that is
// sent again under the same key is not shown twice.
package googlechat

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/time/rate"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind googlechat.
type Settings struct {
	URL opaque.Secret // https, or http to loopback; whoever has it can post
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: each webhook posts to its own space.
func (s Settings) Receiver() opaque.Secret { return s.URL }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	if s.URL.IsZero() {
		return nil, errors.New("url is missing: use that of a webhook, which the space shows under Apps and integrations")
	}
	u, err := httpdo.ParseURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	client, err := httpdo.New("", secretsOf(u)...)
	if err != nil {
		return nil, err
	}
	return &notifier{url: u, client: client, pace: rate.NewLimiter(pace, 1)}, nil
}

// secretsOf returns the parts of the URL with which anybody could post. The space is in the
// names of messages, and is no secret.
func secretsOf(u *url.URL) []string {
	secrets := []string{u.String(), u.RequestURI()}
	for _, values := range u.Query() {
		for _, value := range values {
			if len(value) >= shortestKey {
				secrets = append(secrets, value, url.QueryEscape(value))
			}
		}
	}
	return secrets
}

// shortestKey is shorter than any key of Google, and longer than what answers hold by chance.
const shortestKey = 8

// A Target is whom to mention; the webhook decides where it posts. [NewTarget] makes one.
type Target struct {
	// Mention is "@all" or "users/123". Nobody is mentioned in closings and tests.
	Mention string `json:"mention,omitempty"`
}

var userID = regexp.MustCompile(`^users/[0-9]{1,30}$`)

// NewTarget checks a mention, which may be empty.
func NewTarget(mention string) (Target, error) {
	if mention != "" && mention != "@all" && !userID.MatchString(mention) {
		return Target{}, fmt.Errorf(`mention %q is neither "@all" nor the id of a person, such as "users/123456789"`, mention)
	}
	return Target{Mention: mention}, nil
}

// String names whom the target mentions; it is empty where that is nobody: role and notifier
// name the destination then.
func (t Target) String() string { return t.Mention }

// markup writes the mention as Google Chat wants it.
func (t Target) markup() string {
	switch t.Mention {
	case "":
		return ""
	case "@all":
		return "<users/all>"
	}
	return "<" + strings.TrimPrefix(t.Mention, "@") + ">"
}
