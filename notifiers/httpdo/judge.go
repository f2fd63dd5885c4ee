package httpdo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// JSON sends a body in JSON. header may be nil.
func (c *Client) JSON(ctx context.Context, method, to string, header http.Header, body any) (Answer, error) {
	// Most services show "\u003c" as it is written where they show JSON at all.
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return Answer{}, notifiers.Permanent(fmt.Errorf("writing the request: %s", c.Sanitise(err.Error())))
	}
	return c.send(ctx, method, to, header, "application/json", text.Bytes())
}

// Form posts the fields of a form. header may be nil.
func (c *Client) Form(ctx context.Context, to string, header http.Header, fields url.Values) (Answer, error) {
	return c.send(ctx, http.MethodPost, to, header, "application/x-www-form-urlencoded", []byte(fields.Encode()))
}

// PatchForm sends the fields of a form that change what is there. header may be nil.
func (c *Client) PatchForm(ctx context.Context, to string, header http.Header, fields url.Values) (Answer, error) {
	return c.send(ctx, http.MethodPatch, to, header, "application/x-www-form-urlencoded", []byte(fields.Encode()))
}

func (c *Client) send(ctx context.Context, method, to string, header http.Header, kind string, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return Answer{}, notifiers.Permanent(errors.New("the url is not valid")) // err would show it, and it may be a secret
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Content-Type", kind)
	return c.Send(req)
}

// Decode reads the body as JSON and reports whether it is.
func (a Answer) Decode(into any) bool { return json.Unmarshal(a.Body, into) == nil }

// Unproven returns the error of an answer that should be a success and does not hold what
// proves it, such as the page of a captive portal. Another attempt may help.
func (a Answer) Unproven(service, what string) error {
	return fmt.Errorf("the answer has no %s, so it may not be from %s: %s", what, service, a.Words())
}

// Refusal returns a permanent error in the service's words, made harmless.
func (a Answer) Refusal(words string) error {
	return notifiers.Permanent(a.said(words))
}

// Later returns an error in the service's words, made harmless, after which another attempt is
// worth making when wait is over; 0: at any time.
func (a Answer) Later(words string, wait time.Duration) error {
	return notifiers.RetryAfter(a.said(words), min(max(0, wait), maxPause))
}

// said returns the service's words behind the status.
func (a Answer) said(words string) error {
	const most = 300
	words = a.secrets.Scrub(words)
	if len(words) > most {
		words = words[:most] + "..."
	}
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.Status, http.StatusText(a.Status)))
	return errors.New(opaque.Sanitise(text + ": " + words).String())
}

// AtLeast raises the pause of an error that another attempt may heal.
func AtLeast(err error, floor time.Duration) error {
	if err == nil || notifiers.IsPermanent(err) || notifiers.Wait(err) >= floor {
		return err
	}
	return notifiers.RetryAfter(err, floor)
}
