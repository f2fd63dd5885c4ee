//go:build !quick

package pages

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A studio takes photographs of pages: with a browser, in a font that is there on every machine,
// and with a clock that stands still.
type studio struct {
	t       *testing.T
	browser context.Context
}

// A font is a family that the pictures are set in, and the Debian package that has it.
type font struct{ family, file, debian string }

var (
	dejaVu = font{"DejaVu Sans", "DejaVuSans.ttf", "fonts-dejavu-core"}
	inter  = font{"Inter", "Inter-Regular.otf", "fonts-inter"}
)

// newStudio starts Chromium, without a window, until the end of the test.
func newStudio(t *testing.T, fonts ...font) *studio {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: install the Debian package chromium")
	}
	for _, f := range append(fonts, dejaVu) { // the letters of programs are always those of DejaVu
		out, err := exec.CommandContext(t.Context(), "fc-list", f.family, "file").Output()
		if err != nil || !strings.Contains(string(out), f.file) {
			t.Fatalf("the font %s is missing: install the Debian packages fontconfig and %s", f.family, f.debian)
		}
	}
	// What draws letters and colours differently on another machine is switched off.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("disable-lcd-text", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser) // waits for its end, so that its files can be removed
		end()
	})
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal("starting chromium: ", err)
	}
	return &studio{t, browser}
}

// A shot is what is photographed: a page of a stage, on a screen.
type shot struct {
	path string
	of   *viewer
	at   time.Time // what the clock of the browser shows
	as   *api.Visitor
	font font
	wide int64
	tall int64
	dark bool
	// until is the element with which the picture ends; "": it is as tall as the screen.
	until string
}

// in returns the studio for a subtest.
func (s *studio) in(t *testing.T) *studio { return &studio{t, s.browser} }

// A tab is a page that stands still in the browser.
type tab struct {
	t    *testing.T
	name string
	ctx  context.Context
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// evaluate returns the value of an expression of JavaScript.
func evaluate[T any](p *tab, expression string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, options...))
	p.must(err)
	return value
}

// open opens the page in a tab of its own, and waits until nothing moves.
func (s *studio) open(o shot) *tab {
	s.t.Helper()
	server := serveStage(s.t, o.of, o.as)
	ctx, cancel := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext())
	ctx, end := context.WithTimeout(ctx, 2*time.Minute)
	s.t.Cleanup(func() { end(); cancel() })
	p := &tab{s.t, o.path, ctx}
	scheme := map[bool]string{false: "light", true: "dark"}[o.dark]
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-color-scheme", Value: scheme}},
	})
	p.must(err)
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(stillness, o.at.UnixMilli(), o.font.family)})
	p.must(err)
	p.must(chromedp.Do(ctx, chromedp.EmulateViewport(o.wide, o.tall), chromedp.Navigate(server+o.path)))
	evaluate[bool](p, settled, chromedp.EvalAwaitPromise)
	return p
}

// take returns the picture.
func (s *studio) take(o shot) image.Image {
	s.t.Helper()
	p := s.open(o)
	if o.until != "" {
		o.tall = evaluate[int64](p, fmt.Sprintf(`Math.ceil(document.querySelector(%q).getBoundingClientRect().bottom + 32)`, o.until))
		p.must(chromedp.Do(p.ctx, chromedp.EmulateViewport(o.wide, o.tall)))
	}
	text, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must(err)
	picture, err := png.Decode(bytes.NewReader(text))
	p.must(err)
	return picture
}

// stillness stops the clock, and sets the letters. The policy of the page allows no style that
// is written into it; this one is put there as a developer's tools do it.
const stillness = `{
	const at = %d;
	Date.now = () => at;
	addEventListener("DOMContentLoaded", () => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(':root { --sans: "%s", "DejaVu Sans"; --mono: "DejaVu Sans Mono"; }');
		document.adoptedStyleSheets = [sheet];
	});
}`

// settled is true once the page has its letters, and its stream if it has one.
const settled = `(async () => {
	const live = document.getElementById("live");
	while (document.body.dataset.live && live && live.textContent !== "Live") await new Promise(requestAnimationFrame);
	await document.fonts.ready;
	return true;
})()`

// serveStage serves the pages of a stage to a visitor, with a stream on which nothing happens.
func serveStage(t *testing.T, v *viewer, as *api.Visitor) string {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range v.routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		// Not "hello", after which the page asks for itself once more.
		_, _ = w.Write([]byte("event: checks\ndata: {\"checks\": []}\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if as != nil {
			r = r.WithContext(api.WithVisitor(r.Context(), as))
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
