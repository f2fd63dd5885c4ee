package sms

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// bird is the SMS API of Bird, once MessageBird.
var bird = provider{
	name: "Bird", needs: []string{"key", "from"}, base: at("https://rest.messagebird.com"),
	send: func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error) {
		return p.client.JSON(ctx, http.MethodPost, p.base+"/messages", authorised("AccessKey "+p.settings.Key.Reveal()), map[string]any{
			"originator": p.settings.From, "recipients": []string{to}, "body": text,
			"datacoding": "auto", // else what the GSM alphabet lacks is replaced
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
			Errors []struct {
				Code        int    `json:"code"`
				Description string `json:"description"`
			} `json:"errors"`
		}
		answer.Decode(&refusal)
		var all []string
		for _, e := range refusal.Errors {
			text := fmt.Sprintf("error %d: %s", e.Code, e.Description)
			if e.Code == birdNoBalance {
				text += " (there is no balance left)"
			}
			all = append(all, text)
		}
		return strings.Join(all, "; ")
	},
}

// birdNoBalance is the code of an account without money.
const birdNoBalance = 25
