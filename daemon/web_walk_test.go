//go:build !quick

package daemon

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// walkedGroups are the groups of the walk. Each has one server with one check, which is down; all
// that is known of it holds the name of the group, or its address.
var walkedGroups = map[config.GroupID]struct{ word, address string }{
	"public":         {"canarypub", "127.7.1.1"},
	"customers/acme": {"canaryacme", "127.7.2.2"},
	"customers/zoo":  {"canaryzoo", "127.7.3.3"},
	"innermost":      {"canaryinner", "127.7.4.4"},
}

const walkedConfig = `
daemon {
  listen     = "127.0.0.1:%[1]s"
  public_url = "https://status.example.org"
  notification_roles = []
}
page {
  users_file    = "users"
  tokens_file   = "tokens"
  operators     = ["anna", "dora"]
  public_groups = [group.public]
  access "acme" {
    users  = ["carla", "dora"]
    groups = [group.customers.acme]
  }
}
notifier "webhook" "canaryhook" {
  url     = "%[2]s/canarysecretpath"
  secret  = "canarysecretkey"
  headers = { X = "canarysecretheader" }
}
`

// walkedGroup is one group: path, word, port, address.
const walkedGroup = `
notification_role "role%[1]s" {
  notify {
    via = notifier.webhook.canaryhook
  }
}
server "server%[1]s" {
  label    = "Server of%[1]s"
  hostname = "%[4]s"
  group    = group.%[2]s
  imap_check "check%[1]s" {
    label              = "Label of%[1]s"
    description        = "Description of%[1]s"
    runbook            = "https://runbook.example/%[1]s"
    port               = %[3]d
    security           = "none"
    fault_tolerance    = "0s"
    retry_interval     = "1s"
    notification_roles = [notification_role.role%[1]s]
  }
}
`

// A walk is a daemon with users, and what they must not find out.
type walk struct {
	t         *testing.T
	m         *monitor
	base      string
	client    *http.Client
	incidents map[config.GroupID]incident.ID
	silences  map[config.GroupID]string
	others    map[config.GroupID]string // silences, too
}

// A walker is somebody who asks, and what they may see.
type walker struct {
	name   string
	header string // Authorization; empty: none
	rights []api.Right
	groups []config.GroupID // nil: everything
}

var walkers = []walker{
	{"nobody", "", nil, []config.GroupID{}},
	{"a wrong token", "Bearer canarywrong", nil, []config.GroupID{}},
	{"a viewer", "Basic bert", []api.Right{api.See, api.Metrics}, nil},
	{"a customer", "Basic carla", []api.Right{api.See}, []config.GroupID{"customers/acme"}},
	{"a customer who operates", "Basic dora", []api.Right{api.See, api.Operate}, []config.GroupID{"customers/acme"}},
	{"a token for metrics", "Bearer t-metrics", []api.Right{api.Metrics}, nil},
	{"a token for reading", "Bearer t-read", []api.Right{api.See, api.Metrics}, nil},
	{"a token for operating", "Bearer t-operate", []api.Right{api.See, api.Metrics, api.Operate}, nil},
	{"an operator", "Basic anna", []api.Right{api.See, api.Metrics, api.Operate}, nil}, // last: things change
}

// Every route, asked about everything by everybody, is refused to whoever lacks its right, and says
// nothing that its visitor may not see: in its status, its headers or its body.
func TestNobodySeesMoreThanTheyMay(t *testing.T) {
	w := startWalk(t)
	w.tryLinks()
	answered := map[string]bool{}
	for _, who := range walkers {
		for _, route := range w.m.page.Routes() {
			for _, path := range w.paths(route.Pattern) {
				a := w.ask(who, path)
				refused := a.status == 401 || a.status == 429 || a.status == 403 || a.status == 303 && strings.HasPrefix(a.location, "/login")
				may := route.Right == api.Anybody || slices.Contains(who.rights, route.Right)
				switch {
				case !may && !refused:
					t.Errorf("%s may ask %s: %d", who.name, path, a.status)
				case may && route.Right != api.Anybody && (a.status == 401 || strings.Contains(a.text, "too many tries to log in")):
					t.Fatalf("%s is not let in: %d %s", who.name, a.status, a.text)
				case may && a.status < 300:
					answered[route.Pattern] = true
				}
				if may && w.isForeign(who, path, route.Right) && a.status < 400 {
					t.Errorf("%s does not see what %s is about: %d", who.name, path, a.status)
				}
				if route.Right == api.Anybody && a.isKeptForOthers() {
					t.Errorf("%s: what %s is shown may be kept for others: %s", path, who.name, a.cache)
				}
				said := w.withoutEcho(a.text, path)
				for _, word := range w.hidden(who, route.Right) {
					if strings.Contains(said, word) {
						t.Errorf("%s finds %q in %s:\n%s", who.name, word, path, around(said, word))
						break
					}
				}
			}
		}
	}
	// A walk that is refused everywhere finds nothing.
	for _, route := range w.m.page.Routes() {
		if !answered[route.Pattern] && !unanswered[route.Pattern] {
			t.Errorf("nobody was ever answered at %s: teach this test to ask for it", route.Pattern)
		}
	}
}

