package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// socketMode lets the owner and the group of the socket's directory connect.
const socketMode = 0o660

// Listen makes the socket. One that a crash left behind is replaced; one that
// a running daemon answers on is an error.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the socket has a mode of its own
		return nil, fmt.Errorf("making the directory of the control socket: %w", err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil && abandoned(ctx, path) {
		_ = os.Remove(path) // Listen says what is still wrong
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w%s", err, advice(path))
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("setting the mode of the control socket: %w", err)
	}
	return l, nil
}

// abandoned: it is a socket, and nobody listens on it.
func abandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// longestPath is how many bytes sockaddr_un(7) has for a name.
const longestPath = 107

// advice says what to do about a path that cannot be listened on.
func advice(path string) string {
	info, err := os.Lstat(path)
	switch {
	case len(path) > longestPath:
		return fmt.Sprintf(" (the path of a socket has at most %d bytes, and this has %d)", longestPath, len(path))
	case err != nil:
		return ""
	case info.Mode()&os.ModeSocket == 0:
		return " (there is something else, which is left alone; remove it, or name another path)"
	}
	return " (another imapvigil answers there; stop it, or name another path)"
}

// Serve answers requests on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, b Backend) error {
	s := &http.Server{
		Handler: handler(b), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
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
		if err := decode(r, &a); err != nil {
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
		if err := decode(r, &s); err != nil {
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

// decode reads a request's JSON.
func decode(r *http.Request, into any) error {
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
