package pushover_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/pushover"
)

// A phone is who has to acknowledge, as Pushover says it (pushover.net/api/receipts).
type phone struct {
	service
	mu    sync.Mutex
	said  httpsink.Response // of the receipt; the zero Response: nobody has acknowledged
	asked chan struct{}     // for each time that it was asked for, as far as it has room
}

func (p *phone) say(status int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = httpsink.Response{Status: status, Body: text}
}

func (p *phone) answer(r httpsink.Request) httpsink.Response {
	if r.Method != http.MethodGet {
		return p.service.answer(r)
	}
	path, query, _ := strings.Cut(r.Path, "?")
	fields, err := url.ParseQuery(query)
	receipt := strings.TrimSuffix(strings.TrimPrefix(path, "/1/receipts/"), ".json")
	if err != nil || fields.Get("token") != canary || len(receipt) != 30 {
		return refuse(http.StatusBadRequest, "application token is invalid, see https://pushover.net/api")
	}
	select {
	case p.asked <- struct{}{}:
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said.Status != 0 {
		return p.said
	}
	return respond(http.StatusOK, map[string]any{"status": 1, "acknowledged": 0, "acknowledged_by": "", "expired": 0, "request": "r"})
}

const acknowledged = `{"status":1,"acknowledged":1,"acknowledged_at":1424305421,"acknowledged_by":"` + key + `","acknowledged_by_device":"iphone","expired":0,"request":"r"}`

// While phones ring, Pushover is asked whether somebody acknowledged; who did acknowledges the incident,
// once. Nothing is asked of a ring that is over.
func TestAcknowledgedInTheApp(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		state   string
		presses int
		awaited int
		fails   string
	}{
		"acknowledged": {200, acknowledged, 1, 0, ""},
		"expired":      {200, `{"status":1,"acknowledged":0,"expired":1}`, 0, 0, ""},
		"forgotten":    {404, `{"status":0,"errors":["receipt not found; may be invalid or expired"]}`, 0, 0, ""},
		"rings":        {0, "", 0, 1, ""},
		"portal":       {200, "<html>", 0, 1, "asking Pushover who acknowledged: the answer has no state of a receipt"},
		"outage":       {500, canary, 0, 1, "asking Pushover who acknowledged: HTTP 500"},
	} {
		p := &phone{}
		_, n := start(t, p.answer)
		ring(t, n)
		p.say(test.status, test.state)
		var presses []notifiers.Press
		for range 2 {
			err := pushover.AskNow(t.Context(), n, func(_ context.Context, p notifiers.Press) (string, error) {
				presses = append(presses, p)
				return "", nil
			})
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), test.fails) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(presses) != test.presses || pushover.Awaited(n) != test.awaited {
			t.Errorf("%s: %v, %d are awaited", name, presses, pushover.Awaited(n))
		}
		if want := (notifiers.Press{Code: "01JD6Z.mac", By: "iphone", Via: "Pushover"}); len(presses) > 0 && presses[0] != want {
			t.Errorf("%s: %+v, want %+v", name, presses[0], want)
		}
	}
}

// ring has phones ring about an incident that can be acknowledged.
func ring(t *testing.T, n notifiers.Notifier) {
	t.Helper()
	m := notifiertest.Message("key-ring")
	m.Items[0].Incident.AcknowledgeCode = "01JD6Z.mac"
	if _, err := n.Notify(t.Context(), ringing, m); err != nil || pushover.Awaited(n) != 1 {
		t.Fatal(pushover.Awaited(n), err)
	}
}

// Pushover is asked again and again until the context ends, not more often than it allows.
func TestPushoverIsAskedRegularly(t *testing.T) {
	p := &phone{asked: make(chan struct{}, 2)}
	_, n := start(t, p.answer)
	if pause := pushover.AskEvery(n, time.Millisecond); pause < 5*time.Second {
		t.Errorf("asked every %s", pause)
	}
	ring(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.(notifiers.Listener).Listen(ctx, nil) }()
	<-p.asked
	<-p.asked
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Nothing is asked of a message that does not ring, or about which nobody can acknowledge.
func TestWhatIsNotAskedFor(t *testing.T) {
	_, n := start(t, (&phone{}).answer)
	m := notifiertest.Message("key-ring")
	if _, err := n.Notify(t.Context(), ringing, m); err != nil || pushover.Awaited(n) != 0 {
		t.Errorf("without a code: %d, %v", pushover.Awaited(n), err)
	}
	m.Items[0].Incident.AcknowledgeCode = "01JD6Z.mac"
	if _, err := n.Notify(t.Context(), ops, m); err != nil || pushover.Awaited(n) != 0 {
		t.Errorf("without a ring: %d, %v", pushover.Awaited(n), err)
	}
}
