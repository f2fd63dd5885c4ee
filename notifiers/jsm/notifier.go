// Package jsm is the channel for the alerts of Jira Service Management, whose API is that of
// Opsgenie.
//
// It owns the alerts and the alias by which the service knows an incident, which it chooses itself.
// It knows no schedule: the service does.
//
// A caller may rely on this: a delivery is a request that the service has accepted, to be
// processed later. That is no proof that there is an alert: the end of an unknown
// one is accepted, too.
package jsm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

const apiURL = "https://api.atlassian.com/jsm/ops/integration"

// Open implements [notifiers.Settings].
func (s Settings) Open() (notifiers.Notifier, error) {
	key := s.APIKey.Reveal()
	switch {
	case strings.TrimSpace(key) == "":
		return nil, errors.New("api_key is missing: copy the key of the API integration")
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, errors.New("api_key: it has a character that HTTP forbids, such as a line end")
	}
	u, err := httpdo.ParseURL(cmp.Or(s.APIURL, apiURL))
	if err != nil {
		return nil, fmt.Errorf("api_url: %w", err)
	}
	client, err := httpdo.New("", key)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Authorization": {"GenieKey " + key}}
	return &notifier{api: strings.TrimSuffix(u.String(), "/"), header: header, client: client}, nil
}

type notifier struct {
	api    string
	header http.Header
	client *httpdo.Client
}

// Notify makes the request of one message, or for a test two.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("the alerts of Jira cannot reach a %T", to))
	}
	if len(m.Items) > 1 || m.Report != nil {
		return notifiers.Receipt{}, notifiers.Permanent(errors.New("a message to Jira Service Management must be about one incident"))
	}
	var receipt notifiers.Receipt
	for _, r := range requests(target, m) {
		said, err := n.send(ctx, r)
		if err != nil {
			return notifiers.Receipt{}, fmt.Errorf("sending to Jira Service Management: %w", err)
		}
		receipt.Answer = said
		if a, ok := r.body.(alert); ok && !m.IsTest() {
			receipt.Thread = a.Priority
		}
	}
	return receipt, nil
}

// afterLimit is the least pause after an answer that there are too many requests.
const afterLimit = 30 * time.Second

// send makes one request. The proof is the id under which the service will process it.
func (n *notifier) send(ctx context.Context, r request) (opaque.Words, error) {
	answer, err := n.client.JSON(ctx, http.MethodPost, n.api+r.path, n.header, r.body)
	var said struct {
		Result    string            `json:"result"`
		RequestID string            `json:"requestId"`
		Message   string            `json:"message"`
		Errors    map[string]string `json:"errors"`
	}
	understood := answer.Decode(&said)
	switch {
	case answer.Status == http.StatusTooManyRequests:
		return opaque.Words{}, httpdo.AtLeast(err, afterLimit)
	case err != nil && notifiers.IsPermanent(err) && understood && said.Message != "":
		return opaque.Words{}, answer.Refusal(said.Message + faults(said.Errors))
	case err != nil:
		return opaque.Words{}, err
	case answer.Status != http.StatusAccepted || !understood || said.RequestID == "":
		return opaque.Words{}, answer.Unproven("Jira Service Management", "requestId with status 202")
	}
	return n.client.Sanitise(fmt.Sprintf("accepted (202), request %s: %s", said.RequestID, said.Result)), nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
