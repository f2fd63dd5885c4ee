package pushover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// maxConnections is how many requests Pushover takes at once.
const maxConnections = 2

type notifier struct {
	http  *httpdo.Client
	base  string
	token opaque.Secret
	slots chan struct{} // one for each request under way

	mu     sync.Mutex
	shared map[string]sharedRing // by receipt

	awaited  map[string]awaitedRing // by receipt
	askEvery time.Duration
}

// Notify sends one message, and ends the ringing of phones about incidents that have ended or
// that somebody works on.
func (n *notifier) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("pushover cannot reach a %T", to))
	}
	if _, err := NewTarget(target); err != nil { // it may come from a file
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	said, err := n.post(ctx, "messages.json", composeForm(target, m))
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("sending to Pushover: %w", err)
	}
	words := "request " + said.Request
	if err := n.endRinging(ctx, m, said.Receipt != ""); err != nil {
		words += "; phones may ring on: " + err.Error()
	}
	receipt := notifiers.Receipt{Answer: n.http.Sanitise(words)}
	if made := (ring{said.Receipt, max(1, len(m.Items))}); receiptForm.MatchString(made.receipt) {
		receipt.Thread = made.String()
		n.await(made.receipt, m, time.Now())
	}
	return receipt, nil
}

// An answer is what Pushover says to each request.
type answer struct {
	Status  int      `json:"status"` // 1: taken
	Request string   `json:"request"`
	Receipt string   `json:"receipt"` // of an emergency
	Errors  []string `json:"errors"`
}

// post makes one request with the fields and the token.
func (n *notifier) post(ctx context.Context, path string, fields url.Values) (answer, error) {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	form := maps.Clone(fields)
	if form == nil {
		form = url.Values{}
	}
	form.Set("token", n.token.Reveal())
	got, err := n.http.Form(ctx, n.base+path, nil, form)
	var said answer
	isOwn := got.Decode(&said)
	switch {
	case err != nil:
		return answer{}, refused(got, said, err)
	case isOwn && said.Status != 1 && len(said.Errors) > 0:
		return answer{}, got.Refusal(strings.Join(said.Errors, "; "))
	case !isOwn || said.Status != 1 || said.Request == "":
		return answer{}, got.Unproven("Pushover", "id of a request")
	}
	return said, nil
}

const (
	// quotaPause is for the quota of the month: its end is days away, and others are asked
	// meanwhile.
	quotaPause = time.Hour
	// troublePause is what Pushover asks for after a trouble of its own.
	troublePause = 5 * time.Second
)

// refused classifies what Pushover said; err is the answer's own class.
func refused(got httpdo.Answer, said answer, err error) error {
	words := strings.Join(said.Errors, "; ")
	switch {
	case got.Status == http.StatusTooManyRequests:
		if words == "" {
			words = "the quota of messages is used up"
		}
		wait := max(quotaPause, untilReset(got.Header, time.Now()), notifiers.Wait(err))
		return got.Later(words, wait)
	case got.Status/100 == 5:
		return httpdo.AtLeast(err, troublePause)
	case words != "" && notifiers.IsPermanent(err):
		return got.Refusal(words)
	}
	return err
}

// untilReset reads when the application may send again.
func untilReset(header http.Header, now time.Time) time.Duration {
	epoch, err := strconv.ParseInt(header.Get("X-Limit-App-Reset"), 10, 64)
	if err != nil || epoch <= 0 {
		return 0
	}
	return httpdo.Seconds(time.Unix(min(epoch, 1<<40), 0).Sub(now).Seconds())
}

// endRinging ends the ringing about each incident that has ended or that somebody works on, and
// the earlier ringing about what a message rings about again. It tries all, and returns what
// became of those that failed.
func (n *notifier) endRinging(ctx context.Context, m notifiers.Message, rings bool) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	var failures []error
	for _, r := range n.settled(m, rings, time.Now()) {
		n.forgetRing(r.receipt)
		if _, err := n.post(ctx, "receipts/"+r.receipt+"/cancel.json", nil); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// Close closes idle connections.
func (n *notifier) Close() error { return n.http.Close() }
