package pushover

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

const (
	// askPause is how often Pushover is asked who acknowledged; it allows 5 seconds
	// (pushover.net/api/receipts).
	askPause = 10 * time.Second
	// mostAwaited bounds how many rings are asked for.
	mostAwaited = 64
	// maxDevice is what a device is called at most, in characters.
	maxDevice = 25
)

var _ notifiers.Listener = (*notifier)(nil)

// An awaitedRing is a ring that somebody may end by acknowledging it in the app.
type awaitedRing struct {
	codes []string // of the incidents
	until time.Time
}

// await has Pushover asked who ends the ringing about a message.
func (n *notifier) await(receipt string, m notifiers.Message, now time.Time) {
	a := awaitedRing{until: now.Add(longestRing)}
	for _, item := range m.Items {
		if code := item.Incident.AcknowledgeCode; code != "" && !item.Ends() {
			a.codes = append(a.codes, code)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(a.codes) > 0 && len(n.awaited) < mostAwaited {
		n.awaited[receipt] = a
	}
}

// forgetRing has Pushover not asked of a ring any more.
func (n *notifier) forgetRing(receipt string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.awaited, receipt)
}

// awaitedRings returns the rings that have not ended by themselves.
func (n *notifier) awaitedRings(now time.Time) map[string]awaitedRing {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.awaited, func(_ string, a awaitedRing) bool { return now.After(a.until) })
	return maps.Clone(n.awaited)
}

// Listen implements [notifiers.Listener] by asking, while phones ring, whether somebody has
// acknowledged in the app. What rang before the daemon was started is not asked for.
func (n *notifier) Listen(ctx context.Context, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	ticker := time.NewTicker(n.askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-ticker.C:
			if err := n.askAll(ctx, now, acknowledge); err != nil {
				return err
			}
		}
	}
}

// askAll asks of all rings.
func (n *notifier) askAll(ctx context.Context, now time.Time, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	rings := n.awaitedRings(now)
	for _, receipt := range slices.Sorted(maps.Keys(rings)) {
		if err := n.askWho(ctx, receipt, rings[receipt].codes, acknowledge); err != nil {
			return fmt.Errorf("asking Pushover who acknowledged: %w", err)
		}
	}
	return nil
}

// A ringState is what Pushover says of a receipt.
type ringState struct {
	Status       int    `json:"status"`
	Acknowledged int    `json:"acknowledged"`
	Device       string `json:"acknowledged_by_device"`
	Expired      int    `json:"expired"`
}

// askWho asks of one ring, and acknowledges what it is about if somebody has. Pushover shows no answer
// to them.
func (n *notifier) askWho(ctx context.Context, receipt string, codes []string, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	state, err := n.ringState(ctx, receipt)
	switch {
	case err != nil:
		return err
	case state.Acknowledged == 1:
		n.forgetRing(receipt)
		for _, code := range codes {
			// The key of the person is what messages are sent to, and no name: the device has to do.
			_, _ = acknowledge(ctx, notifiers.Press{Code: code, By: fit.Runes.Cut(state.Device, maxDevice), Via: "Pushover"})
		}
	case state.Expired == 1:
		n.forgetRing(receipt)
	}
	return nil
}

// ringState asks for the state of a ring; one that Pushover does not know any more has expired.
func (n *notifier) ringState(ctx context.Context, receipt string) (state ringState, err error) {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return state, ctx.Err()
	}
	to := n.base + "receipts/" + receipt + ".json?" + url.Values{"token": {n.token.Reveal()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, http.NoBody)
	if err != nil {
		return state, fmt.Errorf("the request cannot be made: %s", n.http.Sanitise(err.Error()))
	}
	got, err := n.http.Send(req)
	switch {
	case got.Status == http.StatusNotFound:
		return ringState{Expired: 1}, nil
	case err != nil:
		return state, err
	case !got.Decode(&state) || state.Status != 1:
		return state, got.Unproven("Pushover", "state of a receipt")
	}
	return state, nil
}
