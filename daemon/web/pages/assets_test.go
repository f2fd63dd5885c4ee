package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An answer is what a browser gets.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask serves one request by the routes of a daemon.
func ask(t *testing.T, o Options, path string, header http.Header) answer {
	t.Helper()
	return askViewer(t, &viewer{Options: o}, path, header)
}

// askViewer is ask of a viewer that a test has made.
func askViewer(t *testing.T, v *viewer, path string, header http.Header) answer {
	t.Helper()
	return serve(t, v, path, header, func(ctx context.Context) context.Context { return ctx })
}

// serve answers one request in a context.
func serve(t *testing.T, v *viewer, path string, header http.Header, in func(context.Context) context.Context) answer {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range v.routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r = r.WithContext(in(r.Context()))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func TestAssetsAreCompressedAndKeptForEver(t *testing.T) {
	t.Parallel()
	plain := ask(t, Options{}, assetPath("page.css"), nil)
	small := ask(t, Options{}, assetPath("page.css"), http.Header{"Accept-Encoding": {"br, gzip;q=0.5"}})
	for _, r := range []answer{plain, small} {
		if r.status != http.StatusOK || !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("the style sheet is answered %d with %v", r.status, r.header)
		}
	}
	if small.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" {
		t.Errorf("encodings %q and %q", small.header.Get("Content-Encoding"), plain.header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(bytes.NewReader(small.body))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unpacked, plain.body) {
		t.Error("the compressed style sheet is another one", err)
	}
	if r := ask(t, Options{}, assetPath("page.css"), http.Header{"Accept-Encoding": {"gzip;q=0"}}); r.header.Get("Content-Encoding") != "" {
		t.Error("whoever refuses gzip gets it")
	}
	if r := ask(t, Options{}, assetPath("uPlot.iife.min.js"), nil); r.status != http.StatusOK {
		t.Error("uPlot is answered", r.status)
	}
	if r := ask(t, Options{}, assetPath("LICENSE"), nil); r.status != http.StatusNotFound {
		t.Error("a file that is no asset is answered", r.status)
	}
}

// Style sheet and script of a page, compressed, fit into 15 KB.
func TestAssetsAreSmall(t *testing.T) {
	t.Parallel()
	sum := 0
	for _, name := range []string{"page.css", "page.js", "icon-ok.svg"} {
		a, ok := assets().files[name]
		if !ok {
			t.Fatal("there is no", name)
		}
		sum += min(len(a.plain), max(len(a.small), 1))
	}
	if sum > 15<<10 {
		t.Errorf("the assets of a page have %d bytes", sum)
	}
}
