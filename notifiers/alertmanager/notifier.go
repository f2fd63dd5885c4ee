// Package alertmanager is the channel for the Alertmanager of Prometheus: alerts by its API v2,
// to every instance of a cluster.
//
// It owns what an alert looks like. Its labels are its identity and do not change while an
// incident is open, but for the severity: then the alert with the old one is resolved in
// the same request. Alertmanager forgets what it is not told again, so this
// channel is a [notifiers.Resender].
//
// A caller may rely on this: a message is delivered when one instance has taken it; the receipt
// says which did, and the others learn it with the next repetition.
package alertmanager

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// IsExposed implements [notifiers.Exposed].
func (s Settings) IsExposed() bool {
	for _, text := range notifiers.SplitList(s.URLs.Reveal()) {
		if httpdo.IsExposed(text) {
			return true
		}
	}
	return false
}

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	header, secrets, err := s.credentials()
	if err != nil {
		return nil, err
	}
	n := &notifier{header: header, resend: s.Resend}
	for _, text := range notifiers.SplitList(s.URLs.Reveal()) {
		u, err := httpdo.ParsePlainURL(text)
		if err != nil {
			return nil, fmt.Errorf("urls: %w", err)
		}
		if strings.Contains(u.Path, "/api/") {
			return nil, errors.New("urls: write the address without /api/v2/alerts, like https://alertmanager.example.net:9093")
		}
		n.instances = append(n.instances, instance{name: u.Host, alerts: u.JoinPath("api", "v2", "alerts")})
		secrets = append(secrets, httpdo.Secrets(u)...)
	}
	switch {
	case len(n.instances) == 0:
		return nil, errors.New("urls is missing: write the address of each Alertmanager")
	case len(header) > 0 && s.IsExposed():
		return nil, errors.New("urls: with http:// the password or token could be read on the network: use https://")
	}
	if n.client, err = httpdo.New(s.CA, secrets...); err != nil {
		return nil, err
	}
	return n, nil
}

// credentials returns the header that logs in, and what of it is secret.
func (s Settings) credentials() (http.Header, []string, error) {
	switch basic := s.Username != "" || !s.Password.IsZero(); {
	case basic && !s.Token.IsZero():
		return nil, nil, errors.New("token: write either token, or username and password")
	case basic && (s.Username == "" || s.Password.IsZero()):
		return nil, nil, errors.New("username: it needs password, and password needs it")
	case basic:
		if strings.Contains(s.Username, ":") {
			return nil, nil, errors.New("username: it must not have a colon in it") // RFC 7617 section 2
		}
		pair := base64.StdEncoding.EncodeToString([]byte(s.Username + ":" + s.Password.Reveal()))
		return http.Header{"Authorization": {"Basic " + pair}}, []string{s.Password.Reveal(), pair}, nil
	case !s.Token.IsZero():
		return http.Header{"Authorization": {"Bearer " + s.Token.Reveal()}}, []string{s.Token.Reveal()}, nil
	}
	return http.Header{}, nil, nil
}

type notifier struct {
	instances []instance
	header    http.Header
	resend    time.Duration
	client    *httpdo.Client
}

// An instance is one Alertmanager of a cluster.
type instance struct {
	name   string // host and port, for people
	alerts *url.URL
}

// Notify posts the alerts of one message.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("an Alertmanager cannot reach a %T", to))
	}
	if len(m.Items) > 1 || m.Report != nil {
		return notifiers.Receipt{}, notifiers.Permanent(errors.New("a message to Alertmanager must be about one incident"))
	}
	c := composer{target: target, resend: n.resend, now: time.Now()}
	var list []alert
	var thread string
	if m.IsTest() {
		list = c.test(m)
	} else {
		list, thread = c.alerts(m, false)
	}
	answer, err := n.post(ctx, list)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Alertmanager: %w", err)
	}
	return notifiers.Receipt{Answer: answer, Thread: thread}, nil
}

// maxPost bounds a request, in bytes: proxies such as nginx take a megabyte.
const maxPost = 500_000

// Resend implements [notifiers.BatchResender].
func (n *notifier) Resend(ctx context.Context, to notifiers.Target, messages []notifiers.Message) error {
	target, ok := to.(Target)
	if !ok {
		return fmt.Errorf("an Alertmanager cannot reach a %T", to)
	}
	var list []alert
	size := 0
	for i, m := range messages {
		c := composer{target: target, resend: n.resend, now: time.Now()}
		some, _ := c.alerts(m, true)
		length, err := json.Marshal(some)
		if err != nil {
			return fmt.Errorf("writing alerts: %w", err)
		}
		list, size = append(list, some...), size+len(length)
		if size < maxPost/2 && i < len(messages)-1 {
			continue
		}
		if _, err := n.post(ctx, list); err != nil {
			return fmt.Errorf("posting to Alertmanager: %w", err)
		}
		list, size = nil, 0
	}
	return nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
