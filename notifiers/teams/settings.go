// Package teams is the channel that posts to Microsoft Teams by a workflow: one HTTP POST
// of an Adaptive Card to the URL of the trigger "When a Teams webhook request is received".
//
// It owns what a message looks like in Teams. The words of servers and of the configuration
// stand in RichTextBlocks, in which nothing is markup; the title stands in a TextBlock, and
// what would be markup there is replaced. Only the target's own mentions are mentions.
//
// A caller may rely on this: Workflows answers before the workflow runs, so the receipt proves
// that the message was accepted and not that it was posted. Workflows drops no doubles and has
// no threads, and what was posted cannot be changed.
package teams

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind teams.
type Settings struct {
	URL opaque.Secret // https, or http to loopback; whoever has it can post
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: each workflow posts to its own channel.
func (s Settings) Receiver() opaque.Secret { return s.URL }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings]. It refuses the URLs of connectors, which Microsoft
// has switched off.
func (s Settings) Open() (notifiers.Notifier, error) {
	if s.URL.IsZero() {
		return nil, errors.New("url is missing: make a workflow in Teams, and use the URL that it shows")
	}
	u, err := httpdo.ParseURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if isConnector(u) {
		return nil, errors.New("url: this is the URL of an Office 365 connector, and Microsoft has switched connectors off: " +
			"make a workflow in Teams from the template \"Send webhook alerts to a channel\", and use the URL that it shows")
	}
	client, err := httpdo.New("", httpdo.Secrets(u)...)
	if err != nil {
		return nil, err
	}
	return &notifier{url: u.String(), client: client}, nil
}

// isConnector reports whether a URL belongs to a connector: example.webhook.office.com, or the
// older outlook.office.com/webhook.
func isConnector(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	older := host == "outlook.office.com" || host == "outlook.office365.com"
	return host == "webhook.office.com" || strings.HasSuffix(host, ".webhook.office.com") ||
		older && strings.HasPrefix(u.Path, "/webhook")
}

// A Target is whom to mention; the workflow decides where it posts. [NewTarget] makes one.
type Target struct {
	// Mention are objects in the form of [notifiers.JoinMap], with id and name, in that of
	// [notifiers.JoinSet]. Nobody is mentioned in closings and tests.
	Mention string `json:"mention,omitempty"`
}

// maxMentions is more than a page to people needs, and keeps the card within its limit.
const maxMentions = 10

// NewTarget checks mentions, each in the form of [notifiers.JoinMap] with an id and a name.
func NewTarget(mentions []string) (Target, error) {
	if len(mentions) > maxMentions {
		return Target{}, fmt.Errorf("mention has %d people, and at most %d can be mentioned", len(mentions), maxMentions)
	}
	for _, person := range mentions {
		if err := checkPerson(notifiers.SplitMap(person)); err != nil {
			return Target{}, err
		}
	}
	return Target{Mention: notifiers.JoinSet(mentions)}, nil
}

// checkPerson looks at an id and a name, which stand in a card's text.
func checkPerson(person map[string]string) error {
	const most = 100
	id, name := person["id"], person["name"]
	switch {
	case id == "" || strings.ContainsAny(id, " <>"):
		return errors.New("mention needs the id of each person: the name that the person logs in with, or the object id")
	case strings.TrimSpace(name) == "" || strings.ContainsAny(name, "<>*[]"):
		return errors.New("mention needs the name of each person, without the characters < > * [ ]")
	case fit.Runes.Length(id) > most, fit.Runes.Length(name) > most:
		return fmt.Errorf("mention has an id or a name of more than %d characters", most)
	}
	return nil
}

// people returns whom the target mentions.
func (t Target) people() (people []map[string]string) {
	for _, person := range notifiers.SplitList(t.Mention) {
		people = append(people, notifiers.SplitMap(person))
	}
	return people
}

// String names whom the target mentions; it is empty where that is nobody: role and notifier
// name the destination then.
func (t Target) String() string {
	var ids []string
	for _, person := range t.people() {
		ids = append(ids, person["id"])
	}
	return strings.Join(ids, ", ")
}
