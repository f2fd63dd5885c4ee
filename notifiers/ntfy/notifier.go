package ntfy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	http   *httpdo.Client
	url    string // of the server's root, which takes JSON for any topic
	header http.Header
}

// Notify publishes one message.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("ntfy cannot reach a %T", to))
	}
	message, err := compose(target, m)
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	answer, err := n.http.JSON(ctx, http.MethodPost, n.url, n.header, message)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("publishing to ntfy: %w", n.explain(answer, err))
	}
	var published struct {
		ID       string `json:"id"`
		Event    string `json:"event"`
		Sequence string `json:"sequence_id"`
	}
	if !answer.Decode(&published) || strings.TrimSpace(published.ID) == "" || published.Event != "message" {
		return notifiers.Receipt{}, fmt.Errorf("publishing to ntfy: %w", answer.Unproven("ntfy", "message id"))
	}
	receipt := notifiers.Receipt{Answer: n.http.Sanitise("message " + published.ID)}
	// A server before 2.16 knows no sequences, and shows every message.
	if message.Sequence != "" && published.Sequence == message.Sequence {
		receipt.Thread = message.Sequence
	}
	return receipt, nil
}

// Codes of ntfy's errors (server/errors.go), and what its limits mean for the next attempt.
const (
	dailyQuota  = 42908
	quotaPause  = time.Hour // it ends at midnight, UTC
	pauseAtOnce = 10 * time.Second
)

// explain returns err with ntfy's own code and sentence in the place of the raw answer.
func (n *notifier) explain(answer httpdo.Answer, err error) error {
	var refusal struct {
		Code  int    `json:"code"`
		Error string `json:"error"`
	}
	if answer.Decode(&refusal) && refusal.Code != 0 {
		words := n.http.Sanitise(fmt.Sprintf("error %d: %.300s", refusal.Code, refusal.Error))
		err = answer.Classify(errors.New(strings.TrimSpace(fmt.Sprintf("HTTP %d, %s", answer.Status, words))))
	}
	switch {
	case answer.Status != http.StatusTooManyRequests:
		return err
	case refusal.Code == dailyQuota:
		return httpdo.AtLeast(err, quotaPause)
	}
	return httpdo.AtLeast(err, pauseAtOnce)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
