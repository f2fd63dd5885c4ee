package sms

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// sinch is the SMS API of Sinch (xms): key is the service plan, token its API token, and the
// region is a part of the host.
var sinch = provider{
	name: "Sinch", needs: []string{"key", "token", "from"}, takes: []string{"region"},
	base: func(s Settings) (string, error) {
		region := cmp.Or(s.Region, "us")
		if !sinchRegion.MatchString(region) {
			return "", fmt.Errorf(`region %q is not known: use "us", "eu", "au", "br" or "ca"`, region)
		}
		return "https://" + region + ".sms.api.sinch.com", nil
	},
	send: func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error) {
		plan := url.PathEscape(p.settings.Key.Reveal())
		return p.client.JSON(ctx, http.MethodPost, p.base+"/xms/v1/"+plan+"/batches", authorised("Bearer "+p.settings.Token.Reveal()), map[string]any{
			"from": p.settings.From, "to": []string{to}, "body": text,
		})
	},
	judge: func(answer httpdo.Answer) (string, error) {
		var accepted struct {
			ID string `json:"id"`
		}
		answer.Decode(&accepted)
		return accepted.ID, nil
	},
	refused: func(answer httpdo.Answer) string {
		var refusal struct {
			Code string `json:"code"`
			Text string `json:"text"`
		}
		if answer.Decode(&refusal); refusal.Code == "" {
			return ""
		}
		return fmt.Sprintf("error %s: %s", refusal.Code, refusal.Text)
	},
}

var sinchRegion = regexp.MustCompile(`^(us|eu|au|br|ca)$`)
