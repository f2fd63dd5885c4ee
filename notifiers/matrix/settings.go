// Package matrix is the channel that writes to a room of Matrix as a user (the client-server
// API: PUT rooms/ROOM/send).
//
// It owns what a message looks like in Matrix. What is told of one incident is one thread, whose
// first message is replaced when the incident ends. All text is escaped in the HTML form, and
// each event says who is mentioned, so that no word of a server or of the configuration can
// mention anybody. Events are not encrypted.
//
// A caller may rely on this: the receipt holds the event's id. The name of a request, by which a
// homeserver drops doubles, is made of the message's key, so a message that is sent again
// is shown once.
package matrix

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind matrix.
type Settings struct {
	URL   string        // of the homeserver, https, or http to loopback
	Token opaque.Secret // "syt_..."
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
	if s.Token.IsZero() {
		return nil, errors.New("token is missing: use the access token of the user who is to write")
	}
	u, err := httpdo.ParseURL(s.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	client, err := httpdo.New(s.CA, s.Token.Reveal())
	if err != nil {
		return nil, err
	}
	return &notifier{http: client, base: strings.TrimSuffix(u.String(), "/"), token: s.Token}, nil
}

// A Target is a room, and whom to mention there. [NewTarget] makes one.
type Target struct {
	Room string `json:"room"` // "!abc:example.org", or without a server since version 12 of rooms
	// Mention is "@room", or the id of a user: "@anna:example.org".
	Mention string `json:"mention,omitempty"`
}

var (
	roomForm = regexp.MustCompile(`^![^\s/?#\x00-\x1f]{1,254}$`)
	userForm = regexp.MustCompile(`^@[!-9;-~]{1,200}:[A-Za-z0-9.:\[\]-]{1,255}$`)
)

// everybody is the mention of all who are in a room.
const everybody = "@room"

// NewTarget checks a room, and a mention, which may be empty.
func NewTarget(room, mention string) (Target, error) {
	switch {
	case strings.HasPrefix(room, "#"):
		return Target{}, fmt.Errorf("room %q is an address: write the internal id of the room, which begins with \"!\"", room)
	case !roomForm.MatchString(room):
		return Target{}, fmt.Errorf("room %q is not the internal id of a room, such as \"!abc:example.org\"", room)
	case mention != "" && mention != everybody && !userForm.MatchString(mention):
		return Target{}, fmt.Errorf("mention %q is neither \"@room\" nor a user such as \"@anna:example.org\"", mention)
	}
	return Target{Room: room, Mention: mention}, nil
}

// String names the room and the mention, since one role may tell the same room twice: at once,
// and later louder.
func (t Target) String() string { return strings.TrimSpace(t.Room + " " + t.Mention) }

// sendURL returns where an event is put into a room. The name of the request is what the
// homeserver drops doubles by.
func (n *notifier) sendURL(room, request string) string {
	return n.base + "/_matrix/client/v3/rooms/" + url.PathEscape(room) + "/send/m.room.message/" + request
}
