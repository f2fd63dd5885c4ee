package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkOverview makes the overview of 10,000 checks whose bars are made; the target is 20 ms.
func BenchmarkOverview(b *testing.B) {
	benchmark(b, "/", 10_000)
}

// BenchmarkOverviewOfFew makes the overview that shows each of 300 checks.
func BenchmarkOverviewOfFew(b *testing.B) {
	benchmark(b, "/", 300)
}

// BenchmarkSearch looks for one of 10,000 checks.
func BenchmarkSearch(b *testing.B) {
	benchmark(b, "/?q=mx09999", 10_000)
}

func benchmark(b *testing.B, path string, checks int) {
	b.Helper()
	v := &viewer{Options: Options{Daemon: manyStage(b, checks, few)}, past: eventfulPast()}
	mux := http.NewServeMux()
	for _, r := range v.routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	size := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}
