package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Handler serves what a daemon can be asked.
func Handler(d Daemon) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/status", shared(d, func(s *tracker.Snapshot) any { return NewStatus(s, d.Self(), d.NextProbe) }))
	mux.Handle("GET /v1/incidents", shared(d, func(s *tracker.Snapshot) any { return NewIncidents(s) }))
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, r *http.Request) {
		verdict, err := d.Reload(r.Context(), r.URL.Query().Has("allow_shrink"))
		answer(w, verdict, err)
	})
	mux.HandleFunc("GET /v1/plan", func(w http.ResponseWriter, r *http.Request) {
		p, err := d.Plan(r.Context(), r.URL.Query().Get("path"))
		answer(w, plan{p, p.Orphaned, p.Kept, p.Diff.Elsewhere}, err)
	})
	mux.HandleFunc("POST /v1/recheck", func(w http.ResponseWriter, r *http.Request) {
		report, err := d.Recheck(r.Context(), config.CheckID(r.URL.Query().Get("check")))
		answer(w, report, err)
	})
	mux.HandleFunc("POST /v1/notify-test", func(w http.ResponseWriter, r *http.Request) {
		trial, err := d.NotifyTest(r.Context(), config.RoleID(r.URL.Query().Get("role")))
		answer(w, trial, err)
	})
	mux.HandleFunc("POST /v1/ack", func(w http.ResponseWriter, r *http.Request) {
		var a acknowledgement
		if err := decode(r, &a); err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, struct{}{}, d.Acknowledge(r.Context(), a.Incident, a.Reason, a.Until))
	})
	handleHeld(mux, d)
	handlePeople(mux, d)
	return mux
}

// handlePeople serves what people ask for about what is sent.
func handlePeople(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("GET /v1/silences", func(w http.ResponseWriter, r *http.Request) {
		s, err := d.Snapshot(r.Context())
		if err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, NewSilences(s), nil)
	})
	mux.HandleFunc("POST /v1/silences", func(w http.ResponseWriter, r *http.Request) {
		var s Silence
		if err := decode(r, &s); err != nil {
			answer(w, nil, err)
			return
		}
		silence, err := d.Silence(r.Context(), s.Scope, s.Reason, s.Until)
		answer(w, silence, err)
	})
	mux.HandleFunc("DELETE /v1/silences/{id}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.EndSilence(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("POST /v1/deliveries/{key}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.Redeliver(r.Context(), r.PathValue("key")))
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

// decode reads the JSON of a request.
func decode(r *http.Request, into any) error {
	defer func() { _ = r.Body.Close() }()
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
