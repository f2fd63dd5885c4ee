package httpclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBounds(t *testing.T) {
	var elsewhere bool
	mux := http.NewServeMux()
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 2*httpclient.MaxBody))
	})
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere = true })
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, keep := range []bool{false, true} {
		client := httpclient.New(httpclient.Options{KeepAlive: keep})
		post := func(path string) (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader("secret"))
			if err != nil {
				t.Fatal(err)
			}
			return client.Do(req)
		}
		for path, want := range map[string]struct{ status, length int }{
			"/long":  {http.StatusOK, httpclient.MaxBody},
			"/moved": {http.StatusTemporaryRedirect, 0},
		} {
			resp, err := post(path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || len(body) != want.length || resp.StatusCode != want.status {
				t.Errorf("%s gives %d and %d bytes, %v", path, resp.StatusCode, len(body), err)
			}
		}
		if resp, err := post("/header"); err == nil {
			_ = resp.Body.Close()
			t.Error("an answer with a header of a megabyte was taken")
		}
		client.CloseIdleConnections()
	}
	if elsewhere {
		t.Error("a redirect was followed")
	}
}
