package pages

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
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
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What people read on each page, in each state, stands in a file of testdata.
func TestPagesSay(t *testing.T) {
	troubled := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	well := &viewer{Options: Options{Daemon: wellStage(t)}, past: &madePast{since: begin.AddDate(0, 0, -30)}}
	young := &viewer{Options: Options{Daemon: emptyStage(t, 3)}, past: &madePast{err: errors.New("the history is not available: the disk is full")}}
	for _, c := range []struct {
		name, path string
		of         *viewer
	}{
		{"overview-trouble", "/", troubled},
		{"overview-well", "/", well},
		{"overview-young", "/", young},
		{"overview-empty", "/", &viewer{Options: Options{Daemon: emptyStage(t, 0)}, past: &madePast{since: begin}}},
		{"overview-search", "/?q=MX2+login&state=down&group=europe", troubled},
		{"overview-nothing", "/?q=nowhere", troubled},
		{"fragment-trouble", "/fragment/trouble", troubled},
		{"check-ok", "/c/mx1/imaps", troubled},
		{"check-down", "/c/mx2/imaps", troubled},
		{"check-words", "/c/mx2/login", troubled},
		{"check-failing", "/c/mx3/imaps", troubled},
		{"check-degraded", "/c/mx4/imaps", troubled},
		{"check-recovering", "/c/acme/imaps", troubled},
		{"check-unknown", "/c/mx5/imaps", troubled},
		{"check-new", "/c/new/imaps", troubled},
		{"check-paused", "/c/initech/imaps", troubled},
		{"check-maintenance", "/c/globex/imaps", troubled},
		{"check-day", "/c/mx2/imaps?day=1999-12-08", troubled},
		{"check-no-history", "/c/mx1/imaps", young},
		{"incident-open", "/i/p8d4r6v1zb", troubled},
		{"incident-acknowledged", "/i/k3q9w2m7tx", troubled},
		{"incident-certificate", "/i/h5n7c3y9ge", troubled},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := askViewer(t, c.of, c.path, nil)
			if a.status != http.StatusOK {
				t.Fatalf("answered %d\n%s", a.status, a.body)
			}
			keep(t, c.name, a.body)
			page := parsePage(t, a.body)
			inspectPage(t, page)
			text := textOfPage(page)
			golden.Compare(t, filepath.Join("testdata", c.name+".txt"), text)
			golden.Plain(t, c.name, text)
		})
	}
}

func parsePage(t *testing.T, text []byte) *html.Node {
	t.Helper()
	page, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// inspectPage holds what is so of every page: no style and no script stands in it, nothing
// leads to or comes from elsewhere, ids are there once, and what is referred to exists.
func inspectPage(t *testing.T, page *html.Node) {
	t.Helper()
	ids, wanted := map[string]int{}, map[string]string{}
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s> has the attribute %s, which the content security policy forbids", n.Data, a.Key)
			}
			if slices.Contains([]string{"href", "src", "action"}, a.Key) {
				checkAddress(t, n.Data, a.Val)
			}
		}
		if n.Data == "style" || n.Data == "script" && attrs["src"] == "" {
			t.Errorf("a <%s> stands in the page", n.Data)
		}
		if id := attrs["id"]; id != "" {
			ids[id]++
		}
		for _, key := range []string{"for", "popovertarget", "aria-describedby", "data-walk"} {
			if attrs[key] != "" {
				wanted[attrs[key]] = key
			}
		}
		if n.Data == "use" {
			wanted[strings.TrimPrefix(attrs["href"], "#")] = "href"
		}
		if n.Data == "time" {
			if _, err := time.Parse(time.RFC3339, attrs["datetime"]); err != nil {
				t.Error(err)
			}
		}
		if n.Data == "svg" && attrs["aria-label"] == "" && !isHidden(n) {
			t.Error("a picture has neither a label nor is it hidden from those who do not see")
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %s is there %d times", id, n)
		}
	}
	for id, key := range wanted {
		// A fragment refers to the shapes of the page that it is put into.
		if ids[id] == 0 && ids["main"] > 0 {
			t.Errorf("%s=%q refers to nothing", key, id)
		}
	}
}

// isHidden reports whether those who do not see are spared an element.
func isHidden(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "aria-hidden" && a.Val == "true" }) {
			return true
		}
	}
	return false
}

