package sms

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// clickatell is the Platform API of Clickatell, which says accepted:false with a status of
// success.
var clickatell = provider{
	name: "Clickatell", needs: []string{"key"}, base: at("https://platform.clickatell.com"),
	send: func(ctx context.Context, p *preset, to, text string) (httpdo.Answer, error) {
		body := map[string]any{"content": text, "to": []string{to}}
		if p.settings.From != "" {
			body["from"] = p.settings.From
		}
		header := authorised(p.settings.Key.Reveal())
		header.Set("Accept", "application/json")
		return p.client.JSON(ctx, http.MethodPost, p.base+"/messages", header, body)
	},
	judge: func(answer httpdo.Answer) (string, error) {
		var result clickatellAnswer
		if !answer.Decode(&result) || len(result.Messages) == 0 {
			return "", nil
		}
		first := result.Messages[0]
		if first.Accepted {
			return first.ID, nil
		}
		return "", answer.Refusal("not accepted: " + wordsOf(first.Error))
	},
	refused: func(answer httpdo.Answer) string {
		var result clickatellAnswer
		answer.Decode(&result)
		return wordsOf(result.Error)
	},
}

type clickatellAnswer struct {
	Messages []struct {
		ID       string          `json:"apiMessageId"`
		Accepted bool            `json:"accepted"`
		Error    json.RawMessage `json:"error"`
	} `json:"messages"`
	Error json.RawMessage `json:"error"`
}

// wordsOf returns an error that is a string, or an object with a description.
func wordsOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Description string `json:"description"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Description != "" {
		return object.Description
	}
	return string(raw)
}
