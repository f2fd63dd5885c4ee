package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// BenchmarkPublicPage makes the page of 10,000 public checks, which happens once in five seconds
// at most, however many ask.
func BenchmarkPublicPage(b *testing.B) {
	s := manyStage(b, 10_000, few)
	for id := range s.snapshot.Config.Groups {
		s.snapshot.Config.Page.PublicGroups = append(s.snapshot.Config.Page.PublicGroups, id)
	}
	size := 0
	for b.Loop() {
		v := &viewer{Options: Options{Daemon: s}, past: eventfulPast()}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(api.WithVisitor(context.Background(), anonymous), http.MethodGet, "/p/", nil)
		v.servePublic(w, r)
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}
