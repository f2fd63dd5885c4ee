package sms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/imapvigil/imapvigil/notifiers"
	api "github.com/imapvigil/imapvigil/notifiers/twilio"
)

// twilio posts to the Messages resource of Twilio's REST API.
type twilio struct {
	settings Settings
	client   *api.Client
}

// messagingService is a sender that Twilio chooses a number for.
var messagingService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

func openTwilio(s Settings) (notifiers.Notifier, error) {
	client, err := api.Account{SID: s.AccountSID, Token: s.AuthToken, BaseURL: s.BaseURL}.Open()
	switch {
	case err != nil:
		return nil, err
	case s.From == "":
		return nil, errors.New("from is missing: the number that sends")
	}
	return &twilio{settings: s, client: client}, nil
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
	created, err := t.client.Create(ctx, "Messages.json", form)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("sending by Twilio: %w", err)
	}
	return notifiers.Receipt{Answer: created.SID}, nil
}

// Close closes idle connections.
func (t *twilio) Close() error { return t.client.Close() }
