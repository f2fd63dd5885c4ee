package httpsink

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
)

// NoContent answers as a webhook's receiver does.
func NoContent(Request) Response { return Response{Status: http.StatusNoContent} }

// Slack answers as chat.postMessage does. The timestamp, which is the message's
// name there, is made from the body.
func Slack(r Request) Response {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("channel") == "" {
		return jsonResponse(http.StatusOK, map[string]any{"ok": false, "error": "channel_not_found"})
	}
	ts := "1795456025." + digest(r.Body)[:6]
	return jsonResponse(http.StatusOK, map[string]any{"ok": true, "channel": form.Get("channel"), "ts": ts})
}

// Twilio answers as the Messages resource does. The sid is made from the body.
func Twilio(r Request) Response {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("To") == "" {
		return jsonResponse(http.StatusBadRequest, map[string]any{
			"code": 21604, "message": "A 'To' phone number is required.", "status": http.StatusBadRequest,
		})
	}
	return jsonResponse(http.StatusCreated, map[string]any{"sid": "SM" + digest(r.Body)[:32], "status": "queued"})
}

func jsonResponse(status int, value any) Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // the values are our own
	}
	return Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
