package daemon

import (
	"net/http"
	"strings"
)

// A side says who answers a request on a node that follows another one.
type side int

const (
	unsaid    side = iota
	ownSide        // the node that is asked: it is about this machine
	sharedOne      // whoever decides: it is about what all nodes share
	neither        // nobody, but in words
)

// sides says of each route who answers it on a node that follows. A route that is missing here fails
// a test: whoever adds one has to choose.
var sides = map[string]side{
	// The control socket.
	"GET /v1/status":                    sharedOne,
	"GET /v1/checks/{id...}":            sharedOne,
	"GET /v1/incidents":                 sharedOne,
	"GET /v1/incidents/{id}/held":       sharedOne,
	"GET /v1/availability":              ownSide, // the history stays with the node that probed
	"GET /v1/report":                    ownSide,
	"GET /v1/history/{id...}":           ownSide,
	"GET /v1/who":                       sharedOne,
	"POST /v1/ack":                      sharedOne,
	"POST /v1/unack":                    sharedOne,
	"POST /v1/note":                     sharedOne,
	"GET /v1/silences":                  sharedOne,
	"POST /v1/silences":                 sharedOne,
	"DELETE /v1/silences/{id}":          sharedOne,
	"POST /v1/deliveries/{key}":         sharedOne,
	"POST /v1/deliveries/{key}/dismiss": sharedOne,
	"POST /v1/recheck":                  sharedOne,
	"POST /v1/notify-test":              ownSide, // whether messages leave this machine
	"POST /v1/reload":                   ownSide,
	"GET /v1/plan":                      ownSide,
	"POST /v1/plan":                     ownSide,
	"GET /v1/nodes":                     ownSide,
	"POST /v1/nodes/step-down":          ownSide, // which asks the one that decides
	"POST /v1/nodes/test":               ownSide, // which asks the one that is to probe
	"POST /v1/nodes/begin":              ownSide, // of whose journal the shared one is made

	// The API over TCP.
	"GET /api/v1/status":                      sharedOne,
	"GET /api/v1/checks/{path...}":            sharedOne, // but for the history, see sideOf
	"GET /api/v1/incidents":                   sharedOne,
	"GET /api/v1/incidents/{incident}":        sharedOne,
	"GET /api/v1/deliveries":                  sharedOne,
	"GET /api/v1/certificates":                sharedOne,
	"GET /api/v1/coming":                      sharedOne,
	"GET /api/v1/events":                      neither, // a stream has no end that could be passed on
	"GET /api/v1/silences":                    sharedOne,
	"POST /api/v1/checks/{path...}":           sharedOne, // but for a test, see sideOf
	"POST /api/v1/incidents/{incident}/ack":   sharedOne,
	"POST /api/v1/incidents/{incident}/unack": sharedOne,
	"POST /api/v1/incidents/{incident}/note":  sharedOne,
	"POST /api/v1/silences":                   sharedOne,
	"DELETE /api/v1/silences/{id}":            sharedOne,
	"POST /api/v1/silences/{id}/end":          sharedOne,
	"GET /api/v1/availability":                ownSide,
	"GET /api/v1/report":                      ownSide,
	"GET /api/v1/openapi.json":                ownSide,

	// Pages.
	"assets":                ownSide, // whose path has a hash of what they are
	"GET /{$}":              sharedOne,
	"GET /c/{id...}":        sharedOne,
	"GET /i/{id}":           sharedOne,
	"GET /fragment/trouble": sharedOne,
	"GET /certificates":     sharedOne,
	"GET /deliveries":       sharedOne,
	"GET /coming":           sharedOne,
	"GET /coming.ics":       sharedOne,
	"GET /reports":          sharedOne,
	"GET /reports/{file}":   sharedOne,
	"GET /monitor":          ownSide, // how this machine is
	"GET /wall":             sharedOne,
	"GET /feed.atom":        sharedOne,
	"GET /a/{token}":        sharedOne,
	"POST /a/{token}":       sharedOne,
	"GET /p/{path...}":      sharedOne,
	"GET /badge/{path...}":  sharedOne,

	// Metrics, of which each machine has its own.
	"GET /metrics": ownSide,
	"GET /probe":   ownSide,
}

// sideOf returns who answers a request of a route.
func sideOf(pattern string, r *http.Request) side {
	part := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case pattern == "GET /api/v1/checks/{path...}" && part == "history":
		return ownSide
	case pattern == "POST /api/v1/checks/{path...}" && part == "test":
		return ownSide // it answers piece by piece, and does not count
	}
	return sides[keyOf(pattern)]
}

// keyOf returns the key of a pattern in sides.
func keyOf(pattern string) string {
	if strings.HasPrefix(pattern, "GET /a/") && strings.HasSuffix(pattern, "/{name}") {
		return "assets"
	}
	return pattern
}
