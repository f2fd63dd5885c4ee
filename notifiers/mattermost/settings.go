// Package mattermost is the channel that posts to a Mattermost server: as a bot by the API of
// posts, or by an incoming webhook.
//
// It owns what a message looks like in Mattermost. What is told of one incident by a bot is one
// thread, and the first post changes when the incident ends. A word of a server or of the
// configuration can neither mention anybody nor format anything: only the target's own mention
// is one.
//
// A caller may rely on this: the receipt of a bot holds the id of the post, and a post that is
// sent again under the same key within 30 seconds is not shown twice. A webhook answers "ok",
// and knows neither doubles nor threads.
package mattermost

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind mattermost.
type Settings struct {
	URL   opaque.Secret // of the server, or of an incoming webhook
	Token opaque.Secret // of a bot; empty: URL is a webhook
	CA    string        // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: an incoming webhook posts to its own channel; a bot is told where.
func (s Settings) Receiver() opaque.Secret {
	if !s.Token.IsZero() {
		return opaque.Secret{}
	}
	return s.URL
}

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	if s.URL.IsZero() {
		return nil, errors.New("url is missing: use that of the server with token, or that of an incoming webhook")
	}
	u, err := httpdo.ParseURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if s.Token.IsZero() {
		client, err := httpdo.New(s.CA, httpdo.Secrets(u)...)
		if err != nil {
			return nil, err
		}
		return &hook{client: client, url: u.String()}, nil
	}
	if strings.Contains(u.Path, "/hooks/") {
		return nil, errors.New("url is that of a webhook: with token it has to be that of the server, without /hooks/")
	}
	token := s.Token.Reveal()
	client, err := httpdo.New(s.CA, httpdo.Spellings(token)...)
	if err != nil {
		return nil, err
	}
	return &bot{client: client, posts: strings.TrimSuffix(u.String(), "/") + "/api/v4/posts", token: token}, nil
}

// CheckTarget implements [notifiers.TargetChecker]: a bot needs the id of a channel, and a webhook
// its name or nothing.
func (s Settings) CheckTarget(to notifiers.Target) error {
	target, ok := to.(Target)
	switch {
	case !ok:
		return fmt.Errorf("mattermost cannot reach a %T", to)
	case s.Token.IsZero():
		return nil
	case target.Channel == "":
		return errors.New("channel is missing: with token, write the id of the channel, which View Info in the menu of the channel shows")
	case !id.MatchString(target.Channel):
		return fmt.Errorf("channel %q is no id: with token, write the id of the channel, which View Info in the menu of the channel shows", target.Channel)
	}
	return nil
}

// A Target is a channel, and whom to mention there. [NewTarget] makes one.
type Target struct {
	// Channel is an id for a bot, and for a webhook a name or nothing.
	Channel string `json:"channel,omitempty"`
	// Mention is left out of closings and tests.
	Mention string `json:"mention,omitempty"`
}

var (
	id          = regexp.MustCompile(`^[a-z0-9]{26}$`)
	channelName = regexp.MustCompile(`^@?[a-z0-9._-]{1,64}$`)
	mentionName = regexp.MustCompile(`^@[a-z0-9._-]{1,64}$`)
)

// NewTarget checks a channel and a mention, both of which may be empty.
func NewTarget(channel, mention string) (Target, error) {
	if channel != "" && !channelName.MatchString(channel) {
		return Target{}, fmt.Errorf(`channel %q is neither an id nor a name as the URL of a channel has it, such as "mail-ops"`, channel)
	}
	if mention != "" && !mentionName.MatchString(mention) {
		return Target{}, fmt.Errorf(`mention %q is none of "@here", "@channel", "@all" or "@name"`, mention)
	}
	return Target{Channel: channel, Mention: mention}, nil
}

// String names the channel, and the mention, since one role may tell the same channel twice: at
// once, and later louder.
func (t Target) String() string { return strings.TrimSpace(t.Channel + " " + t.Mention) }
