package httpsink

import (
	"crypto/md5"
	"fmt"
	"net/http"
)

// Workflows answers as the trigger of a workflow of Microsoft Teams does, before it runs.
func Workflows(Request) Response { return Response{Status: http.StatusAccepted} }

// IncomingWebhook answers as those of Slack and Mattermost do.
func IncomingWebhook(Request) Response { return Response{Status: http.StatusOK, Body: "ok"} }

// Mattermost answers as the API of posts does. The id is made from the body.
func Mattermost(r Request) Response {
	return jsonResponse(http.StatusCreated, map[string]any{"id": fmt.Sprintf("%x", md5.Sum(r.Body))[:26]})
}

// GoogleChat answers as the webhook of a space does. The name is made from the body.
func GoogleChat(r Request) Response {
	return jsonResponse(http.StatusOK, map[string]any{"name": fmt.Sprintf("spaces/AAQA/messages/%x", md5.Sum(r.Body))})
}

// Zulip answers as the API of messages does.
func Zulip(Request) Response {
	return jsonResponse(http.StatusOK, map[string]any{"result": "success", "msg": "", "id": 42})
}
