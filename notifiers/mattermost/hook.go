package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A hook posts by an incoming webhook.
type hook struct {
	client *httpdo.Client
	url    string
}

// A hookPost is what an incoming webhook takes.
type hookPost struct {
	Channel     string       `json:"channel,omitempty"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
}

// Notify posts one message.
func (h *hook) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("mattermost cannot reach a %T", to))
	}
	c := composeContent(m, mentionOf(target, m))
	answer, err := h.client.JSON(ctx, http.MethodPost, h.url, nil, hookPost{target.Channel, c.Text, c.Attachments})
	switch {
	case err != nil:
		err = judge(answer, err)
	case strings.TrimSpace(string(answer.Body)) != "ok":
		err = answer.Unproven("Mattermost", `"ok"`)
	}
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Mattermost: %w", err)
	}
	return notifiers.Receipt{Answer: answer.Words()}, nil
}

// Close closes idle connections.
func (h *hook) Close() error { return h.client.Close() }
