package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A hook posts by an incoming webhook, which has one channel, no threads and no changes.
type hook struct {
	client *httpdo.Client
	url    string
}

// openHook makes the notifier of settings with a url.
func (s Settings) openHook() (notifiers.Notifier, error) {
	for _, other := range []struct {
		name    string
		written bool
	}{
		{"token", !s.Token.IsZero()}, {"api_url", s.APIURL != ""}, {"app_token", !s.AppToken.IsZero()}, {"ackers", s.Ackers != ""},
	} {
		if other.written {
			return nil, fmt.Errorf("url: an incoming webhook does not go together with %s: remove one of them", other.name)
		}
	}
	u, err := httpdo.ParseURL(s.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	client, err := httpdo.New("", httpdo.Secrets(u)...)
	if err != nil {
		return nil, err
	}
	return &hook{client: client, url: u.String()}, nil
}

// CheckTarget implements [notifiers.TargetChecker]: a bot needs a channel, and a webhook has its own.
func (s Settings) CheckTarget(to notifiers.Target) error {
	target, ok := to.(Target)
	switch isHook := !s.URL.IsZero(); {
	case !ok:
		return fmt.Errorf("slack cannot reach a %T", to)
	case isHook && target.Channel != "":
		return errors.New("channel: an incoming webhook posts to the channel for which it was made. Remove channel, or use token")
	case !isHook && target.Channel == "":
		return errors.New(`channel is missing: write the channel, like "#mail-ops" or its id`)
	}
	return nil
}

// A hookPost is what an incoming webhook takes.
type hookPost struct {
	Text        string           `json:"text"`
	Attachments []api.Attachment `json:"attachments"`
	// Slack must not make links or mentions of words: they may be a server's.
	Parse       string `json:"parse"`
	LinkNames   bool   `json:"link_names"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

// Notify posts one message.
func (h *hook) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("slack cannot reach a %T", to))
	}
	text, err := composeText(target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	answer, err := h.client.JSON(ctx, http.MethodPost, h.url, nil, hookPost{Text: text, Attachments: attachments(m, false), Parse: "none"})
	if err == nil && strings.TrimSpace(string(answer.Body)) != "ok" {
		err = answer.Unproven("Slack", `"ok"`)
	}
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Slack: %w", err)
	}
	return notifiers.Receipt{Answer: answer.Words()}, nil
}

// Close closes idle connections.
func (h *hook) Close() error { return h.client.Close() }
