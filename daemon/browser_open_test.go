//go:build !quick

package daemon

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// While the page of a check and that of its incident are open, the incident begins, and ends: both
// pages say so, and neither is loaded anew.
func TestIncidentOnOpenPages(t *testing.T) {
	s := openSite(t)
	check := s.open("/c/mx2/imaps", desktop, "anna")
	check.keepOpen()
	check.until(`document.getElementById("now").dataset.state === "ok"`)
	s.mx2.Refuse()
	check.until(`document.getElementById("now").dataset.state === "down" && document.getElementById("now").textContent.includes("Connection refused")`)
	check.until(`document.getElementById("incidents").textContent.includes("Connection refused")`)
	check.until(`document.querySelector("link[rel=icon]").href.endsWith("icon-down.svg")`)
	check.until(`document.querySelector('#now a[href^="/i/"]')`)

	incident := s.open(evaluate[string](check, `document.querySelector('#now a[href^="/i/"]').getAttribute("href")`), phone, "anna")
	incident.keepOpen()
	if err := s.mx2.Serve(); err != nil {
		t.Fatal(err)
	}
	incident.until(`document.getElementById("now").textContent.includes("recovered")`)
	incident.until(`document.getElementById("story").textContent.includes("recovered")`)
	incident.until(`!document.querySelector('form[action$="/ack"]')`)
	check.until(`document.getElementById("now").dataset.state === "ok"`)
	check.until(`document.querySelector("link[rel=icon]").href.endsWith("icon-ok.svg")`)
	check.until(`!document.querySelector('#now a[href^="/i/"]')`)
	for _, p := range []*tab{check, incident} {
		p.isSame()
		p.accessible()
		p.well()
	}
}

// keepOpen waits until a page is live, and marks it.
func (p *tab) keepOpen() {
	p.s.t.Helper()
	p.until(`document.getElementById("live").textContent === "Live"`)
	evaluate[bool](p, `window.same = true`)
}

// isSame holds that a page was not loaded anew since keepOpen.
func (p *tab) isSame() {
	p.s.t.Helper()
	if !evaluate[bool](p, `window.same === true`) {
		p.s.t.Errorf("%s was loaded anew", p.name)
	}
}

// A tab that nobody sees listens to nothing, and shows what it has missed as soon as somebody
// looks at it again.
func TestHiddenTabCatchesUp(t *testing.T) {
	s := openSite(t)
	p := s.open("/", desktop, "anna")
	p.keepOpen()
	ended := make(chan struct{}, 1)
	p.must(chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*network.EventLoadingFailed); ok && e.Type == network.ResourceTypeEventSource {
			select {
			case ended <- struct{}{}:
			default:
			}
		}
	}))
	p.window(browser.WindowStateMinimized)
	p.until(`document.hidden`)
	select {
	case <-ended:
	case <-p.ctx.Done():
		t.Fatal("the stream of a page that nobody sees goes on")
	}
	s.mx2.Refuse()
	s.await("mx2/imaps", func(c api.Check) bool { return c.State == "down" })
	if words := p.words(); strings.Contains(words, "Connection refused") {
		t.Errorf("a page that nobody sees shows what is new:\n%s", words)
	}
	p.window(browser.WindowStateNormal)
	p.until(`!document.hidden && document.getElementById("attention").textContent.includes("Connection refused")`)
	p.until(`document.getElementById("live").textContent === "Live"`)
	if err := s.mx2.Serve(); err != nil { // what comes after is heard again
		t.Fatal(err)
	}
	p.until(`!document.getElementById("attention")?.textContent.includes("Connection refused")`)
	p.isSame()
	p.well()
}

// window has the window of a tab put away, or shown.
func (p *tab) window(state browser.WindowState) {
	p.s.t.Helper()
	w, err := chromedp.Call(p.ctx, browser.GetWindowForTarget, browser.GetWindowForTargetParams{})
	p.must(err)
	_, err = chromedp.Call(p.ctx, browser.SetWindowBounds, browser.SetWindowBoundsParams{WindowID: w.WindowID, Bounds: &browser.Bounds{WindowState: state}})
	p.must(err)
}
