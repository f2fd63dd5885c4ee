package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// ownRoutes lists what the server itself answers.
func (s *Server) ownRoutes() []api.Route {
	return []api.Route{
		{Pattern: "GET /healthz", Right: api.Anybody, Handler: answerHealth(s.options.Healthy)},
		{Pattern: "GET /readyz", Right: api.Anybody, Handler: answerHealth(s.options.Ready)},
	}
}

// newMux makes the mux from the table of routes, and from nothing else.
func newMux(routes []api.Route) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.Pattern, demand(r.Right, r.Handler))
	}
	return mux
}

// demand lets only visitors with a right through.
func demand(right api.Right, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !api.VisitorOf(r.Context()).May(right) {
			http.Error(w, "you may not do this", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// healthFor is how long an answer about the health of the daemon is given again. Whoever asks
// more often gives the scheduler no time to show that it moves.
const healthFor = 5 * time.Second

// answerHealth answers 200 "ok", or 503 and what is wrong.
func answerHealth(ask func(context.Context) error) http.Handler {
	var mu sync.Mutex
	var asked time.Time
	var wrong error
	look := func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); asked.IsZero() || now.Sub(asked) >= healthFor {
			// Whoever asked may hang up; the answer is for the others, too.
			wrong = ask(context.WithoutCancel(ctx))
			asked = time.Now()
		}
		return wrong
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := look(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			// An error joined of several has several lines.
			_, _ = fmt.Fprintln(w, strings.ReplaceAll(err.Error(), "\n", ": "))
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
}
