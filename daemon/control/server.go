package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// askTime is how long a client may take to ask.
	askTime = 10 * time.Second
	// readTime is how long a client may take to read its answer.
	readTime = 30 * time.Second
)

// Serve answers requests on l until ctx ends. A connection is for one request.
func Serve(ctx context.Context, l *Socket, b Backend) error {
	s := &http.Server{
		Handler: counted(handler(b)), ReadHeaderTimeout: askTime,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, clientKey{}, c) },
	}
	s.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

// clientKey is under what a request's context knows its [client].
type clientKey struct{}

// counted notes of clients when it is the daemon that they wait for.
func counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(clientKey{}).(*client); ok {
			c.works()
			defer c.reads()
		}
		h.ServeHTTP(w, r)
	})
}

func handler(b Backend) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		status, err := b.Status(r.Context())
		answer(w, status, err)
	})
	mux.HandleFunc("GET /v1/incidents", func(w http.ResponseWriter, r *http.Request) {
		list, err := b.Incidents(r.Context())
		answer(w, Incidents{list}, err)
	})
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, r *http.Request) {
		verdict, err := b.Reload(r.Context(), r.URL.Query().Has("allow_shrink"))
		answer(w, verdict, err)
	})
	mux.HandleFunc("GET /v1/plan", func(w http.ResponseWriter, r *http.Request) {
		p, err := b.Plan(r.Context(), r.URL.Query().Get("path"))
		answer(w, plan{p, p.Orphaned, p.Kept, p.Diff.Elsewhere}, err)
	})
	mux.HandleFunc("POST /v1/recheck", func(w http.ResponseWriter, r *http.Request) {
		report, err := b.Recheck(r.Context(), config.CheckID(r.URL.Query().Get("check")))
		answer(w, report, err)
	})
	mux.HandleFunc("POST /v1/notify-test", func(w http.ResponseWriter, r *http.Request) {
		trial, err := b.NotifyTest(r.Context(), config.RoleID(r.URL.Query().Get("role")))
		answer(w, trial, err)
	})
	mux.HandleFunc("POST /v1/ack", func(w http.ResponseWriter, r *http.Request) {
		var a acknowledgement
		if err := decode(w, r, &a); err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, struct{}{}, b.Acknowledge(r.Context(), a.Incident, a.Reason, a.Until))
	})
	handlePeople(mux, b)
	return mux
}

// handlePeople serves what people ask for about what is sent.
func handlePeople(mux *http.ServeMux, b Backend) {
	mux.HandleFunc("GET /v1/silences", func(w http.ResponseWriter, r *http.Request) {
		list, err := b.Silences(r.Context())
		answer(w, Silences{list}, err)
	})
	mux.HandleFunc("POST /v1/silences", func(w http.ResponseWriter, r *http.Request) {
		var s Silence
		if err := decode(w, r, &s); err != nil {
			answer(w, nil, err)
			return
		}
		silence, err := b.Silence(r.Context(), s.Scope, s.Reason, s.Until)
		answer(w, silence, err)
	})
	mux.HandleFunc("DELETE /v1/silences/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, b.EndSilence(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("POST /v1/deliveries/{key}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, b.Redeliver(r.Context(), r.PathValue("key")))
	})
}

const (
	// maxBody takes 300,000 characters however JSON spells them. What is kept of
	// a text is bounded by whoever keeps it.
	maxBody = 4 << 20
	// maxRest of a larger request is read, and forgotten, so that its sender is
	// there for the answer.
	maxRest = 64 << 20
)

// decode reads a request's JSON, which has to be there within askTime.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	if c, ok := r.Context().Value(clientKey{}).(*client); ok {
		c.asks()
		defer c.works()
	}
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(askTime))
	defer func() { _ = deadline.SetReadDeadline(time.Time{}) }()
	err := json.NewDecoder(http.MaxBytesReader(nil, io.NopCloser(r.Body), maxBody)).Decode(into)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		_, _ = io.CopyN(io.Discard, r.Body, maxRest) // the sender has gone when this fails
		return fmt.Errorf("the request has more than %d bytes", large.Limit)
	}
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	return nil
}

type acknowledgement struct {
	Incident incident.ID `json:"incident"`
	Reason   string      `json:"reason"`
	Until    time.Time   `json:"until,omitzero"`
}

type failure struct {
	Error string `json:"error"`
}

// answer writes a value, or an error that the client gives back as its own.
func answer(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		value = failure{err.Error()}
	}
	_ = json.NewEncoder(w).Encode(value) // the client has gone when this fails
}
