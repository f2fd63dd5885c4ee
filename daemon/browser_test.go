//go:build !quick

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// A site is a daemon whose page is open in a browser. It watches two servers, which can be
// made to fail.
type site struct {
	t      *testing.T
	m      *monitor
	base   string
	mx1    *imaptest.Memory
	mx2    *imaptest.Memory
	chrome context.Context // of the browser; each tab has its own below it
}

const siteConfig = `
daemon {
  listen             = "127.0.0.1:%[1]s"
  notification_roles = []
  timezone           = "UTC"
}
page {
  title         = "Mail at example.org"
  users_file    = "users"
  operators     = ["anna"]
  public_groups = [group.europe]
}
notification_role "it_team" {
  label = "IT team"
  notify {
    via = notifier.webhook.room
  }
}
notifier "webhook" "room" {
  url = "http://127.0.0.1:9/"
}
defaults {
  interval           = "1s"
  retry_interval     = "1s"
  fault_tolerance    = "0s"
  recovery_tolerance = "0s"
  reopen_within      = "0s"
  notification_roles = [notification_role.it_team]
  tls {
    ca_file = "ca.pem"
  }
}
group "europe" {
  label = "Europe"
  server "mx1" {
    hostname = "127.0.0.1"
    imap_check "imaps" {
      label    = "Mail in Europe"
      port     = %[2]d
      security = "tls"
      slo      = 99.9
      tls {
        server_name = "localhost"
      }
    }
  }
}
group "asia" {
  server "mx2" {
    hostname = "127.0.0.1"
    imap_check "imaps" {
      port     = %[3]d
      security = "tls"
      tls {
        server_name = "localhost"
      }
    }
  }
}
maintenance "update" {
  start      = "2100-01-01T02:00:00"
  duration   = "2h"
  timezone   = "UTC"
  applies_to = [group.europe]
}
`

// openSite starts the daemon and a browser, and waits until both servers were probed.
func openSite(t *testing.T) *site {
	t.Helper()
	certs := imaptest.NewCertificates()
	s := &site{t: t, chrome: startBrowser(t)}
	for _, server := range []**imaptest.Memory{&s.mx1, &s.mx2} {
		good, err := certs.Get("good")
		if err != nil {
			t.Fatal(err)
		}
		if *server, err = imaptest.StartMemory(imaptest.MemoryOptions{Certificate: good}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*server).Close)
	}
	port, dir := freePort(t), t.TempDir()
	if err := certs.Authority.WriteFile(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"main.hcl": fmt.Sprintf(siteConfig, port, s.mx1.Addr().Port(), s.mx2.Addr().Port()), "users": walkedUsers(t),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.m, s.base = runWalked(t, filepath.Join(dir, "main.hcl"), dir), "http://127.0.0.1:"+port
	s.await("mx1/imaps", func(c api.Check) bool { return c.State == "ok" })
	s.await("mx2/imaps", func(c api.Check) bool { return c.State == "ok" })
	return s
}

// await waits until a check is as it should be. The servers are probed every second.
func (s *site) await(id config.CheckID, is func(api.Check) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		snapshot, err := s.m.deciding.own.Snapshot(ctx)
		if err != nil {
			s.t.Fatalf("%s does not get there: %v", id, err)
		}
		for _, c := range api.NewStatus(snapshot, api.Self{}, s.m.NextProbe).Checks {
			if c.ID == id && is(c) {
				return
			}
		}
		if _, err := s.m.Recheck(ctx, id); err != nil {
			s.t.Fatalf("%s does not get there: %v", id, err)
		}
	}
}

// startBrowser starts Chromium, without a window, until the end of the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: install the Debian package chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("font-render-hinting", "none"))
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
	return browser
}

// A look is how a visitor's screen is.
type look struct {
	width, height int64
	dark          bool
	forced        bool // high contrast
	noScript      bool
	// expected are faults of the network that belong to the test.
	expected []string
}

var (
	phone   = look{width: 360, height: 800}
	desktop = look{width: 1440, height: 900}
)

// A tab is a page in the browser. What is wrong with it, as the browser sees it, fails the
// test: errors of scripts, of the policy for content, of the network, and foreign hosts.
type tab struct {
	s    *site
	name string
	ctx  context.Context
	look look

	mu       sync.Mutex
	problems []string
}

// open opens a path in a tab of its own, with a user logged in; "": nobody is.
func (s *site) open(path string, l look, user string) *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.chrome, chromedp.WithNewBrowserContext())
	ctx, end := context.WithTimeout(ctx, 2*time.Minute)
	p := &tab{s: s, name: path, ctx: ctx, look: l}
	s.t.Cleanup(func() { end(); cancel() })
	p.must(p.watch())
	p.emulate()
	if user != "" {
		p.logIn(user)
	}
	p.visit(path)
	return p
}

// visit goes to another page in the same tab.
func (p *tab) visit(path string) {
	p.s.t.Helper()
	p.name = path
	p.do(chromedp.Navigate(p.s.base + path))
}

