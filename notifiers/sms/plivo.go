package sms

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// plivo is the Message API of Plivo: key is the auth id, token the auth token.
var plivo = provider{
	name: "Plivo", needs: []string{"key", "token", "from"}, base: at("https://api.plivo.com"),
	send: func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error) {
		id, token := p.settings.Key.Reveal(), p.settings.Token.Reveal()
		login := authorised("Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+token)))
		return p.client.JSON(ctx, http.MethodPost, p.base+"/v1/Account/"+url.PathEscape(id)+"/Message/", login, map[string]any{
			"src": p.settings.From, "dst": to, "text": text,
		})
	},
	judge: func(answer httpdo.Answer) (string, error) {
		var accepted struct {
			IDs []string `json:"message_uuid"`
		}
		if !answer.Decode(&accepted) || len(accepted.IDs) == 0 {
			return "", nil
		}
		return accepted.IDs[0], nil
	},
	refused: func(answer httpdo.Answer) string {
		var refusal struct {
			Error string `json:"error"`
		}
		answer.Decode(&refusal)
		return refusal.Error
	},
}
