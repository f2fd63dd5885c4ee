package sms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// twilio posts to the Messages resource of Twilio's REST API, 2010-04-01.
type twilio struct {
	settings Settings
	url      string
	client   *httpdo.Client
}

// messagingService is a sender that Twilio chooses a number for.
var messagingService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

func openTwilio(s Settings) (notifiers.Notifier, error) {
	switch {
	case s.AccountSID == "":
		return nil, errors.New("account_sid is missing")
	case s.AuthToken.IsZero():
		return nil, errors.New("auth_token is missing")
	case s.From == "":
		return nil, errors.New("from is missing: the number that sends")
	}
	base := "https://api.twilio.com"
	if s.BaseURL != "" {
		u, err := httpdo.ParseURL(s.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("base_url: %w", err)
		}
		base = strings.TrimSuffix(u.String(), "/")
	}
	token := s.AuthToken.Reveal()
	// The second form crosses the wire in Authorization (RFC 7617 section 2).
	client, err := httpdo.New("", token, base64.StdEncoding.EncodeToString([]byte(s.AccountSID+":"+token)))
	if err != nil {
		return nil, err
	}
	messages := base + "/2010-04-01/Accounts/" + url.PathEscape(s.AccountSID) + "/Messages.json"
	return &twilio{settings: s, url: messages, client: client}, nil
}

func (t *twilio) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	target, ok := to.(Target)
	if !ok {
		return notifiers.Receipt{}, notifiers.Permanent(fmt.Errorf("sms cannot reach a %T", to))
	}
	form := url.Values{"To": {target.To}, "From": {t.settings.From}, "Body": {m.Short()}}
	if messagingService.MatchString(t.settings.From) {
		// Twilio wants a messaging service in a field of its own.
		form.Del("From")
		form.Set("MessagingServiceSid", t.settings.From)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return notifiers.Receipt{}, notifiers.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(t.settings.AccountSID, t.settings.AuthToken.Reveal())
	answer, err := t.client.Send(req)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("sending by Twilio: %w", t.explain(answer, err))
	}
	var accepted struct {
		SID string `json:"sid"` // by which Twilio's console finds the message
	}
	if !answer.Decode(&accepted) || strings.TrimSpace(accepted.SID) == "" {
		return notifiers.Receipt{}, fmt.Errorf("sending by Twilio: %w", answer.Unproven("Twilio", "sid"))
	}
	return notifiers.Receipt{Answer: t.client.Sanitise(accepted.SID)}, nil
}

// explain returns err with Twilio's own code and sentence in the place of the raw
// answer.
func (t *twilio) explain(answer httpdo.Answer, err error) error {
	var refusal struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer.Body, &refusal) != nil || refusal.Code == 0 {
		// It is not Twilio's JSON: the page of a proxy, or no answer at all.
		return err
	}
	words := t.client.Sanitise(fmt.Sprintf("error %d: %s", refusal.Code, refusal.Message))
	return answer.Classify(fmt.Errorf("HTTP %d, %s", answer.Status, words))
}

// Close closes idle connections.
func (t *twilio) Close() error { return t.client.Close() }