// watch notes what is wrong from here on.
func (p *tab) watch() error {
	own, err := url.Parse(p.s.base)
	if err != nil {
		return err
	}
	if err := chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			if u, err := url.Parse(e.Request.URL); err != nil || u.Host != own.Host && u.Scheme != "data" {
				p.problem("asks a foreign host: " + e.Request.URL)
			}
		}
	}); err != nil {
		return err
	}
	console := chromedp.Console(p.ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" || m.Type == "assert" {
				p.problem(fmt.Sprintf("%s: %s %s", m.Type, m.Text, m.URL))
			}
		}
	}()
	return nil
}

func (p *tab) problem(text string) {
	if slices.ContainsFunc(p.look.expected, func(part string) bool { return strings.Contains(text, part) }) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, text)
}

func (p *tab) emulate() {
	features := []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}
	if p.look.dark {
		features = append(features, &emulation.MediaFeature{Name: "prefers-color-scheme", Value: "dark"})
	}
	if p.look.forced {
		features = append(features, &emulation.MediaFeature{Name: "forced-colors", Value: "active"})
	}
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
	p.must(err)
	p.do(chromedp.EmulateViewport(p.look.width, p.look.height))
	if p.look.noScript {
		// Switched off altogether the test could not ask the page anything.
		_, err := chromedp.Call(p.ctx, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: "*://*/a/*/page.js", Block: true}}})
		p.must(err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.s.t.Helper()
	p.must(chromedp.Do(p.ctx, steps...))
}

func (p *tab) must(err error) {
	p.s.t.Helper()
	if err != nil {
		p.s.t.Fatalf("%s: %v\nproblems: %s\n%s", p.name, err, p.problems, p.words())
	}
}

// words returns what stands on the page, for a test that fails.
func (p *tab) words() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return text[:min(len(text), 3000)] + errorText(err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// until waits until an expression of JavaScript is true, on this page or on the one that it
// leads to.
func (p *tab) until(expression string) {
	p.s.t.Helper()
	for {
		is, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if is {
			return
		}
		if p.ctx.Err() != nil {
			p.must(fmt.Errorf("waiting for %s: %w", expression, errors.Join(p.ctx.Err(), err)))
		}
		// Between two pages there is none, and null has no properties: both pass.
		select {
		case <-p.ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// evaluate returns the value of an expression of JavaScript.
func evaluate[T any](p *tab, expression string, options ...chromedp.EvaluateOption) T {
	p.s.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, options...))
	p.must(err)
	return value
}

// well ends a look at a page: nothing may be wrong with it.
func (p *tab) well() {
	p.s.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.s.t.Errorf("%s: %s", p.name, problem)
	}
	p.problems = nil
}

// logIn has the tab send the cookie of a user's session.
func (p *tab) logIn(user string) {
	p.s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(p.s.base+"/login", url.Values{"user": {user}, "password": {"secret-" + user}})
	p.must(err)
	p.must(answer.Body.Close())
	cookies := answer.Cookies()
	if len(cookies) != 1 {
		p.s.t.Fatalf("%s is not let in: %s", user, answer.Status)
	}
	_, err = chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: cookies[0].Name, Value: cookies[0].Value, URL: p.s.base})
	p.must(err)
}

// A violation is a rule of accessibility that a page breaks, as axe-core reports it.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// accessible runs the rules of WCAG 2.2, A and AA, and the good practices, over the page.
func (p *tab) accessible() {
	p.s.t.Helper()
	rules, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	p.must(err)
	// As a developer's console does it: the page's own policy would not let it in.
	_, err = chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](string(rules)+";0"))
	p.must(err)
	text := evaluate[string](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => JSON.stringify({violations: r.violations, passes: r.passes.length}))`,
		chromedp.EvalAwaitPromise)
	var found struct {
		Violations []violation
		Passes     int // rules that the page keeps
	}
	p.must(json.Unmarshal([]byte(text), &found))
	if found.Passes < 15 {
		p.s.t.Errorf("%s: only %d rules were tried", p.name, found.Passes)
	}
	for _, v := range found.Violations {
		for _, n := range v.Nodes {
			p.s.t.Errorf("%s %+v: %s (%s)\n%s\n%s", p.name, p.look, v.Help, v.ID, n.HTML, n.FailureSummary)
		}
	}
}

// fits holds that a page needs no scrolling sideways.
func (p *tab) fits() {
	p.s.t.Helper()
	if wide := evaluate[int](p, `document.scrollingElement.scrollWidth - innerWidth`); wide > 0 {
		culprits := evaluate[string](p, `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n")`)
		p.s.t.Errorf("%s at %d px is %d px too wide:\n%s", p.name, p.look.width, wide, culprits)
	}
}

// The rules of accessibility are the published ones, unchanged.
func TestAxeIsUnchanged(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "/*! axe v4.14.1\n") || len(text) != 653780 {
		t.Error("testdata/axe/axe.min.js is not axe-core 4.14.1")
	}
}
