package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A slow daemon has its snapshots made one by one, when it is let.
type slow struct {
	fake
	let   chan struct{}
	made  atomic.Int64
	fails bool
}

func (s *slow) Snapshot(context.Context) (*tracker.Snapshot, error) {
	s.made.Add(1)
	<-s.let
	if s.fails {
		return nil, errors.New("the tracker has stopped")
	}
	return s.snapshot, nil
}

func (s *slow) Self() api.Self {
	return api.Self{Config: api.Config{Digest: "snapshot " + strconv.FormatInt(s.made.Load(), 10)}}
}

func get(ctx context.Context, h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	return w
}

// 500 clients ask while an answer is being made: one more is made for all of them, which
// holds what was known when they asked. Who gives up while waiting holds nobody up.
func TestManyAskAtOnce(t *testing.T) {
	s := &slow{fake: fake{snapshot: shown(t)}}
	synctest.Test(t, func(t *testing.T) {
		s.let = make(chan struct{})
		h := api.Handler(s)
		var asking sync.WaitGroup
		ask := func(ctx context.Context, want string) {
			asking.Go(func() {
				if w := get(ctx, h, "/v1/status"); !strings.Contains(w.Body.String(), want) {
					t.Errorf("got %.80q, want %q in it", w.Body.String(), want)
				}
			})
			synctest.Wait()
		}
		ask(t.Context(), "snapshot 1")
		gone, leave := context.WithCancel(t.Context())
		ask(gone, "") // it makes the second one, for the others too, and may not wait for it
		for range 499 {
			ask(t.Context(), "snapshot 2")
		}
		ask(gone, "")
		leave()
		synctest.Wait()
		close(s.let)
		asking.Wait()
		if n := s.made.Load(); n != 2 {
			t.Errorf("%d snapshots for 500 clients", n)
		}
	})
}

func TestAnAnswerThatFails(t *testing.T) {
	s := &slow{fails: true, let: make(chan struct{})}
	close(s.let)
	w := get(t.Context(), api.Handler(s), "/v1/incidents")
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "the tracker has stopped") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
