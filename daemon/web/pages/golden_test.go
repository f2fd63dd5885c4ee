package pages

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var pagesFolder = flag.String("pages", "", "a folder into which the pages of these tests are written, to look at")

// keep writes a page where somebody wants to look at it.
func keep(t *testing.T, name string, text []byte) {
	t.Helper()
	if *pagesFolder == "" {
		return
	}
	for asset, a := range assets().files {
		saveFile(t, filepath.Join(*pagesFolder, assetPath(asset)), a.plain)
	}
	saveFile(t, filepath.Join(*pagesFolder, name+".html"), text)
}

func saveFile(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOverview(t *testing.T) {
	for name, v := range map[string]*viewer{
		"trouble": {Options: Options{Daemon: troubledStage(t)}, past: eventfulPast()},
		"well":    {Options: Options{Daemon: wellStage(t)}, past: &madePast{since: begin.AddDate(0, 0, -30)}},
		"many":    {Options: Options{Daemon: manyStage(t, 10_000)}, past: eventfulPast()},
		"empty":   {Options: Options{Daemon: emptyStage(t, 0)}},
		"young":   {Options: Options{Daemon: emptyStage(t, 3)}, past: &madePast{err: errors.New("the history cannot be read: database is locked")}},
	} {
		for page, path := range map[string]string{"overview": "/", "search": "/?q=mx2&state=down"} {
			a := askViewer(t, v, path, nil)
			if a.status != http.StatusOK || !strings.Contains(string(a.body), "</html>") {
				t.Fatalf("%s: %d\n%s", name, a.status, a.body)
			}
			keep(t, page+"-"+name, a.body)
		}
	}
}

func TestCheckPage(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	for _, id := range []string{"mx1/imaps", "mx2/imaps", "mx2/login", "mx3/imaps", "mx4/imaps", "mx5/imaps", "new/imaps", "initech/imaps", "globex/imaps"} {
		a := askViewer(t, v, "/c/"+id, nil)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), "</html>") {
			t.Fatalf("%s: %d\n%s", id, a.status, a.body)
		}
		keep(t, "check-"+strings.ReplaceAll(id, "/", "-"), a.body)
	}
}

func TestIncidentPage(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	for _, id := range []string{"k3q9w2m7tx", "p8d4r6v1zb", "h5n7c3y9ge", "a2s4f6j8mw"} {
		a := askViewer(t, v, "/i/"+id, nil)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), "</html>") {
			t.Fatalf("%s: %d\n%s", id, a.status, a.body)
		}
		keep(t, "incident-"+id, a.body)
	}
}
