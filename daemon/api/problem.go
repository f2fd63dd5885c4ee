package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A Problem is why a request over TCP is not done, as RFC 9457 has it. It is an error.
type Problem struct {
	Type   string `json:"type"` // always "about:blank": the status says what kind it is
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return p.Detail }

// NewProblem makes a problem with a status of HTTP.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func notFound(format string, values ...any) error {
	return NewProblem(http.StatusNotFound, fmt.Sprintf(format, values...))
}

func badRequest(err error) error { return NewProblem(http.StatusBadRequest, err.Error()) }

// problemOf returns an error as the problem that it is. What the daemon refuses in words is
// 409: it was understood, and what is true now does not allow it.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, tracker.ErrStopped), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return NewProblem(http.StatusServiceUnavailable, "the daemon is stopping, or did not answer in time")
	}
	if errors.Is(err, history.ErrUnavailable) {
		return NewProblem(http.StatusServiceUnavailable, err.Error())
	}
	return NewProblem(http.StatusConflict, err.Error())
}

type problemPageKey struct{}

// WithProblemPage returns a context in which problems are shown to browsers by a page; without
// one they get JSON, as programs do.
func WithProblemPage(ctx context.Context, show func(http.ResponseWriter, *http.Request, *Problem)) context.Context {
	return context.WithValue(ctx, problemPageKey{}, show)
}

// WriteProblem answers a request with a problem.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	w.Header().Del("ETag")
	w.Header().Set("Cache-Control", "no-store")
	show, ok := r.Context().Value(problemPageKey{}).(func(http.ResponseWriter, *http.Request, *Problem))
	if ok && WantsPage(r) {
		show(w, r, p)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone when this fails
}

// writeJSON answers a request with a value, or with a problem.
func writeJSON(w http.ResponseWriter, r *http.Request, value any, err error) {
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if text, ok := value.(encoded); ok {
		_, _ = w.Write(text) // the client has gone when this fails
		return
	}
	_ = json.NewEncoder(w).Encode(value) // likewise
}
