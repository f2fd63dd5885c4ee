// Package telegram is the channel that writes to Telegram as a bot (sendMessage and
// editMessageText of the Bot API).
//
// It owns what a message looks like in Telegram. Formatting is sent beside the text, as
// entities, so no character of a text can be markup; and nobody can be mentioned. What is
// told of one incident are answers to its first message, which is changed when the incident
// ends, without a sound.
//
// A caller may rely on this: the receipt holds the message's id and its chat's, which
// together are a message's name there. Telegram drops no doubles, and has no place for the
// idempotency key.
package telegram

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const telegramURL = "https://api.telegram.org"

// Settings are a notifier block of kind telegram.
type Settings struct {
	Token opaque.Secret // "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
	// APIURL is where the Bot API is, https, or http to loopback; empty: Telegram's.
	APIURL string
	// Ackers are the ids of the people who may press the button that acknowledges, sorted and
	// joined by a space; empty: messages have no such button.
	Ackers string
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// tokenForm has no character that would end a segment of a path.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9:_-]+$`)

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	token := s.Token.Reveal()
	switch {
	case s.Token.IsZero():
		return nil, errors.New("token is missing: use the token that BotFather gives for a bot")
	case !tokenForm.MatchString(token):
		return nil, errors.New("token: it is not a bot's token, which is a number, a colon, and letters")
	}
	base := telegramURL
	if s.APIURL != "" {
		u, err := httpdo.ParseURL(s.APIURL)
		if err != nil {
			return nil, fmt.Errorf("api_url: %w", err)
		}
		base = strings.TrimSuffix(u.String(), "/")
	}
	// The token is in the path of every request. These are the forms in which a server, a
	// proxy or net/http may show it; behind the colon is what is secret of it.
	_, secret, _ := strings.Cut(token, ":")
	client, err := httpdo.New("", token, url.QueryEscape(token), secret)
	if err != nil {
		return nil, err
	}
	n := &notifier{http: client, base: base + "/bot" + token + "/", moved: map[string]chatID{}}
	if s.Ackers == "" {
		return n, nil
	}
	return newListener(n, strings.Fields(s.Ackers))
}

// A Target is a chat, or a topic of it. [NewTarget] makes one.
type Target struct {
	Chat   string `json:"chat"`             // "-1002718281828", "@mailops"
	Topic  int    `json:"topic,omitzero"`   // of a group that has topics; 0: the general one
	Silent bool   `json:"silent,omitempty"` // no message makes a sound
}

// chatForm is a number of at most 52 bits, as the Bot API promises, or the public name of a
// channel or a group.
var chatForm = regexp.MustCompile(`^(-?[0-9]{1,16}|@[A-Za-z][A-Za-z0-9_]{2,31})$`)

// NewTarget checks a chat, and a topic, which may be 0.
func NewTarget(chat string, topic int, silent bool) (Target, error) {
	if !chatForm.MatchString(chat) {
		return Target{}, fmt.Errorf(`chat %q is neither a number such as "-1002718281828" nor a public name such as "@mailops"`, chat)
	}
	return Target{Chat: chat, Topic: topic, Silent: silent}, nil
}

// String names the chat, the topic, and whether it is silent, since one role may tell the
// same chat twice: silently at once, and later with a sound.
func (t Target) String() string {
	name := t.Chat
	if t.Topic != 0 {
		name += " topic " + strconv.Itoa(t.Topic)
	}
	if t.Silent {
		name += " silently"
	}
	return name
}
