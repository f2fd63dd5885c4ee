// Package ntfy is the channel that pushes to phones by ntfy, the service ntfy.sh or a server
// of one's own.
//
// It owns what a message looks like on a phone: a title, plain text in which nothing is
// markup, a button that opens the page of the incident and one that acknowledges it. The end
// of an incident takes the place of its first message where the server can do that (2.16
// and later), without a sound.
//
// A caller may rely on this: the receipt holds the id of the message. ntfy drops no doubles.
package ntfy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const publicURL = "https://ntfy.sh"

// Settings are a notifier block of kind ntfy.
type Settings struct {
	URL      string        // https, or http to loopback; empty: ntfy.sh
	Token    opaque.Secret // an access token, "tk_..."
	Username string
	Password opaque.Secret
	CA       string // PEM, instead of the system's roots
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	base := publicURL
	if s.URL != "" {
		u, err := httpdo.ParseURL(s.URL)
		switch {
		case err != nil:
			return nil, fmt.Errorf("url: %w", err)
		case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			return nil, errors.New("url: write the address of the server alone; the topic belongs into the notify block, a password into password")
		}
		base = strings.TrimSuffix(u.String(), "/")
	}
	header, err := s.authorization()
	if err != nil {
		return nil, err
	}
	client, err := httpdo.New(s.CA, append(httpdo.HeaderSecrets(header), s.Password.Reveal())...)
	if err != nil {
		return nil, err
	}
	return &notifier{http: client, url: base + "/", header: header}, nil
}

func (s Settings) authorization() (http.Header, error) {
	header := http.Header{}
	switch basic := s.Username != "" || !s.Password.IsZero(); {
	case basic && !s.Token.IsZero():
		return nil, errors.New("token: use either token, or username and password")
	case basic && s.Username == "":
		return nil, errors.New("username is missing: password is that of a user")
	case basic && s.Password.IsZero():
		return nil, errors.New("password is missing: it is that of username")
	case basic:
		// RFC 7617 section 2.
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.Username+":"+s.Password.Reveal())))
	case !s.Token.IsZero():
		header.Set("Authorization", "Bearer "+s.Token.Reveal())
	}
	return header, nil
}

// A Target is a topic, and how loud its messages are. [NewTarget] makes one.
type Target struct {
	Topic    string `json:"topic"`
	Priority string `json:"priority,omitempty"` // as [notifiers.JoinMap] makes it
}

// topicForm is what a server takes as a topic.
var topicForm = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// NewTarget checks a topic and the priorities, which may be empty.
func NewTarget(topic, priority string) (Target, error) {
	if !topicForm.MatchString(topic) {
		return Target{}, fmt.Errorf("topic: %q must be at most 64 letters, digits, - and _", topic)
	}
	if _, err := priorities.With(priority, lowest, highest); err != nil {
		return Target{}, err
	}
	return Target{Topic: topic, Priority: priority}, nil
}

// String names the topic, and the priorities, since one role may use the same topic twice.
func (t Target) String() string { return strings.TrimSpace(t.Topic + " " + t.Priority) }
