package sms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A gateway is asked as its administrator's templates say.
type gateway struct {
	settings Settings
	headers  http.Header
	url      template
	body     template
	success  success
	client   *httpdo.Client
}

const formType = "application/x-www-form-urlencoded"

// openGateway makes a gateway. Its errors name the attribute that they are about.
func openGateway(s Settings) (notifiers.Notifier, error) {
	s.Method = cmp.Or(s.Method, http.MethodPost)
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodGet}, s.Method) {
		return nil, fmt.Errorf(`method %q is not known: use "POST", "PUT" or "GET"`, s.Method)
	}
	u, err := httpdo.ParsePlainURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	headers, err := httpdo.ParseHeaders(s.Headers)
	if err != nil {
		return nil, err
	}
	if headers.Get("Content-Type") == "" && !s.Body.IsZero() {
		headers.Set("Content-Type", formType)
	}
	g := &gateway{
		settings: s, headers: headers, success: parseSuccess(s.Success),
		url:  template{s.URL.Reveal(), inURL},
		body: template{s.Body.Reveal(), encodingOf(headers.Get("Content-Type"))},
	}
	if err := g.check(); err != nil {
		return nil, err
	}
	secrets := slices.Concat(httpdo.Secrets(u), httpdo.HeaderSecrets(headers), g.body.secrets())
	g.client, err = httpdo.New("", secrets...)
	return g, err
}

// check tries the templates on a message that is hard to encode.
func (g *gateway) check() error {
	for _, name := range []string{"{to}", "{text}"} {
		if !g.url.has(name) && !g.body.has(name) {
			return fmt.Errorf("neither url nor body has %s in it: say where it goes", name)
		}
	}
	// Quotes, a backslash and a line end break JSON that is not escaped, <&> a form.
	filled := g.body.fill(values{to: "+1", text: "\"\\<&>\n", from: "x", key: "k"})
	if err := g.body.validate(filled); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if g.settings.Method == http.MethodGet && !g.settings.Body.IsZero() {
		return errors.New(`body: method "GET" has none, write {to} and {text} into url`)
	}
	return nil
}

func (g *gateway) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("sms cannot reach a %T", to))
	}
	v := values{to: target.To, text: m.Short(), from: g.settings.From, key: m.Key}
	req, err := http.NewRequestWithContext(ctx, g.settings.Method, g.url.fill(v), strings.NewReader(g.body.fill(v)))
	if err != nil {
		// err would show the URL, which may be a secret.
		return notifiers.Receipt{}, notifiers.Permanent(errors.New("the url is not valid with this message in it"))
	}
	req.Header = g.headers.Clone()
	answer, err := g.client.Send(req)
	if err = g.success.judge(answer, err); err != nil {
		return notifiers.Receipt{}, fmt.Errorf("asking the SMS gateway: %w", err)
	}
	return notifiers.Receipt{Answer: answer.Words()}, nil
}

// Close closes idle connections.
func (g *gateway) Close() error { return g.client.Close() }
