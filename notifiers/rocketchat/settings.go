// Package rocketchat is the channel that posts to a Rocket.Chat server, as a user with a
// personal access token (POST /api/v1/chat.postMessage).
//
// It owns what a message looks like in Rocket.Chat. What is told of one incident is one thread,
// and the text of its first message changes when the incident ends. A word of a server or of the
// configuration can neither mention anybody nor format anything: only the target's own mention
// is one.
//
// A caller may rely on this: the receipt holds the id of the message. An answer with a status of
// success that says "success": false is a refusal, as Rocket.Chat means it. Rocket.Chat drops no
// doubles.
package rocketchat

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind rocketchat.
type Settings struct {
	URL    string // of the server, https, or http to loopback
	UserID string
	Token  opaque.Secret
	CA     string // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// userID is what Rocket.Chat makes; anything else is a name.
var userID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	u, err := httpdo.ParseURL(s.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: %w", err)
	case s.Token.IsZero():
		return nil, errors.New("token is missing: use a personal access token of the user that sends")
	case !userID.MatchString(s.UserID):
		return nil, errors.New(`user_id is no id of a user, such as "aobEdbYhXfu5hkeqG"`)
	}
	client, err := httpdo.New(s.CA, s.Token.Reveal())
	if err != nil {
		return nil, err
	}
	return &notifier{client: client, api: strings.TrimSuffix(u.String(), "/") + "/api/v1/", user: s.UserID, token: s.Token}, nil
}

// A Target is a room, and whom to mention there. [NewTarget] makes one.
type Target struct {
	Channel string `json:"channel"` // "#mail-ops", "@anna", or the id of a room
	// Mention is left out of closings, acknowledgements and tests.
	Mention string `json:"mention,omitempty"`
}

var (
	roomName    = regexp.MustCompile(`^[#@][\p{L}\p{N}._-]{1,120}$`)
	roomID      = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	mentionName = regexp.MustCompile(`^@[A-Za-z0-9._-]{1,64}$`)
)

// NewTarget checks a room, and a mention, which may be empty.
func NewTarget(channel, mention string) (Target, error) {
	if !roomName.MatchString(channel) && !roomID.MatchString(channel) {
		return Target{}, fmt.Errorf(`channel %q is none of "#channel", "@person" or the id of a room`, channel)
	}
	if mention != "" && !mentionName.MatchString(mention) {
		return Target{}, fmt.Errorf(`mention %q is none of "@all", "@here" or "@name"`, mention)
	}
	return Target{Channel: channel, Mention: mention}, nil
}

// String names the room, and the mention, since one role may tell the same room twice: at
// once, and later louder.
func (t Target) String() string { return strings.TrimSpace(t.Channel + " " + t.Mention) }
