//go:build !quick

package pages

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imapvigil/imapvigil/config/golden"
)

// focused says what has the focus, and in brackets what is wrong with how it shows that.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "";
	const style = getComputedStyle(e), box = e.getBoundingClientRect(), faults = [];
	if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push("no outline");
	if (box.width < 8 || box.height < 8) faults.push("too small to be seen");
	if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) faults.push("not on the screen");
	const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
	const name = (e.getAttribute("aria-label") || label || e.innerText || e.placeholder || e.value || "").trim().split(/\s*\n\s*/).slice(0, 2).join(", ");
	const kind = { A: "link", BUTTON: "button", INPUT: e.type, SELECT: "choice", SUMMARY: "opens" }[e.tagName] || e.getAttribute("role") || e.tagName.toLowerCase();
	return kind + " " + name + (faults.length ? " [" + faults.join(", ") + "]" : "");
})()`

// The keys of a keyboard lead an operator through a page in the order in which it is read, and
// what has the focus shows that it has. The order stands in a file of testdata.
func TestOrderOfTheKeyboard(t *testing.T) {
	s := newStudio(t)
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	for name, path := range map[string]string{"overview": "/", "check": "/c/mx2/imaps", "incident": "/i/k3q9w2m7tx"} {
		for _, wide := range []int64{1280, 360} {
			name := fmt.Sprintf("%s-%d", name, wide)
			t.Run(name, func(t *testing.T) {
				p := s.in(t).open(shot{path: path, of: v, as: operator, font: dejaVu, at: begin.Add(time.Minute), wide: wide, tall: 800})
				text := walkByTab(p)
				golden.Compare(t, filepath.Join("testdata", "keyboard-"+name+".txt"), text)
				if faults := strings.Count(text, "["); faults > 0 {
					t.Errorf("%d elements do not show that they have the focus:\n%s", faults, text)
				}
			})
		}
	}
}

// walkByTab returns what the key Tab leads to, from the beginning of a page to its end.
func walkByTab(p *tab) string {
	p.t.Helper()
	const longest = 300
	var lines []string
	for range longest {
		p.must(chromedp.Do(p.ctx, chromedp.KeyEvent(kb.Tab)))
		line := evaluate[string](p, focused)
		if line == "" {
			return strings.Join(lines, "\n") + "\n"
		}
		lines = append(lines, line)
	}
	p.t.Fatalf("the keys do not come to an end:\n%s", strings.Join(lines, "\n"))
	return ""
}