// unanswered are routes that have no answer here.
var unanswered = map[string]bool{
	"GET /login/oidc": true, "GET /login/oidc/callback": true, // without a provider
	"POST /login": true, "POST /logout": true, // they lead elsewhere
	"GET /a/{token}": true, "POST /a/{token}": true, // tryLinks asks with tokens that are good
}

// tryLinks follows the links that acknowledge: they tell only of their incident, nothing happens
// before somebody presses the button, and then it happens once.
func (w *walk) tryLinks() {
	w.t.Helper()
	by := func(id config.GroupID) string {
		s, err := w.m.deciding.own.Snapshot(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		c, _ := s.Check(config.CheckID("server" + walkedGroups[id].word + "/check" + walkedGroups[id].word))
		return c.Incidents[0].AckedBy
	}
	for id := range walkedGroups {
		path := "/a/" + w.m.linkToken(w.incidents[id], "it_team", time.Now().Add(time.Hour))
		for _, method := range []string{"GET ", "HEAD "} {
			a := w.ask(walkers[0], method+path)
			if a.status != 200 || !strings.Contains(a.text, "noindex") || !strings.Contains(a.text, "no-referrer") || a.cache != "no-store" || by(id) != "" {
				w.t.Errorf("%s of a link: %d, acknowledged by %q\n%s", method, a.status, by(id), a.text)
			}
			said := strings.ReplaceAll(a.text, path, "")
			for other, g := range walkedGroups {
				if strings.Contains(said, g.address) || other != id && strings.Contains(said, g.word) {
					w.t.Errorf("a link about %s tells of %s", id, other)
				}
			}
		}
		for _, word := range []string{">Acknowledged<", ">Already acknowledged<"} {
			if a := w.ask(walkers[0], "POST "+path); a.status != 200 || !strings.Contains(a.text, word) || by(id) != "by link sent to it_team" {
				w.t.Errorf("the button: %d, acknowledged by %q\n%s", a.status, by(id), a.text)
			}
		}
		if _, err := w.m.Unacknowledge(w.t.Context(), w.incidents[id], ""); err != nil {
			w.t.Error(err)
		}
	}
}

// isForeign reports whether a path is about something that somebody does not see.
func (w *walk) isForeign(who walker, path string, right api.Right) bool {
	path, _, _ = strings.Cut(path, "?")
	for id, g := range walkedGroups {
		for _, about := range []string{"server" + g.word, string(w.incidents[id]), w.silences[id], w.others[id]} {
			if !who.sees(id, right) && strings.Contains(path, about) {
				return true
			}
		}
	}
	return false
}

// withoutEcho takes out of an answer what the visitor has said themselves: the ids in the path.
func (w *walk) withoutEcho(text, path string) string {
	for id, g := range walkedGroups {
		for _, said := range []string{"server" + g.word + "/check" + g.word, string(id), string(w.incidents[id]), w.silences[id], w.others[id]} {
			if strings.Contains(path, said) {
				escaped := url.QueryEscape(said)
				text = strings.NewReplacer(said, "", escaped, "", strings.ToLower(escaped), "").Replace(text)
			}
		}
	}
	return text
}

func around(text, word string) string {
	i := strings.Index(text, word)
	return text[max(0, i-200):min(len(text), i+200)]
}

// hidden returns what must not stand in an answer to somebody. Routes for anybody say nothing of
// what only a login shows, whoever asks; a public group has a public label.
func (w *walk) hidden(who walker, right api.Right) (words []string) {
	words = []string{"canarysecret", "canarywrong", "secret-", "$2a$", "t-metrics", "t-read", "t-operate"}
	if len(who.groups) == 0 && who.groups != nil || right == api.Anybody {
		words = append(words, "canaryhook", "rolecanary", "servercanary", "checkcanary", "Description of", "Reason of", "bycanary", "runbook.example", "greeting canary")
	}
	for id, g := range walkedGroups {
		if right == api.Anybody {
			words = append(words, g.address, string(w.incidents[id]))
		}
		if !who.sees(id, right) {
			words = append(words, g.word, g.address, string(w.incidents[id]), w.silences[id], w.others[id])
		}
	}
	return words
}

// sees reports whether an answer of a route may tell somebody of a group. What is for anybody
// tells all of public groups, and shows badges of others to whoever may look.
func (who walker) sees(id config.GroupID, right api.Right) bool {
	mine := who.groups == nil || slices.Contains(who.groups, id)
	if right == api.Anybody {
		return id == "public" || mine && slices.Contains(who.rights, api.See)
	}
	return mine
}

// paths returns a pattern, with its method, for everything that it can be about.
func (w *walk) paths(pattern string) (paths []string) {
	method, path, _ := strings.Cut(pattern, " ")
	fill := func(values ...string) {
		for _, v := range values {
			paths = append(paths, method+" "+regexp.MustCompile(`\{[^$}]*\}`).ReplaceAllString(path, v))
		}
	}
	checks := slices.Collect(func(yield func(string) bool) {
		for _, g := range walkedGroups {
			if !yield("server" + g.word + "/check" + g.word) {
				return
			}
		}
	})
	groups := slices.Collect(func(yield func(string) bool) {
		for id := range walkedGroups {
			if !yield(string(id)) {
				return
			}
		}
	})
	incidents := slices.Collect(func(yield func(string) bool) {
		for _, id := range w.incidents {
			if !yield(string(id)) {
				return
			}
		}
	})
	path = strings.TrimSuffix(path, "{$}")
	switch {
	case strings.HasSuffix(path, "/end"): // DELETE ends the others
		fill(slices.Collect(maps.Values(w.others))...)
	case strings.Contains(path, "/silences/{"):
		fill(slices.Collect(maps.Values(w.silences))...)
	case strings.Contains(path, "/incidents/{"), strings.HasPrefix(path, "/i/{"):
		fill(incidents...)
	case strings.Contains(path, "/checks/{"), strings.HasPrefix(path, "/c/{"):
		fill(checks...)
		for _, c := range checks {
			for _, part := range []string{"/history", "/test", "/recheck"} {
				fill(c + part)
			}
		}
	case strings.HasPrefix(path, "/a/{"): // a key of somebody else
		for _, id := range w.incidents {
			fill(api.NewLinks(make([]byte, api.LinkKeySize)).Token(api.Link{Incident: id, Role: "x", Until: time.Now().Add(time.Hour)}))
		}
	case strings.HasPrefix(path, "/badge/{"):
		for _, about := range append(checks, groups...) {
			fill(about+".svg", about+".json", about+"/uptime.svg")
		}
	case strings.HasPrefix(path, "/p/{"):
		for _, g := range groups {
			fill(g, g+"/feed.atom", g+"/badge.svg", g+"/")
		}
	case strings.HasPrefix(path, "/reports/{"):
		for _, g := range groups {
			fill("last-month.csv?group="+g, "last-month.html?group="+g, "last-month.json?group="+g)
		}
		fill("last-month.csv", "last-month.html", "last-month.json")
	case pattern == "POST /login": // each is a try, of which there are few
		fill("")
	case !strings.Contains(path, "{"):
		paths = []string{method + " " + path}
		for _, g := range groups {
			paths = append(paths, method+" "+path+"?group="+g)
		}
		for _, c := range checks {
			paths = append(paths, method+" "+path+"?check="+c+"&target="+c)
		}
	default:
		fill("page.css", "public", "x")
	}
	return paths
}

// A heard is what somebody is answered: text is all of it.
type heard struct {
	status         int
	location, text string
	cache          string
}

// isKeptForOthers reports whether a cache on the way may give to others what only some may see.
func (h heard) isKeptForOthers() bool {
	isPrivate := func(id config.GroupID) bool { return id != "public" && strings.Contains(h.text, walkedGroups[id].word) }
	return h.status < 300 && strings.Contains(h.cache, "public") && slices.ContainsFunc(slices.Collect(maps.Keys(walkedGroups)), isPrivate)
}

// ask asks as somebody. Of a stream of events it hears the first.
func (w *walk) ask(who walker, path string) heard {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	method, path, _ := strings.Cut(path, " ")
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{"text": "x", "reason": "x", "until": "2100-01-01T00:00:00Z", "group": "customers/acme"}`)
	}
	r, err := http.NewRequestWithContext(ctx, method, w.base+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/html, application/json")
	r.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{192, 0, 2, byte(len(who.name))}).String()) // the tries of one are not those of others
	if kind, name, _ := strings.Cut(who.header, " "); kind == "Basic" {
		r.SetBasicAuth(name, "secret-"+name)
	} else if kind != "" {
		r.Header.Set("Authorization", who.header)
	}
	response, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(method, path, err)
	}
	defer response.Body.Close()
	text := fmt.Sprint(response.Status, response.Header)
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		lines := bufio.NewScanner(response.Body)
		for begun := true; begun && lines.Scan(); {
			text += lines.Text() + "\n"
			begun = lines.Text() != ""
		}
		return heard{response.StatusCode, response.Header.Get("Location"), text, response.Header.Get("Cache-Control")}
	}
	all, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Error(method, path, err)
	}
	return heard{response.StatusCode, response.Header.Get("Location"), text + string(all), response.Header.Get("Cache-Control")}
}

// startWalk starts the daemon and waits until it has told of every incident.
func startWalk(t *testing.T) *walk {
	t.Helper()
	sink, err := httpsink.Start(httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	port := freePort(t)
	dir := t.TempDir()
	text := fmt.Sprintf(walkedConfig, port, sink.URL()) + "group \"customers\" {\n  group \"acme\" {}\n  group \"zoo\" {}\n}\ngroup \"public\" {}\ngroup \"innermost\" {}\n"
	for id, g := range walkedGroups {
		server, err := imaptest.Start(g.address+":0", imaptest.MustParse("S: * BYE greeting "+g.word+"\nclose\n"), imaptest.NewCertificates())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		text += fmt.Sprintf(walkedGroup, g.word, strings.ReplaceAll(string(id), "/", "."), server.Addr().Port(), g.address)
	}
	for name, content := range map[string]string{"main.hcl": text, "users": walkedUsers(t), "tokens": walkedTokens()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &walk{
		t: t, base: "http://127.0.0.1:" + port, m: runWalked(t, filepath.Join(dir, "main.hcl"), dir),
		client:    &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}},
		incidents: map[config.GroupID]incident.ID{}, silences: map[config.GroupID]string{}, others: map[config.GroupID]string{},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	messages, err := sink.Wait(ctx, len(walkedGroups))
	if err != nil {
		t.Fatal("not every incident is told of: ", err)
	}
	w.know()
	for id, in := range w.incidents {
		link := "https://status.example.org/i/" + string(in)
		if !slices.ContainsFunc(messages, func(m httpsink.Request) bool { return strings.Contains(string(m.Body), link) }) {
			t.Errorf("no message about %s has the link %s", id, link)
		}
	}
	return w
}

// know finds out the ids of what there is, and makes a silence of each group.
func (w *walk) know() {
	w.t.Helper()
	s, err := w.m.deciding.own.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for id, g := range walkedGroups {
		c, known := s.Check(config.CheckID("server" + g.word + "/check" + g.word))
		if !known || len(c.Incidents) == 0 {
			w.t.Fatal(id, " has no incident")
		}
		w.incidents[id] = c.Incidents[0].ID
		w.silences[id] = w.silence(api.Scope{Group: id}, g.word)
		w.others[id] = w.silence(api.Scope{Server: config.ServerID("server" + g.word)}, g.word)
	}
}

func (w *walk) silence(scope api.Scope, word string) (id string) {
	w.t.Helper()
	begun, err := w.m.Silence(w.t.Context(), api.Silence{Scope: scope, Reason: "Reason of " + word, Until: time.Now().Add(time.Hour), By: "by" + word})
	if err != nil {
		w.t.Fatal(err)
	}
	return begun.ID
}

// runWalked runs a daemon until the end of the test.
func runWalked(t *testing.T, file, dir string) *monitor {
	t.Helper()
	ready := make(chan struct{})
	m := &monitor{Options: Options{
		ConfigPath: file, StateDir: filepath.Join(dir, "state"), Control: filepath.Join(dir, "c.sock"), Log: zap.NewNop(),
		Rates: outbox.Rates{}, Ready: func() { close(ready) },
	}}
	ctx, stop := context.WithCancel(context.Background())
	first, err := m.openAll(ctx)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := errors.Join(m.runTasks(ctx, first), m.journal.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	<-ready
	return m
}

func walkedUsers(t *testing.T) (text string) {
	t.Helper()
	for _, name := range []string{"anna", "bert", "carla", "dora"} {
		hash, err := bcrypt.GenerateFromPassword([]byte("secret-"+name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		text += name + ":" + string(hash) + "\n"
	}
	return text
}

func walkedTokens() (text string) {
	for _, right := range []string{"metrics", "read", "operate"} {
		sum := sha256.Sum256([]byte("t-" + right))
		text += right + " " + right + " " + hex.EncodeToString(sum[:]) + "\n"
	}
	return text
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
