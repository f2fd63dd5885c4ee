// Package sms is the channel that sends text messages through a gateway: Twilio or another
// that is known (presets), or any that takes one HTTP request a message.
//
// It owns what is asked of the gateway and how its answer is judged. A message
// is one SMS in the GSM alphabet where that is possible, and holds no word of a
// server. One call tells one number.
//
// A caller may rely on this: what is filled into the template of a request
// cannot break out of the place where it was written. Gateways drop no doubles
// by themselves; to one that can, {key} gives the idempotency key.
package sms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// Settings are a notifier block of kind sms.
type Settings struct {
	Provider string // one of Providers
	// From is the sender: a number, a name where the country allows one, or
	// with Twilio a messaging service ("MG...").
	From string

	// Of provider "twilio".
	AccountSID string
	AuthToken  opaque.Secret
	BaseURL    string // empty: the provider's; also of the presets

	// Of the presets, which each take some: see presets.
	Key, Secret, Token opaque.Secret
	Region             string

	// Of provider "http". URL and Body are templates: {to}, {text}, {from} and
	// {key} are replaced, in the URL percent-encoded, in the body encoded as
	// its Content-Type wants it: as the inside of a JSON string, as a form's
	// value, or as XML text; in any other type as it is.
	URL     opaque.Secret
	Method  string        // "POST" (also when empty), "PUT" or "GET"
	Headers opaque.Secret // as httpdo.JoinHeaders makes them; without Content-Type: a form
	Body    opaque.Secret
	// Success tells an accepted message: status codes ("200, 202"), or a text
	// that the body of a 2xx must have in it; empty: any 2xx. A 2xx that does
	// not fit is a permanent refusal: trying again might text people all night.
	Success string
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// CheckTarget implements [notifiers.TargetChecker]: of the providers that are known, Twilio alone
// reaches WhatsApp.
func (s Settings) CheckTarget(to notifiers.Target) error {
	target, ok := to.(Target)
	if _, known := presets[s.Provider]; ok && known && strings.HasPrefix(target.To, "whatsapp:") {
		return fmt.Errorf("to: %q is for provider \"twilio\"; %s sends SMS to numbers", target.To, s.Provider)
	}
	return nil
}

// IsExposed implements [notifiers.Exposed].
func (s Settings) IsExposed() bool { return httpdo.IsExposed(s.URL.Reveal()) }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	preset, known := presets[s.Provider]
	if !known && s.Provider != "twilio" && s.Provider != "http" {
		return nil, fmt.Errorf("provider %q is not known: use one of %s", s.Provider, strings.Join(Providers(), ", "))
	}
	if err := s.checkAttributes(); err != nil {
		return nil, err
	}
	switch {
	case known:
		return openPreset(s, preset)
	case s.Provider == "twilio":
		return openTwilio(s)
	case s.URL.IsZero():
		return nil, errors.New("url is missing: where to send the request")
	}
	return openGateway(s)
}

// A Target is one number; each number of a notify block is a destination.
// [NewTarget] makes one.
type Target struct {
	To string `json:"to"` // "+15550100"
}

// number is E.164 with or without its plus, so that national numbers and short
// codes pass as well; Twilio reaches WhatsApp by a prefix.
var number = regexp.MustCompile(`^(whatsapp:)?\+?[0-9]{3,20}$`)

// NewTarget checks a number.
func NewTarget(to string) (Target, error) {
	if !number.MatchString(to) {
		return Target{}, fmt.Errorf(`%q is not a phone number: write it like "+15550100", without spaces`, to)
	}
	return Target{To: to}, nil
}

// String is the number.
func (t Target) String() string { return t.To }
