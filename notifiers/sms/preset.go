package sms

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A provider is a gateway whose requests and answers are known.
type provider struct {
	name string // as people call it
	// needs are the attributes that it cannot do without, takes those that it may have.
	needs, takes []string
	// base is where the API is, where no base_url says so.
	base func(Settings) (string, error)
	// send makes the request for one message.
	send func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error)
	// judge returns the id of an accepted message. Of an answer that is not 2xx it returns the
	// code and the words of the refusal as refused, which may be empty.
	judge   func(answer httpdo.Answer) (id string, err error)
	refused func(answer httpdo.Answer) string
}

// presets are the providers by their names in files.
var presets = map[string]provider{
	"vonage": vonage, "bird": bird, "plivo": plivo, "sinch": sinch, "clickatell": clickatell,
}

// A preset sends by a provider.
type preset struct {
	provider
	settings Settings
	base     string
	client   *httpdo.Client
}

func openPreset(s Settings, of provider) (notifiers.Notifier, error) {
	for _, name := range of.needs {
		if !s.has(name) {
			return nil, fmt.Errorf("%s is missing: %s", name, purposes[name])
		}
	}
	base, err := of.base(s)
	if err != nil {
		return nil, err
	}
	if s.BaseURL != "" {
		u, err := httpdo.ParseURL(s.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("base_url: %w", err)
		}
		base = strings.TrimSuffix(u.String(), "/")
	}
	key, token := s.Key.Reveal(), s.Token.Reveal()
	// As the two cross the wire in Authorization (RFC 7617 section 2).
	client, err := httpdo.New("", key, token, s.Secret.Reveal(), base64.StdEncoding.EncodeToString([]byte(key+":"+token)))
	if err != nil {
		return nil, err
	}
	return &preset{provider: of, settings: s, base: base, client: client}, nil
}

// purposes say what is missing.
var purposes = map[string]string{
	"key": "the key of the account", "secret": "the secret that belongs to the key",
	"token": "the token of the account", "from": "the number or name that sends",
}

// at returns a base that is the same for everybody.
func at(base string) func(Settings) (string, error) {
	return func(Settings) (string, error) { return base, nil }
}

func (p *preset) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("sms cannot reach a %T", to))
	}
	// These gateways want numbers without the plus.
	answer, err := p.send(ctx, p, strings.TrimPrefix(target.To, "+"), m.Short())
	if err == nil {
		var id string
		if id, err = p.judge(answer); err == nil && strings.TrimSpace(id) == "" {
			err = answer.Unproven(p.name, "message id")
		}
		if err == nil {
			return notifiers.Receipt{Answer: p.client.Sanitise(id)}, nil
		}
	} else if words := p.refused(answer); words != "" {
		err = answer.Classify(fmt.Errorf("HTTP %d, %s", answer.Status, p.client.Sanitise(words)))
	}
	return notifiers.Receipt{}, fmt.Errorf("sending by %s: %w", p.name, err)
}

// Close closes idle connections.
func (p *preset) Close() error { return p.client.Close() }

// authorised returns the header that logs in.
func authorised(value string) http.Header { return http.Header{"Authorization": {value}} }

// has reports whether an attribute is written.
func (s Settings) has(attribute string) bool {
	written := map[string]bool{
		"account_sid": s.AccountSID != "", "auth_token": !s.AuthToken.IsZero(), "base_url": s.BaseURL != "", "from": s.From != "",
		"url": !s.URL.IsZero(), "method": s.Method != "", "headers": !s.Headers.IsZero(), "body": !s.Body.IsZero(), "success": s.Success != "",
		"key": !s.Key.IsZero(), "secret": !s.Secret.IsZero(), "token": !s.Token.IsZero(), "region": s.Region != "",
	}
	return written[attribute]
}

// attributesOf are those that each provider takes.
func attributesOf(name string) []string {
	switch name {
	case "twilio":
		return []string{"account_sid", "auth_token", "from", "base_url"}
	case "http":
		return []string{"url", "method", "headers", "body", "success", "from"}
	}
	p := presets[name]
	return slices.Concat(p.needs, p.takes, []string{"from", "base_url"})
}

// ownAttributes are those that belong to some providers only.
var ownAttributes = []string{
	"account_sid", "auth_token", "base_url", "url", "method", "headers", "body", "success", "key", "secret", "token", "region",
}

// checkAttributes refuses what belongs to another provider.
func (s Settings) checkAttributes() error {
	mine := attributesOf(s.Provider)
	for _, name := range ownAttributes {
		if !s.has(name) || slices.Contains(mine, name) {
			continue
		}
		var owners []string
		for _, provider := range Providers() {
			if slices.Contains(attributesOf(provider), name) {
				owners = append(owners, fmt.Sprintf("%q", provider))
			}
		}
		return fmt.Errorf("%s belongs to provider %s", name, strings.Join(owners, ", "))
	}
	return nil
}

// Providers lists the values of provider.
func Providers() []string {
	return []string{"twilio", "vonage", "bird", "plivo", "sinch", "clickatell", "http"}
}
