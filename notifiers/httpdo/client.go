// Package httpdo is one HTTP request as the channels that speak HTTP need it.
//
// It owns what is the same for all of them: encryption everywhere but on
// loopback, no redirect ever followed (a message with its secrets goes where it
// was addressed, or nowhere), a bound on what is read, which answers are worth
// another attempt, and errors without a secret in them. It knows no message and
// never tries again by itself.
//
// A caller may rely on this: a call ends with its request's context, and after
// half a minute at the latest; after [Client.Close] no goroutine stays longer than the
// calls under way.
package httpdo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/imapvigil/imapvigil/config/certfile"
	"github.com/imapvigil/imapvigil/config/httpclient"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// One message at a time is on its way to a receiver, so one that hangs keeps the
// others waiting; one that is merely slow must not be given up before it has answered,
// for it would get the same message again.
const patience = httpclient.Patience

var errSlow = fmt.Errorf("no answer within %s", patience)

// A Client makes requests. It is used by several goroutines at once.
type Client struct {
	http    *http.Client
	secrets *opaque.Scrubber
	closed  atomic.Bool
}

// New makes a client. It trusts the authorities in the PEM text ca, or those of
// the system when ca is empty, and keeps the secrets out of its errors and
// answers. It does no I/O.
func New(ca string, secrets ...string) (*Client, error) {
	roots, err := certfile.Pool(ca)
	if err != nil {
		return nil, err
	}
	client := httpclient.New(httpclient.Options{Roots: roots, KeepAlive: true})
	return &Client{http: client, secrets: opaque.NewScrubber(withForms(secrets)...)}, nil
}

// withForms adds to secrets the forms in which an answer may repeat them: quoted in JSON, also where
// that repeats JSON, and as parts of a URL.
func withForms(secrets []string) (all []string) {
	for _, secret := range secrets {
		all = append(all, secret, url.QueryEscape(secret), url.PathEscape(secret))
		for _, escapeHTML := range []bool{true, false} {
			once := quoteJSON(secret, escapeHTML)
			all = append(all, once, quoteJSON(once, true), quoteJSON(once, false))
		}
	}
	return all
}

// quoteJSON returns a text as it stands in JSON, without the quotes around it.
func quoteJSON(text string, escapeHTML bool) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(text) // a string can be written
	return string(quoted.Bytes()[1 : quoted.Len()-2])
}

// Send makes one request. The error of an answer that is not 2xx is classified:
// see [Answer.Err]. A body counts as far as it came: a status that has arrived
// is not lost because the rest has not.
func (c *Client) Send(req *http.Request) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), patience, errSlow)
	defer cancel()
	// The attribute headers may name another.
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "imapvigil")
	}
	// From then on the server may have taken the request, whatever becomes of the answer.
	var sent atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}))
	resp, err := c.http.Do(req)
	if err != nil {
		err = c.harmless(ctx, err)
		if sent.Load() {
			err = notifiers.Unsure(err)
		}
		return Answer{}, err
	}
	body, _ := io.ReadAll(resp.Body) // at most httpclient.MaxBody
	_ = resp.Body.Close()
	// Close came during this call, when its connection was not idle.
	if c.closed.Load() {
		c.http.CloseIdleConnections()
	}
	answer := Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, secrets: c.secrets}
	return answer, answer.Err()
}

// harmless returns err without the URL that net/http puts into its errors, which may be
// a secret, or the error of the context that has ended.
func (c *Client) harmless(ctx context.Context, err error) error {
	switch {
	// First: ctx.Err() says DeadlineExceeded here as for a deadline of the caller.
	case errors.Is(context.Cause(ctx), errSlow):
		return errSlow
	case ctx.Err() != nil:
		return ctx.Err()
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	// Not %w: whoever unwraps it would get a text that is not sanitised.
	return fmt.Errorf("asking the server: %s", c.Sanitise(err.Error()))
}

// Sanitise makes a server's text harmless: no control characters, no secret.
func (c *Client) Sanitise(text string) opaque.Words {
	return opaque.Sanitise(c.secrets.Scrub(text))
}

// Close closes idle connections, and lets the others be closed when their calls
// end.
func (c *Client) Close() error {
	c.closed.Store(true)
	c.http.CloseIdleConnections()
	return nil
}
