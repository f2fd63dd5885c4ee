//go:build !quick

package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// An overview that is open shows a server that fails, and that it works again, without being
// loaded anew.
func TestTroubleAppearsOnAnOpenPage(t *testing.T) {
	s := openSite(t)
	p := s.open("/", phone, "anna")
	p.until(`document.getElementById("live").textContent === "Live"`)
	evaluate[bool](p, `window.same = true`)
	s.mx2.Refuse()
	p.until(`document.getElementById("attention").textContent.includes("Connection refused")`)
	p.until(`document.querySelector('li.check[data-check="mx2/imaps"] [data-part=glyph]').className === "is-down"`)
	if err := s.mx2.Serve(); err != nil {
		t.Fatal(err)
	}
	p.until(`!document.getElementById("attention") || !document.getElementById("attention").textContent.includes("Connection refused")`)
	if !evaluate[bool](p, `window.same === true`) {
		t.Error("the page was loaded anew")
	}
	p.well()
}

// An incident can be worked on from its page: acknowledged and noted, with and without scripts.
func TestAnOperatorAnswers(t *testing.T) {
	s := openSite(t)
	for _, noScript := range []bool{false, true} {
		t.Run(fmt.Sprintf("noScript=%t", noScript), func(t *testing.T) {
			s := s.in(t)
			s.mx2.Refuse()
			s.await("mx2/imaps", func(c api.Check) bool { return c.State == "down" })
			l := phone
			if l.noScript = noScript; noScript {
				l.expected = []string{"ERR_BLOCKED_BY_CLIENT"}
			}
			p := s.open("/i/"+s.incident("mx2/imaps"), l, "anna")
			p.do(chromedp.SendKeys(chromedp.CSS("#reason"), "I call the host.\n"))
			p.until(`document.body.textContent.includes("I call the host.")`)
			p.do(chromedp.SendKeys(chromedp.CSS("#text"), "The power is out."), chromedp.Click(chromedp.CSS(".note-form button")))
			p.until(`document.querySelector("#story").textContent.includes("The power is out.")`)
			if words := evaluate[string](p, `document.querySelector("#story").textContent`); !strings.Contains(words, "anna") {
				t.Errorf("nobody is named as the author:\n%s", words)
			}
			p.fits()
			p.accessible()
			p.well()
			if err := s.mx2.Serve(); err != nil {
				t.Fatal(err)
			}
			s.await("mx2/imaps", func(c api.Check) bool { return c.State == "ok" })
		})
	}
}

// The test button shows each phase, and its result; the silence button mutes for an hour.
func TestTheButtonsOfACheck(t *testing.T) {
	s := openSite(t)
	p := s.open("/c/mx1/imaps", desktop, "anna")
	p.do(chromedp.Click(chromedp.CSS("#test")))
	p.until(`document.querySelector("#tested").textContent.includes("All is well.")`)
	if words := evaluate[string](p, `document.querySelector("#tested").textContent`); !strings.Contains(words, "greeting") || !strings.Contains(words, "tls") {
		t.Errorf("the phases are not shown: %s", words)
	}
	p.do(chromedp.Click(chromedp.CSS(`form[action="/api/v1/silences"] button`)))
	p.until(`document.readyState === "complete" && !document.querySelector('form[action="/api/v1/silences"]')`)
	s.await("mx1/imaps", func(c api.Check) bool { return c.SilencedUntil != nil })
	p.accessible()
	p.well()
}

// A page says since when it shows nothing new, and goes on when the daemon can be reached again.
func TestAPageThatLostItsDaemon(t *testing.T) {
	s := openSite(t)
	l := desktop
	l.expected = []string{"ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"}
	p := s.open("/", l, "anna")
	p.until(`document.getElementById("live").textContent === "Live"`)
	s.listenAt("127.0.0.1:" + freePort(t))
	p.until(`document.getElementById("live").textContent.startsWith("as of ")`)
	s.listenAt(strings.TrimPrefix(s.base, "http://"))
	p.until(`document.getElementById("live").textContent === "Live"`)
	p.well()
}

// listenAt has the daemon listen elsewhere, as a reload of changed files does.
func (s *site) listenAt(address string) {
	s.t.Helper()
	text, err := os.ReadFile(s.m.ConfigPath)
	if err != nil {
		s.t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^  listen .*$`).ReplaceAll(text, fmt.Appendf(nil, "  listen = %q", address))
	if err := os.WriteFile(s.m.ConfigPath, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if v, err := s.m.Reload(s.t.Context(), false); err != nil || v.Result == "rejected" {
		s.t.Fatalf("the daemon does not listen at %s: %+v %v", address, v, err)
	}
}

// The days of a strip are walked by keys, and each can be opened.
func TestDaysAreWalkedByKeys(t *testing.T) {
	s := openSite(t)
	p := s.open("/c/mx1/imaps", desktop, "anna")
	p.do(chromedp.Focus(chromedp.CSS("[data-walk]")))
	today := evaluate[string](p, `document.getElementById("walked").textContent`)
	p.do(chromedp.KeyEvent(kb.ArrowLeft))
	p.until(fmt.Sprintf(`document.getElementById("walked").textContent !== %q`, today))
	p.do(chromedp.KeyEvent(kb.End))
	p.until(fmt.Sprintf(`document.getElementById("walked").textContent === %q`, today))
	p.do(chromedp.KeyEvent(kb.Enter))
	p.until(`document.readyState === "complete" && document.getElementById("day")`)
	p.well()
}

// Searching narrows the list and the address, without loading the page.
func TestSearchingAsOneTypes(t *testing.T) {
	s := openSite(t)
	p := s.open("/", desktop, "anna")
	p.do(chromedp.SendKeys(chromedp.CSS("form.search input"), "mx2"))
	p.until(`location.search === "?q=mx2" && !document.getElementById("list").textContent.includes("Mail in Europe")`)
	p.accessible()
	p.well()
}

// With high contrast, at 200 %, and printed, everything is still there.
func TestOtherWaysOfLooking(t *testing.T) {
	s := openSite(t)
	for _, l := range []look{{width: 720, height: 450, forced: true}, {width: 320, height: 640, dark: true}} {
		for _, path := range []string{"/", "/c/mx1/imaps"} {
			p := s.open(path, l, "anna")
			p.fits()
			p.well()
		}
	}
	p := s.open("/c/mx1/imaps", desktop, "anna")
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	p.must(err)
	text := pdfText(t, pdf)
	for _, words := range []string{"Mail in Europe", "Last conversations", "Availability", "promised: not proven"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not on paper:\n%s", words, text)
		}
	}
}

func pdfText(t *testing.T, pdf []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatal("pdftotext is missing, or fails: install the Debian package poppler-utils: ", err)
	}
	return string(text)
}
