package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

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
		if asked.IsZero() || time.Since(asked) >= healthFor {
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
