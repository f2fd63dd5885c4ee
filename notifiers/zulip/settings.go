// Package zulip is the channel that posts to Zulip as a bot.
//
// It owns what a message looks like in Zulip. What is told of one incident is one topic, which
// is marked as resolved when the incident has ended. Zulip has no way to escape its Markdown, so
// that marks of the configuration become wide characters, and a server's words stand in a block
// of code: only the target's own mention is one.
//
// A caller may rely on this: the receipt holds the id of the message. Zulip drops no doubles.
package zulip

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind zulip.
type Settings struct {
	URL   string // of the organisation, https, or http to loopback
	Email string // of the bot
	Token opaque.Secret
	CA    string // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	switch {
	case s.URL == "":
		return nil, errors.New("url is missing: use that of the organisation, like https://example.zulipchat.com")
	case s.Email == "" || strings.ContainsAny(s.Email, ": "):
		return nil, errors.New("email is missing or wrong: use the address of the bot, as Zulip shows it")
	case s.Token.IsZero():
		return nil, errors.New("token is missing: use the API key of the bot")
	}
	u, err := httpdo.ParseURL(s.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	basic := httpdo.Basic(s.Email, s.Token.Reveal())
	client, err := httpdo.New(s.CA, append(httpdo.Spellings(s.Token.Reveal()), httpdo.Spellings(basic)...)...)
	if err != nil {
		return nil, err
	}
	return &notifier{client: client, messages: strings.TrimSuffix(u.String(), "/") + "/api/v1/messages", basic: basic}, nil
}

// A Target is a channel, perhaps with a topic, and whom to mention there. [NewTarget] makes one.
type Target struct {
	Channel string `json:"channel"`
	Topic   string `json:"topic,omitempty"` // empty: one for each incident
	// Mention is left out of closings and tests.
	Mention string `json:"mention,omitempty"`
}

const (
	maxTopic   = 60 // characters
	maxChannel = 60
)

var (
	wildcards   = []string{"@all", "@everyone", "@channel", "@topic"}
	personName  = regexp.MustCompile("^@[^*`\\\\<>\"@\\pC]{1,100}$")
	groupName   = regexp.MustCompile("^@\\*[^*`\\\\<>\"@\\pC]{1,100}\\*$")
	channelName = regexp.MustCompile(`^\PC+$`)
)

// NewTarget checks a channel, a topic and a mention; the last two may be empty.
func NewTarget(channel, topic, mention string) (Target, error) {
	switch {
	case !channelName.MatchString(channel) || fit.Runes.Length(channel) > maxChannel:
		return Target{}, fmt.Errorf("channel has to be a name of at most %d characters", maxChannel)
	case topic != "" && (!channelName.MatchString(topic) || fit.Runes.Length(topic) > maxTopic):
		return Target{}, fmt.Errorf("topic has to have at most %d characters", maxTopic)
	case mention != "" && !personName.MatchString(mention) && !groupName.MatchString(mention):
		return Target{}, fmt.Errorf(`mention %q is none of "@all", "@topic", "@Full Name" or "@*user group*"`, mention)
	}
	return Target{Channel: channel, Topic: topic, Mention: mention}, nil
}

// String names the channel with the topic, and the mention, since one role may tell the same
// channel twice: at once, and later louder.
func (t Target) String() string {
	text := t.Channel
	if t.Topic != "" {
		text += " > " + t.Topic
	}
	return strings.TrimSpace(text + " " + t.Mention)
}

// markup writes the mention as Zulip wants it.
func (t Target) markup() string {
	switch {
	case t.Mention == "" || groupName.MatchString(t.Mention):
		return t.Mention
	case slices.Contains(wildcards, t.Mention):
		return "@**" + t.Mention[1:] + "**"
	}
	return "@**" + strings.TrimSpace(t.Mention[1:]) + "**"
}
