package sms

import (
	"context"
	"fmt"
	"net/url"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// vonage is the SMS API of Vonage, once Nexmo, which answers each error with HTTP 200.
var vonage = provider{
	name: "Vonage", needs: []string{"key", "secret", "from"}, base: at("https://rest.nexmo.com"),
	send: func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error) {
		form := url.Values{
			"api_key": {p.settings.Key.Reveal()}, "api_secret": {p.settings.Secret.Reveal()},
			"from": {p.settings.From}, "to": {to}, "text": {text},
		}
		if !notifiers.IsGSM(text) { // Vonage replaces what the GSM alphabet lacks otherwise
			form.Set("type", "unicode")
		}
		return p.client.Form(ctx, p.base+"/sms/json", nil, form)
	},
	judge:   judgeVonage,
	refused: func(httpdo.Answer) string { return "" },
}

// Statuses of Vonage that may be another one soon; all others are final.
const (
	vonageOK        = "0"
	vonageThrottled = "1"
	vonageInternal  = "5"
)

// judgeVonage looks at each part of the message: a long one has several.
func judgeVonage(answer httpdo.Answer) (id string, err error) {
	var parts struct {
		Messages []struct {
			ID     string `json:"message-id"`
			Status string `json:"status"`
			Error  string `json:"error-text"`
		} `json:"messages"`
	}
	if !answer.Decode(&parts) || len(parts.Messages) == 0 {
		return "", nil // no proof
	}
	var later error
	for _, part := range parts.Messages {
		words := fmt.Sprintf("error %s: %s", part.Status, part.Error)
		switch part.Status {
		case "":
			return "", nil // Vonage always says one
		case vonageOK:
		case vonageThrottled, vonageInternal:
			later = answer.Later(words, 0)
		default:
			return "", answer.Refusal(words)
		}
	}
	return parts.Messages[0].ID, later
}
