// Package webhook is the channel for programs: one HTTP request with JSON a
// transition, signed as Standard Webhooks (standardwebhooks.com) says.
//
// It owns the body, which other programs are written against (see [Body]) unless a template
// makes another, and the signature. It never follows a redirect and never gathers transitions.
//
// A caller may rely on this: the body of a repeated attempt is the same byte by
// byte, under the same webhook-id; an answer of 2xx is a delivery, whatever else
// the receiver says.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// Settings are a notifier block of kind webhook.
type Settings struct {
	URL     opaque.Secret // https or http
	Secret  opaque.Secret // empty: not signed; see Open
	Headers opaque.Secret // as [httpdo.JoinHeaders] makes them
	CA      string        // PEM, instead of the system's roots
	Method  string        // one of methods; empty: POST
	Body    string        // a template of package wording; empty: that of [Body]
}

// methods are those with which services take events.
var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

// A Target adds nothing: a webhook has one receiver.
type Target struct{}

// String is empty: role and notifier name the destination.
func (Target) String() string { return "" }

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// IsExposed implements [notifiers.Exposed].
func (s Settings) IsExposed() bool { return httpdo.IsExposed(s.URL.Reveal()) }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// Open implements [notifiers.Settings]. A secret that begins with "whsec_" is
// base64 after that; the bytes of any other are the key as they are.
func (s Settings) Open() (notifiers.Notifier, error) {
	u, err := httpdo.ParsePlainURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	headers, err := httpdo.ParseHeaders(s.Headers)
	if err != nil {
		return nil, err
	}
	key, err := signingKey(s.Secret)
	if err != nil {
		return nil, err
	}
	if s.Method = cmp.Or(s.Method, http.MethodPost); !slices.Contains(methods, s.Method) {
		return nil, fmt.Errorf(`method %q is not known: use "POST", "PUT" or "PATCH"`, s.Method)
	}
	body, err := parseBody(s.Body)
	if err != nil {
		return nil, err
	}
	secrets := append(httpdo.Secrets(u), httpdo.HeaderSecrets(headers)...)
	client, err := httpdo.New(s.CA, append(secrets, s.Secret.Reveal())...)
	if err != nil {
		return nil, err
	}
	return &notifier{url: u, method: s.Method, headers: headers, key: key, template: body, client: client}, nil
}

type notifier struct {
	url      *url.URL
	method   string
	headers  http.Header
	key      []byte            // nil: not signed
	template *wording.Template // nil: the body is that of Body
	client   *httpdo.Client
}

// Notify posts the one transition of m.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	if _, ok := to.(Target); !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("a webhook cannot reach a %T", to))
	}
	// The body has one incident; only messages to people are gathered.
	if len(m.Items) > 1 {
		return notifiers.Receipt{}, notifiers.Permanent(errors.New("a webhook message must be about one transition"))
	}
	body, failed, err := n.compose(m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	req, err := n.request(ctx, m.Key, body, time.Now())
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	answer, err := n.client.Send(req)
	switch {
	case err != nil && failed != nil:
		return notifiers.Receipt{}, fmt.Errorf("posting to the webhook: %w (with imapvigil's own body, since the template failed: %s)", err, opaque.Sanitise(failed.Error()))
	case err != nil:
		return notifiers.Receipt{}, fmt.Errorf("posting to the webhook: %w", err)
	case failed != nil:
		return notifiers.Receipt{Answer: opaque.Sanitise(fmt.Sprintf("imapvigil's own body was sent, since the template failed: %s. %s", failed, answer.Words()))}, nil
	}
	return notifiers.Receipt{Answer: answer.Words()}, nil
}

func (n *notifier) request(ctx context.Context, key string, body []byte, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, n.method, n.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the url is not valid") // err would show it, and it is a secret
	}
	req.Header = n.headers.Clone()
	// After the configured headers: they must not say that the body is something else.
	req.Header.Set("Content-Type", "application/json")
	if n.key != nil {
		setSignature(req.Header, n.key, key, now, body)
	}
	return req, nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
