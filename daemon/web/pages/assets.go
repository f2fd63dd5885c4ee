package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

// An asset is a file that pages refer to, as it is and compressed.
type asset struct {
	kind         string
	plain, small []byte // small is nil where gzip gains nothing
}

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// A bundle is all assets under one name that changes with their content.
type bundle struct {
	hash  string
	files map[string]asset
}

// assets reads and compresses the embedded files, once.
var assets = sync.OnceValue(func() bundle {
	b, sum := bundle{files: map[string]asset{}}, sha256.New()
	visitAssets("assets", func(name string, content []byte) {
		_, _ = sum.Write([]byte(name)) // a hash takes everything
		_, _ = sum.Write(content)
		b.files[path.Base(name)] = asset{assetKinds[path.Ext(name)], content, compress(content)}
	})
	b.hash = hex.EncodeToString(sum.Sum(nil)[:6])
	return b
})

// visitAssets calls visit with each embedded file that a browser may ask for. The files
// are part of the program, so reading them cannot fail.
func visitAssets(folder string, visit func(name string, content []byte)) {
	entries, _ := assetFiles.ReadDir(folder)
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if e.IsDir() {
			visitAssets(name, visit)
		} else if assetKinds[path.Ext(name)] != "" { // not a licence or a manifest
			content, _ := assetFiles.ReadFile(name)
			visit(name, content)
		}
	}
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	_, _ = z.Write(content)                               // a buffer takes everything
	_ = z.Close()
	if b.Len() >= len(content) {
		return nil
	}
	return b.Bytes()
}

// assetPath returns the path of an asset. It changes with the content of all, so that a
// browser may keep what it has for ever.
func assetPath(name string) string { return "/a/" + assets().hash + "/" + name }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets().files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if a.small != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		_, _ = w.Write(a.small) // the client has gone when this fails
		return
	}
	_, _ = w.Write(a.plain)
}

// acceptsGzip reports whether a client takes gzip. Whoever refuses it says so with q=0.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight, "q=0.") != ""
		}
	}
	return false
}
