package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Handler serves everything that a daemon can be asked.
func Handler(d Daemon) http.Handler {
	return HandlerOf(d, func(_ string, h http.Handler) http.Handler { return h })
}

// HandlerOf serves the same by what wrap makes of the handler of each pattern.
func HandlerOf(d Daemon, wrap func(pattern string, h http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range routes(d) {
		mux.Handle(pattern, wrap(pattern, handler))
	}
	return mux
}

// Refuse answers a request of the control socket with an error, which the client returns as its own.
func Refuse(w http.ResponseWriter, err error) { writeAnswer(w, nil, err) }

// AuthorOf returns who sent a request of the control socket, as the transport knows them; claimed is
// what the client says.
func AuthorOf(ctx context.Context, claimed string) string {
	return Signature{User: claimed}.author(ctx)
}

// routes lists what a daemon can be asked, by the patterns of [http.ServeMux].
func routes(d Daemon) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/status":                    shared(d, func(s *tracker.Snapshot) any { return NewStatus(s, d.Self(), d.NextProbe) }),
		"GET /v1/checks/{id...}":            answering(showCheck(d)),
		"GET /v1/incidents":                 shared(d, func(s *tracker.Snapshot) any { return withOwnIncidents(NewIncidents(s), d) }),
		"GET /v1/incidents/{id}/held":       answering(explainIncident(d)),
		"GET /v1/availability":              answering(measureAvailability(d)),
		"GET /v1/report":                    answering(reportPeriod(d)),
		"GET /v1/history/{id...}":           answering(showHistory(d)),
		"GET /v1/who":                       answering(foresee(d)),
		"POST /v1/ack":                      reading(acknowledge(d)),
		"POST /v1/unack":                    reading(unacknowledge(d)),
		"POST /v1/note":                     reading(addNote(d)),
		"GET /v1/silences":                  answering(listSilences(d)),
		"POST /v1/silences":                 reading(beginSilence(d)),
		"DELETE /v1/silences/{id}":          answering(endSilence(d)),
		"POST /v1/deliveries/{key}":         answering(retryDelivery(d)),
		"POST /v1/deliveries/{key}/dismiss": answering(dismissDelivery(d)),
		"POST /v1/recheck":                  answering(recheck(d)),
		"POST /v1/notify-test":              answering(notifyTest(d)),
		"POST /v1/reload":                   answering(reload(d)),
		"GET /v1/plan":                      oneAtATime(answering(planOwnFiles(d))),
		"POST /v1/plan":                     oneAtATime(answering(planSentFiles(d))),
		"GET /v1/nodes":                     answering(showNodes(d)),
		"POST /v1/nodes/step-down":          answering(stepDown(d)),
		"POST /v1/nodes/test":               answering(testFrom(d)),
		"POST /v1/nodes/begin":              answering(beginNodes(d)),
	}
}

// answering handles requests without a body.
func answering[Out any](do func(*http.Request) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := do(r)
		writeAnswer(w, out, err)
	})
}

// oneAtATime handles one request after the other: those that take much memory.
func oneAtATime(h http.Handler) http.Handler {
	turn := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
			h.ServeHTTP(w, r)
		case <-r.Context().Done(): // the client has gone
		}
	})
}

// reading handles requests whose body is JSON.
func reading[In, Out any](do func(*http.Request, In) (Out, error)) http.Handler {
	return answering(func(r *http.Request) (out Out, err error) {
		var in In
		if err := decodeBody(r, &in, maxBody); err != nil {
			return out, err
		}
		return do(r, in)
	})
}

const (
	// maxBody takes 300,000 characters however JSON spells them: up to 12 bytes for an
	// emoji. What is kept of a text is bounded by whoever keeps it.
	maxBody = 4 << 20
	// MostFiles is how many bytes the files of a plan may have, as JSON. A configuration of
	// 100,000 checks has 15 MB.
	MostFiles = 64 << 20
	// maxRest is how much of a larger request is read, and forgotten, so that its sender
	// is there for the answer.
	maxRest = 64 << 20
)

// decodeBody reads the JSON of a request, of at most so many bytes.
func decodeBody(r *http.Request, into any, most int64) error {
	defer func() { _ = r.Body.Close() }()
	err := json.NewDecoder(http.MaxBytesReader(nil, io.NopCloser(r.Body), most)).Decode(into)
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

// A refusal is the answer when a request cannot be done.
type refusal struct {
	Error string `json:"error"`
}

// writeAnswer writes a value, or an error that the client returns as its own.
func writeAnswer(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		// One status for all refusals; 404 stays for routes that this version lacks.
		w.WriteHeader(http.StatusUnprocessableEntity)
		value = refusal{err.Error()}
	}
	_ = json.NewEncoder(w).Encode(value) // the client has gone when this fails
}
