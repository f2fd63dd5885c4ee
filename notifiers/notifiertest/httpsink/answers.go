package httpsink

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// NoContent answers as a webhook's receiver does.
func NoContent(Request) Response { return Response{Status: http.StatusNoContent} }

// Slack answers as chat.postMessage and chat.update do. The timestamp, which is the message's
// name there, is made from the body.
func Slack(r Request) Response {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || form.Get("channel") == "" {
		return jsonResponse(http.StatusOK, map[string]any{"ok": false, "error": "channel_not_found"})
	}
	if strings.HasSuffix(r.Path, "/chat.update") {
		if form.Get("ts") == "" {
			return jsonResponse(http.StatusOK, map[string]any{"ok": false, "error": "message_not_found"})
		}
		return jsonResponse(http.StatusOK, map[string]any{"ok": true, "channel": form.Get("channel"), "ts": form.Get("ts")})
	}
	sum := sha256.Sum256(r.Body)
	ts := fmt.Sprintf("1795456025.%06d", binary.BigEndian.Uint32(sum[:])%1_000_000)
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
	return jsonResponse(http.StatusCreated, map[string]any{"sid": fmt.Sprintf("SM%x", md5.Sum(r.Body)), "status": "queued"})
}

func jsonResponse(status int, value any) Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // the values are our own
	}
	return Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

// Alertmanager answers as POST /api/v2/alerts does: with nothing.
func Alertmanager(Request) Response { return Response{Status: http.StatusOK} }

// PagerDuty answers as the Events API v2 does, whose answer has the key of the event.
func PagerDuty(r Request) Response {
	var event struct {
		DedupKey string `json:"dedup_key"`
	}
	if json.Unmarshal(r.Body, &event) != nil || event.DedupKey == "" {
		return jsonResponse(http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": []string{}})
	}
	return jsonResponse(http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": event.DedupKey})
}

// JSM answers as the alerts of Jira Service Management do. The id is made from the body.
func JSM(r Request) Response {
	return jsonResponse(http.StatusAccepted, map[string]any{"result": "Request will be processed", "took": 0.1, "requestId": fmt.Sprintf("%x", md5.Sum(r.Body))})
}
