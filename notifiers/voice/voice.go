// Package voice is the channel that calls people by telephone, through Twilio, and reads
// the message aloud, twice.
//
// It owns what is said. It holds no word of a server.
//
// A caller may rely on this: a receipt means that Twilio has taken the call into its queue,
// not that anybody answered it; a voicemail answers, too. Calls that come twice ring twice.
package voice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/twilio"
)

// Settings are a notifier block of kind voice.
type Settings struct {
	Provider   string // "twilio"
	AccountSID string
	AuthToken  opaque.Secret
	From       string
	Language   string // of the voice; empty: en-GB
	BaseURL    string // empty: Twilio's
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// language is that of a voice of Twilio: "en-GB", "cmn-CN", "arb".
var language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z0-9]{2,4})?$`)

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	s.Language = cmp.Or(s.Language, "en-GB")
	switch {
	case s.Provider != "twilio":
		return nil, fmt.Errorf(`provider %q is not known: use "twilio"`, s.Provider)
	case s.From == "":
		return nil, errors.New("from is missing: the number that calls")
	case !number.MatchString(s.From):
		return nil, errors.New(`from is not a phone number: write it like "+15550199"`)
	case !language.MatchString(s.Language):
		return nil, fmt.Errorf(`language %q is not known: write it like "en-GB"`, s.Language)
	}
	client, err := twilio.Account{SID: s.AccountSID, Token: s.AuthToken, BaseURL: s.BaseURL}.Open()
	if err != nil {
		return nil, err
	}
	return &notifier{settings: s, client: client}, nil
}

// A Target is one number. [NewTarget] makes one.
type Target struct {
	To string `json:"to"` // "+15550100"
}

// number is E.164 with or without its plus.
var number = regexp.MustCompile(`^\+?[0-9]{3,20}$`)

// NewTarget checks a number.
func NewTarget(to string) (Target, error) {
	if !number.MatchString(to) {
		return Target{}, fmt.Errorf(`%q is not a phone number: write it like "+15550100", without spaces`, to)
	}
	return Target{To: to}, nil
}

// String is the number.
func (t Target) String() string { return t.To }

type notifier struct {
	settings Settings
	client   *twilio.Client
}

// Bounds of a call, in seconds: how long it rings, and how long it lasts.
const (
	ringing   = "40"
	timeLimit = "120"
)

// Notify has one number called.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("voice cannot reach a %T", to))
	}
	created, err := n.client.Create(ctx, "Calls.json", url.Values{
		"To": {target.To}, "From": {n.settings.From}, "Twiml": {instructions(m, n.settings.Language)},
		"Timeout": {ringing}, "TimeLimit": {timeLimit},
	})
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("calling by Twilio: %w", err)
	}
	words := fmt.Sprintf("call %s accepted by Twilio, not proof that anybody answered", created.SID)
	return notifiers.Receipt{Answer: opaque.Sanitise(words)}, nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
