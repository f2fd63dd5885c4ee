package api

import (
	_ "embed"
	"net/http"
)

// openapi describes everything below /api/v1/, as OpenAPI 3.0 has it. It is written by hand; a test
// holds it against the handlers.
//
//go:embed openapi.json
var openapi []byte

func serveDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	_, _ = w.Write(openapi) // the client has gone when this fails
}