// checkAddress holds that an address is a path of this site, or one of the web that an operator wrote.
func checkAddress(t *testing.T, element, address string) {
	t.Helper()
	u, err := url.Parse(address)
	switch {
	case err != nil:
		t.Error(err)
	case element == "a" && u.Scheme == "https":
	case u.IsAbs() || u.Host != "":
		t.Errorf("<%s> leads to %s", element, address)
	}
}

// textOfPage returns what people read of a page, a block a line.
func textOfPage(page *html.Node) string {
	var b strings.Builder
	var write func(*html.Node)
	write = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
			return
		case n.Type == html.ElementNode && slices.Contains([]string{"head", "defs", "noscript", "script"}, n.Data):
			return
		}
		block := n.Type == html.ElementNode && !slices.Contains([]string{"a", "b", "span", "time", "strong", "q", "code", "use", "svg", "rect", "line", "path", "text", "title", "output", "circle", "td", "th"}, n.Data)
		if block {
			b.WriteString("\n")
		} else {
			b.WriteString(" ")
		}
		if n.Data == "td" || n.Data == "th" {
			b.WriteString("| ")
		}
		b.WriteString(readAloud(n))
		for c := range n.ChildNodes() {
			write(c)
		}
		if block {
			b.WriteString("\n")
		}
	}
	write(page)
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if text := strings.Join(strings.Fields(line), " "); text != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// readAloud returns what attributes say of an element.
func readAloud(n *html.Node) string {
	var text string
	for _, a := range n.Attr {
		switch {
		case a.Key == "aria-label" && n.Data == "svg":
			text += "(picture: " + a.Val + ") "
		case a.Key == "action" && a.Val != "/":
			text += "(form: " + a.Val + ") "
		case a.Key == "placeholder":
			text += "(" + a.Val + ") "
		}
	}
	return text
}

// Of 10,000 checks the overview shows what needs attention and counts the rest.
func TestOverviewOfManyChecksIsSmall(t *testing.T) {
	v := &viewer{Options: Options{Daemon: manyStage(t, 10_000, few)}, past: eventfulPast()}
	plain := askViewer(t, v, "/", nil)
	small := askViewer(t, v, "/", http.Header{"Accept-Encoding": {"gzip"}})
	keep(t, "overview-many", plain.body)
	if n := len(plain.body); n > 150<<10 {
		t.Errorf("the overview has %d bytes", n)
	}
	if n := len(small.body); n > 15<<10 {
		t.Errorf("the overview has %d bytes, compressed", n)
	}
	if z, err := gzip.NewReader(bytes.NewReader(small.body)); err != nil || z.Close() != nil {
		t.Error(err)
	}
	text := textOfPage(parsePage(t, plain.body))
	if !strings.Contains(text, "10 checks have begun to fail, 9,990 checks are well") {
		t.Errorf("the overview says\n%.300s", text)
	}
	if strings.Contains(text, "mx00001") {
		t.Error("the overview lists a check that is well")
	}
}

// At night, on a phone, what is down, why and who knows comes within the first 12 KB, before any
// picture; the whole page is not much more, compressed.
func TestFirstScreenOfACheckIsSmall(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	plain := askViewer(t, v, "/c/mx2/imaps", nil)
	end := bytes.Index(plain.body, []byte(`<section id="waterfall"`))
	if end < 0 || end > 12<<10 {
		t.Errorf("the first screen has %d bytes", end)
	}
	for _, answer := range []string{"connection refused", "23:42", "Nothing listens on port 993", "also down: mx2/login", "2 other checks are well", "it_team by sms.twilio", "anna, 23:54", "Silence 1 h"} {
		if at := bytes.Index(bytes.ToLower(plain.body), []byte(strings.ToLower(answer))); at < 0 || at > end {
			t.Errorf("the first screen does not say %q", answer)
		}
	}
	small := askViewer(t, v, "/c/mx2/imaps", http.Header{"Accept-Encoding": {"gzip"}})
	if n := len(small.body); n > 14<<10 {
		t.Errorf("the page has %d bytes, compressed", n)
	}
}

// askAs serves one request of somebody.
func askAs(t *testing.T, v *viewer, who *api.Visitor, path string) answer {
	t.Helper()
	return serve(t, v, path, nil, func(ctx context.Context) context.Context { return api.WithVisitor(ctx, who) })
}
