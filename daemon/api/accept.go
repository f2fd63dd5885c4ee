package api

import (
	"net/http"
	"strings"
)

// WantsPage reports whether a request comes from a browser that shows what it is answered.
func WantsPage(r *http.Request) bool { return accepts(r, "text/html") }

// wantsStream reports whether a request asks to be answered piece by piece.
func wantsStream(r *http.Request) bool { return accepts(r, "text/event-stream") }

// accepts reports whether a request names a media type in Accept. "*/*" names none.
func accepts(r *http.Request, media string) bool {
	for _, line := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), media) {
				return true
			}
		}
	}
	return false
}
