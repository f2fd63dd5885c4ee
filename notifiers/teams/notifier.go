package teams

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

type notifier struct {
	url    string
	client *httpdo.Client
}

// Notify posts one card.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("teams cannot reach a %T", to))
	}
	answer, err := n.client.JSON(ctx, http.MethodPost, n.url, nil, composeMessage(target, m))
	if err == nil {
		err = judge(answer)
	}
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("posting to Teams: %w%s", err, advice[answer.Status])
	}
	words := "accepted by Workflows (202), not proof that it was posted"
	if run := answer.Header.Get("X-Ms-Workflow-Run-Id"); run != "" {
		words += ", run " + run
	}
	return notifiers.Receipt{Answer: n.client.Sanitise(words)}, nil
}

// advice is what to do about an answer that only a person can heal.
var advice = map[int]string{
	http.StatusBadRequest:   ". The workflow must be one that takes Teams webhook requests",
	http.StatusUnauthorized: ". Copy the URL of the workflow again, whole",
	http.StatusForbidden:    ". The workflow must let anyone trigger it",
	http.StatusNotFound:     ". The workflow is switched off or deleted, or the account of its owner is",
}

// formerRefusal is what Teams said in an answer of 200 when it had refused a message, with the
// status that it had given itself (MicrosoftDocs/msteams-docs#1810).
var formerRefusal = regexp.MustCompile(`returned HTTP error ([0-9]{3})`)

// judge returns nil where an answer of 2xx proves that Workflows has accepted the message:
// 202, which is not the page of a portal.
func judge(answer httpdo.Answer) error {
	if refused := formerRefusal.FindSubmatch(answer.Body); refused != nil {
		answer.Status, _ = strconv.Atoi(string(refused[1]))
		return cmp.Or(answer.Err(), answer.Unproven("Workflows", "status 202"))
	}
	// The body of Workflows is empty; a workflow that answers by itself has a few words.
	const fewWords = 4096
	isPage := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || len(answer.Body) > fewWords
	if answer.Status != http.StatusAccepted || isPage {
		return answer.Unproven("Workflows", "status 202 without a page")
	}
	return nil
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.client.Close() }
