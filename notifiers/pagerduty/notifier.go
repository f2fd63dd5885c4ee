// Package pagerduty is the channel for PagerDuty: an event of its Events API v2 a transition.
//
// It owns the events and the key by which PagerDuty knows an incident, which it chooses itself.
// It knows no schedule and no person: PagerDuty does.
//
// A caller may rely on this: a delivery is an event that PagerDuty has accepted. That is no proof
// that somebody was called; an acknowledgement or an end of what is not open there is
// accepted, too, and dropped.
package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const apiURL = "https://events.pagerduty.com"

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	if strings.TrimSpace(s.RoutingKey.Reveal()) == "" {
		return nil, errors.New("routing_key is missing: copy the integration key of the service")
	}
	address := s.APIURL
	if address == "" {
		address = apiURL
	}
	u, err := httpdo.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("api_url: %w", err)
	}
	client, err := httpdo.New("", s.RoutingKey.Reveal())
	if err != nil {
		return nil, err
	}
	return &notifier{url: u.JoinPath("v2", "enqueue"), key: s.RoutingKey, client: client, pace: newPace()}, nil
}

type notifier struct {
	url    *url.URL
	key    opaque.Secret
	client *httpdo.Client
	pace   *pace
}

// Notify sends the event of one message, or for a test two.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("PagerDuty cannot reach a %T", to))
	}
	if len(m.Items) > 1 || m.Report != nil {
		return notifiers.Receipt{}, notifiers.Permanent(errors.New("a message to PagerDuty must be about one incident"))
	}
	if wait := n.pace.wait(m.Key, time.Now()); wait > 0 {
		return notifiers.Receipt{}, notifiers.Paced(wait)
	}
	var receipt notifiers.Receipt
	for _, e := range n.events(target, m) {
		said, err := n.send(ctx, e)
		if err != nil {
			return notifiers.Receipt{}, fmt.Errorf("sending to PagerDuty: %w", err)
		}
		receipt.Answer = said
	}
	return receipt, nil
}

// afterLimit is the least pause after an answer that there are too many events. PagerDuty names none,
// and advises half a minute.
const afterLimit = 30 * time.Second

// send makes one request. The proof is the key of the incident in the answer: PagerDuty has
// read the event.
func (n *notifier) send(ctx context.Context, e event) (opaque.Words, error) {
	answer, err := n.client.JSON(ctx, http.MethodPost, n.url.String(), nil, e)
	var said struct {
		Status   string   `json:"status"`
		Message  string   `json:"message"`
		DedupKey string   `json:"dedup_key"`
		Errors   []string `json:"errors"`
	}
	understood := answer.Decode(&said)
	switch {
	case answer.Status == http.StatusTooManyRequests:
		return opaque.Words{}, httpdo.AtLeast(err, afterLimit)
	case err != nil && notifiers.IsPermanent(err) && understood && said.Message != "":
		return opaque.Words{}, answer.Refusal(said.Message + ": " + strings.Join(said.Errors, ", "))
	case err != nil:
		return opaque.Words{}, err
	case answer.Status != http.StatusAccepted || !understood || said.Status != "success" || said.DedupKey != e.DedupKey:
		return opaque.Words{}, answer.Unproven("PagerDuty", "dedup_key of the incident with status 202")
	}
	return n.client.Sanitise(fmt.Sprintf("%s accepted (202), dedup_key %s: %s", e.Action, said.DedupKey, said.Message)), nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
