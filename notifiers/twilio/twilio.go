// Package twilio is one request to Twilio's REST API (2010-04-01), for the channels that send
// by it.
//
// It owns the login, the judgement of answers and Twilio's words in errors. It knows no
// message.
//
// A caller may rely on this: what was created has its sid, which alone proves that the answer
// is Twilio's; no error or word that comes back has the token in it.
package twilio

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// An Account is what logs in.
type Account struct {
	SID     string
	Token   opaque.Secret
	BaseURL string // empty: https://api.twilio.com
}

// A Client makes requests for an account. It is used by several goroutines at once.
type Client struct {
	*httpdo.Client
	base  string
	login http.Header
}

// Open makes a client, without I/O. Its errors name the attribute that they are about.
func (a Account) Open() (*Client, error) {
	switch {
	case a.SID == "":
		return nil, errors.New("account_sid is missing")
	case a.Token.IsZero():
		return nil, errors.New("auth_token is missing")
	}
	base := "https://api.twilio.com"
	if a.BaseURL != "" {
		u, err := httpdo.ParseURL(a.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("base_url: %w", err)
		}
		base = strings.TrimSuffix(u.String(), "/")
	}
	token := a.Token.Reveal()
	// As the token crosses the wire (RFC 7617 section 2).
	login := base64.StdEncoding.EncodeToString([]byte(a.SID + ":" + token))
	client, err := httpdo.New("", token, login)
	if err != nil {
		return nil, err
	}
	return &Client{
		Client: client, base: base + "/2010-04-01/Accounts/" + url.PathEscape(a.SID) + "/",
		login: http.Header{"Authorization": {"Basic " + login}},
	}, nil
}

// A Created is what a request made.
type Created struct {
	SID    opaque.Words // by which Twilio's console finds it
	Status opaque.Words // "queued"
}

// Create posts a form to a resource: "Messages.json".
func (c *Client) Create(ctx context.Context, resource string, form url.Values) (Created, error) {
	answer, err := c.Form(ctx, c.base+resource, c.login, form)
	if err != nil {
		return Created{}, c.explain(answer, err)
	}
	var created struct {
		SID    string `json:"sid"`
		Status string `json:"status"`
	}
	if !answer.Decode(&created) || strings.TrimSpace(created.SID) == "" {
		return Created{}, answer.Unproven("Twilio", "sid")
	}
	return Created{c.Sanitise(created.SID), c.Sanitise(created.Status)}, nil
}

// tooMany is Twilio's code for too many requests, whatever the status.
const tooMany = 20429

// explain returns err with Twilio's own code and sentence in the place of the raw answer.
func (c *Client) explain(answer httpdo.Answer, err error) error {
	var refusal struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if !answer.Decode(&refusal) || refusal.Code == 0 {
		// It is not Twilio's JSON: the page of a proxy, or no answer at all.
		return err
	}
	words := c.Sanitise(fmt.Sprintf("error %d: %s", refusal.Code, refusal.Message))
	explained := fmt.Errorf("HTTP %d, %s", answer.Status, words)
	if refusal.Code == tooMany {
		return notifiers.RetryAfter(explained, notifiers.Wait(err))
	}
	return answer.Classify(explained)
}
