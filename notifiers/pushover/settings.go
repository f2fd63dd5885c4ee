// Package pushover is the channel that sends to phones by Pushover (pushover.net/api).
//
// It owns which priority a message has, and the ringing of emergencies: with priority 2 phones
// ring until somebody acknowledges, so the channel ends that when the incident ends or when
// somebody acknowledges it elsewhere.
//
// A caller may rely on this: the receipt holds the id of the request, and its thread is the name
// of the ringing, where there is one. Pushover drops no doubles, and has no place for the
// idempotency key.
package pushover

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const pushoverURL = "https://api.pushover.net"

// longestRing is how long Pushover lets phones ring at most.
const longestRing = 3 * time.Hour

// The defaults of an emergency, in seconds.
const (
	defaultRetry  = 60
	defaultExpire = 3600
)

// Settings are a notifier block of kind pushover.
type Settings struct {
	Token opaque.Secret // of the application
	// APIURL is where the API is, https, or http to loopback; empty: Pushover's.
	APIURL string
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
		return nil, errors.New("token is missing: use the API token of an application at Pushover")
	}
	u, err := httpdo.ParseURL(cmp.Or(s.APIURL, pushoverURL))
	if err != nil {
		return nil, fmt.Errorf("api_url: %w", err)
	}
	token := s.Token.Reveal()
	client, err := httpdo.New("", token, url.QueryEscape(token))
	if err != nil {
		return nil, err
	}
	return &notifier{
		http: client, base: strings.TrimSuffix(u.String(), "/") + "/1/", token: s.Token,
		slots: make(chan struct{}, maxConnections), shared: map[string]sharedRing{}, awaited: map[string]awaitedRing{}, askEvery: askPause,
	}, nil
}

// A Target is a user or a group, and how a message reaches them. [NewTarget] checks one.
type Target struct {
	Key    string `json:"key"`
	Device string `json:"device,omitempty"`
	// Priority is that of what is down, "-2" to "2"; empty: "1".
	Priority string `json:"priority,omitempty"`
	// Retry and Expire are in seconds; 0: the default.
	Retry  int    `json:"retry,omitzero"`
	Expire int    `json:"expire,omitzero"`
	Sound  string `json:"sound,omitempty"`
}

var (
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	deviceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,25}(,[A-Za-z0-9_-]{1,25})*$`)
	soundForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)
	priorities = map[string]int{"": 1, "-2": -2, "-1": -1, "0": 0, "1": 1, "2": emergency}
)

// NewTarget checks a target.
func NewTarget(t Target) (Target, error) {
	_, known := priorities[t.Priority]
	switch {
	case !keyForm.MatchString(t.Key):
		return Target{}, fmt.Errorf("to: %q is not the key of a user or a group, which is of 30 letters and digits", t.Key)
	case t.Device != "" && !deviceForm.MatchString(t.Device):
		return Target{}, fmt.Errorf("device: %q is not the name of a device, or several with commas between them", t.Device)
	case !known:
		return Target{}, fmt.Errorf("priority: %q is none from -2 to 2", t.Priority)
	case t.Sound != "" && !soundForm.MatchString(t.Sound):
		return Target{}, fmt.Errorf("sound: %q is not the name of a sound", t.Sound)
	case cmp.Or(t.Retry, defaultRetry) > cmp.Or(t.Expire, defaultExpire):
		return Target{}, errors.New("retry is longer than expire")
	}
	return t, nil
}

// String names the key, the device and the priority, since one role may tell the same person
// twice: at once, and later louder.
func (t Target) String() string {
	text := t.Key
	if t.Device != "" {
		text += " on " + t.Device
	}
	if t.Priority != "" {
		text += " with priority " + t.Priority
	}
	return text
}
