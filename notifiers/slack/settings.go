// Package slack is the channel that posts to Slack with a bot token
// (chat.postMessage; the scope chat:write, and chat:write.public for channels
// that the bot has not joined), or by an incoming webhook.
//
// It owns what a message looks like in Slack. What a bot tells of one incident is
// one thread, whose replies are shown in the channel as well, and whose first message
// is changed at the end. A word of a server
// or of the configuration can neither mention anybody nor become a link: all
// text is escaped, and only the target's own mention is one.
//
// A caller may rely on this: the receipt holds channel and timestamp, which is a
// message's name in Slack; by a webhook it holds "ok". Slack drops no doubles; the idempotency key is in
// the message's metadata for those who look.
package slack

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind slack.
type Settings struct {
	Token opaque.Secret // "xoxb-..."
	// URL is that of an incoming webhook, instead of Token; whoever has it can post.
	URL opaque.Secret
	// APIURL is where the API is, https, or http to loopback; empty: Slack's.
	APIURL string
	// AppToken is an app-level token, "xapp-...", by which Slack says who presses the button of a
	// message; zero: messages have none.
	AppToken opaque.Secret
	// Ackers are the ids of the users who may press it, sorted and joined by a space; empty:
	// whoever can read the message.
	Ackers string
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: an incoming webhook posts to its own channel; a bot is told where.
func (s Settings) Receiver() opaque.Secret { return s.URL }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	if !s.URL.IsZero() {
		return s.openHook()
	}
	if s.Token.IsZero() {
		return nil, errors.New("token is missing: use the bot token of a Slack app, or url with an incoming webhook")
	}
	base := api.APIURL
	if s.APIURL != "" {
		u, err := httpdo.ParseURL(s.APIURL)
		if err != nil {
			return nil, fmt.Errorf("api_url: %w", err)
		}
		// slack-go appends the name of the method to it.
		base = strings.TrimSuffix(u.String(), "/") + "/"
	}
	if err := s.checkListening(); err != nil {
		return nil, err
	}
	client, err := httpdo.New("", slices.Concat(spellings(s.Token.Reveal()), spellings(s.AppToken.Reveal()))...)
	if err != nil {
		return nil, err
	}
	slack := api.New(s.Token.Reveal(), api.OptionAPIURL(base), api.OptionHTTPClient(doer{client}), api.OptionAppLevelToken(s.AppToken.Reveal()))
	n := &notifier{http: client, api: slack}
	if s.AppToken.IsZero() {
		return n, nil
	}
	l := &listener{notifier: n, ackers: map[string]bool{}, least: leastConnection}
	for _, id := range strings.Fields(s.Ackers) {
		l.ackers[id] = true
	}
	return l, nil
}

// checkListening checks what only listening needs.
func (s Settings) checkListening() error {
	switch {
	case s.AppToken.IsZero() && s.Ackers != "":
		return errors.New("ackers: this needs app_token, without which messages have no button")
	case !s.AppToken.IsZero() && !strings.HasPrefix(s.AppToken.Reveal(), "xapp-"):
		return errors.New("app_token: use the app-level token of a Slack app, which begins with xapp-")
	}
	for _, id := range strings.Fields(s.Ackers) {
		if !memberID.MatchString(id) {
			return fmt.Errorf("ackers: %q is not the id of a user, like U024BE7LH", id)
		}
	}
	return nil
}

// spellings are the forms in which a token may come back: as it is, in a form, in a quoted error.
func spellings(token string) []string {
	if token == "" {
		return nil
	}
	quoted := strconv.Quote(token)
	return []string{token, url.QueryEscape(token), quoted[1 : len(quoted)-1]}
}

// A Target is a channel, and whom to mention there. [NewTarget] makes one.
type Target struct {
	Channel string `json:"channel"` // "#mail-ops", or an id: "C024BE91L"; empty: that of a webhook
	// Mention is "@here", "@channel", "@everyone", or the id of a user
	// ("U024BE7LH") or of a user group ("S0614TZR7"). It is left out of closings
	// and tests.
	Mention string `json:"mention,omitempty"`
}

var (
	channelName = regexp.MustCompile(`^[#@]?[\p{L}\p{N}._-]{1,80}$`)
	memberID    = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	groupID     = regexp.MustCompile(`^S[A-Z0-9]{2,20}$`)
)

// NewTarget checks a channel, and a mention, which may be empty.
func NewTarget(channel, mention string) (Target, error) {
	if !channelName.MatchString(channel) {
		return Target{}, fmt.Errorf(`channel %q is neither a name such as "#mail-ops" nor an id such as "C024BE91L"`, channel)
	}
	if _, err := mentionMarkup(mention); err != nil {
		return Target{}, err
	}
	return Target{Channel: channel, Mention: mention}, nil
}

// NewHookTarget checks a mention in the channel of a webhook.
func NewHookTarget(mention string) (Target, error) {
	if _, err := mentionMarkup(mention); err != nil {
		return Target{}, err
	}
	return Target{Mention: mention}, nil
}

// String names the channel, and the mention, since one role may tell the same
// channel twice: at once, and later louder.
func (t Target) String() string { return strings.TrimSpace(t.Channel + " " + t.Mention) }

// mentionMarkup writes a mention as Slack's mrkdwn wants it.
func mentionMarkup(mention string) (string, error) {
	switch {
	case mention == "":
		return "", nil
	case mention == "@here", mention == "@channel", mention == "@everyone":
		return "<!" + mention[1:] + ">", nil
	case memberID.MatchString(mention):
		return "<@" + mention + ">", nil
	case groupID.MatchString(mention):
		return "<!subteam^" + mention + ">", nil
	}
	return "", fmt.Errorf(`mention %q is none of "@here", "@channel", "@everyone", a user's id (U...) or a user group's id (S...)`, mention)
}
