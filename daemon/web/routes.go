package web

import (
	"net/http"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// ownRoutes lists what the server itself answers.
func (s *Server) ownRoutes() []api.Route {
	return append([]api.Route{
		{Pattern: "GET /healthz", Right: api.Anybody, Handler: answerHealth(s.options.Healthy)},
		{Pattern: "GET /readyz", Right: api.Anybody, Handler: answerHealth(s.options.Ready)},
	}, s.gate.Routes()...)
}

// newMux makes the mux from the table of routes, and from nothing else.
func (s *Server) newMux(routes []api.Route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		h := r.Handler
		if _, limited := h.(api.Limited); limited {
			h = s.gate.Limit(h)
		}
		mux.Handle(r.Pattern, s.demand(r.Right, h))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, pattern := mux.Handler(r); pattern == "" {
			refuseUnrouted(w, r, h)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// refuseUnrouted answers a request that no route is for, with the status that the mux gives it:
// there is no such path, or it has other methods.
func refuseUnrouted(w http.ResponseWriter, r *http.Request, fallback http.Handler) {
	only := statusOnly{w.Header(), http.StatusNotFound}
	fallback.ServeHTTP(&only, r)
	detail := "There is nothing at this address."
	if only.status == http.StatusMethodNotAllowed {
		detail = "This address does not take the method " + r.Method + "."
	}
	api.WriteProblem(w, r, api.NewProblem(only.status, detail))
}

// statusOnly takes the status and the headers of an answer, and not what it says.
type statusOnly struct {
	header http.Header
	status int
}

// Header implements [http.ResponseWriter].
func (s *statusOnly) Header() http.Header { return s.header }

// WriteHeader implements [http.ResponseWriter].
func (s *statusOnly) WriteHeader(status int) { s.status = status }

// Write implements [http.ResponseWriter].
func (s *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
