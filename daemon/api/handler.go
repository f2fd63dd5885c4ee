package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Handler serves everything that a daemon can be asked.
func Handler(d Daemon) http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range routes(d) {
		mux.Handle(pattern, handler)
	}
	return mux
}

// nothing is the answer to what was only to be done.
type nothing = struct{}

// routes lists what a daemon can be asked, by the patterns of [http.ServeMux].
func routes(d Daemon) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/status": shared(d, func(s *tracker.Snapshot) any { return NewStatus(s, d.Self(), d.NextProbe) }),
		"GET /v1/checks/{id...}": answering(func(r *http.Request) (Check, error) {
			return checkInDetail(r.Context(), d, config.CheckID(r.PathValue("id")))
		}),
		"GET /v1/incidents": shared(d, func(s *tracker.Snapshot) any { return NewIncidents(s) }),
		"GET /v1/incidents/{id}/held": answering(func(r *http.Request) (heldList, error) {
			list, err := d.Explain(r.Context(), incident.ID(r.PathValue("id")))
			return newHeldList(list), err
		}),
		"GET /v1/who": answering(func(r *http.Request) (Forecast, error) {
			q, err := readQuestion(r)
			if err != nil {
				return Forecast{}, err
			}
			f, err := d.Foresee(r.Context(), q)
			return newForecast(q, f), err
		}),
		"POST /v1/ack": reading(func(r *http.Request, a acknowledgement) (Acknowledged, error) {
			by := a.author(r.Context())
			before, err := d.Acknowledge(r.Context(), a.Incident, tracker.Acknowledgement{By: by, Reason: a.Reason, Until: a.Until})
			return newAcknowledged(before, by), err
		}),
		"POST /v1/unack": reading(func(r *http.Request, a acknowledgement) (Acknowledged, error) {
			by := a.author(r.Context())
			before, err := d.Unacknowledge(r.Context(), a.Incident, by)
			return newAcknowledged(before, by), err
		}),
		"GET /v1/silences": answering(func(r *http.Request) (Silences, error) {
			s, err := d.Snapshot(r.Context())
			if err != nil {
				return Silences{}, err
			}
			return NewSilences(s, r.URL.Query().Has("all")), nil
		}),
		"POST /v1/silences": reading(func(r *http.Request, s newSilence) (ListedSilence, error) {
			s.By = Signature{s.By, s.User}.author(r.Context())
			begun, err := d.Silence(r.Context(), s.Silence)
			if err != nil {
				return ListedSilence{}, err
			}
			now, err := d.Snapshot(r.Context())
			if err != nil {
				return ListedSilence{}, err
			}
			return newListedSilence(begun, now), nil
		}),
		"DELETE /v1/silences/{id}": answering(func(r *http.Request) (Silence, error) {
			return d.EndSilence(r.Context(), r.PathValue("id"), signatureOf(r).author(r.Context()))
		}),
		"POST /v1/deliveries/{key}": answering(func(r *http.Request) (nothing, error) {
			return nothing{}, d.Redeliver(r.Context(), r.PathValue("key"))
		}),
		"POST /v1/deliveries/{key}/dismiss": answering(func(r *http.Request) (nothing, error) {
			return nothing{}, d.Dismiss(r.Context(), r.PathValue("key"), signatureOf(r).author(r.Context()))
		}),
		"POST /v1/recheck": answering(func(r *http.Request) (Report, error) {
			return d.Recheck(r.Context(), config.CheckID(r.URL.Query().Get("check")))
		}),
		"POST /v1/notify-test": answering(func(r *http.Request) (Trial, error) {
			return d.NotifyTest(r.Context(), config.RoleID(r.URL.Query().Get("role")))
		}),
		"POST /v1/reload": answering(func(r *http.Request) (Verdict, error) {
			return d.Reload(r.Context(), r.URL.Query().Has("allow_shrink"))
		}),
		"GET /v1/plan": oneAtATime(answering(func(r *http.Request) (wholePlan, error) {
			p, err := d.Plan(r.Context(), nil)
			return newWholePlan(p), err
		})),
		"POST /v1/plan": oneAtATime(answering(func(r *http.Request) (wholePlan, error) {
			var files source.Parcel
			if err := decodeBody(r, &files, MostFiles); err != nil {
				return wholePlan{}, err
			}
			p, err := d.Plan(r.Context(), &files)
			return newWholePlan(p), err
		})),
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
