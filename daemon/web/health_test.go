package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// Who asks for the health of the daemon is told ok, or what does not move, in one line; the daemon
// is asked once in five seconds, however many ask.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wrong error
		asked := 0
		h := answerHealth(func(context.Context) error { asked++; return wrong })
		ask := func(status int, says string) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
			if w.Code != status || w.Body.String() != says || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %q %v, want %d %q", w.Code, w.Body, w.Header(), status, says)
			}
		}
		ask(http.StatusOK, "ok\n")
		wrong = errors.Join(errors.New("the tracker is stuck"), errors.New("no answer within 10 seconds"))
		ask(http.StatusOK, "ok\n")
		time.Sleep(healthFor)
		for range 100 {
			ask(http.StatusServiceUnavailable, "the tracker is stuck: no answer within 10 seconds\n")
		}
		if asked != 2 {
			t.Errorf("the daemon is asked %d times", asked)
		}
		wrong = nil
		time.Sleep(healthFor)
		ask(http.StatusOK, "ok\n")
	})
}
