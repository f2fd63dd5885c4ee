package pages

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// nobody is whoever asks without logging in, of publicPlan.
var anonymous = &api.Visitor{Groups: []config.GroupID{"europe", "customers/acme"}}

// What the public reads, in trouble, when all is well, and before anything is known.
func TestPublicPagesSay(t *testing.T) {
	for state, v := range publicViewers(t) {
		for name, path := range map[string]string{"public-all": "/p/", "public-group": "/p/europe/germany", "public-one": "/p/customers/acme", "public-none": "/p/customers/zoo"} {
			t.Run(name+"-"+state, func(t *testing.T) {
				a := askAs(t, v, anonymous, path)
				keep(t, name+"-"+state, a.body)
				page := parsePage(t, a.body)
				inspectPage(t, page)
				inspectOutline(t, page)
				text := textOfPage(page)
				golden.Compare(t, filepath.Join("testdata", name+"-"+state+".txt"), text)
				golden.Plain(t, name, text)
			})
		}
	}
}

const evil = "<b onclick=x>\"&'</b>\u202Eevil\u0007 \x1b[31m]]>-->; BEGIN:VEVENT, \\n, ДЛИННОЕ ИМЯ ПОЧТЫ 電子メール 😀"

// hostileStage is publicStage, in which people wrote what would steer a page, a feed, a picture or
// a calendar, if it were not taken for text.
func hostileStage(t *testing.T) *stage {
	t.Helper()
	s := publicStage(t)
	cfg := s.snapshot.Config
	cfg.Groups["europe/germany"].Label = evil
	cfg.Servers["canary-a"].Label = evil
	cfg.Page.Title = evil
	cfg.Announcements[0].Text = evil + "\r\nEND:VCALENDAR"
	cfg.Announcements[2].Text = evil + "\r\nEND:VCALENDAR"
	for in := range s.snapshot.Incidents() {
		for i := range in.Events {
			if e := &in.Events[i]; e.Kind == incident.Noted && e.Public {
				e.Reason = evil
			}
		}
	}
	return s
}

// Whatever people wrote is text in feeds, badges, calendars and pages.
func TestHostileWordsOfPeopleAreText(t *testing.T) {
	v := &viewer{Options: Options{Daemon: hostileStage(t)}, past: publicHistory()}
	everybody := &api.Visitor{Rights: []api.Right{api.See}}
	for _, c := range []struct {
		name, path string
		who        *api.Visitor
	}{
		{"hostile-public.txt", "/p/europe/germany", anonymous},
		{"hostile-feed.atom", "/p/europe/germany/feed.atom", anonymous},
		{"hostile-coming.ics", "/p/europe/germany/coming.ics", anonymous},
		{"hostile-badge.svg", "/badge/europe/germany.svg", anonymous},
		{"hostile-badge.json", "/badge/europe/germany.json?show=uptime&window=90d", anonymous},
		{"hostile-all.atom", "/feed.atom?group=europe", everybody},
		{"hostile-all.ics", "/coming.ics", everybody},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := askAs(t, v, c.who, c.path)
			text := string(a.body)
			if a.status != http.StatusOK {
				t.Fatalf("answered %d\n%s", a.status, text)
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\r' }); i >= 0 {
				t.Errorf("there is a character that steers: %q", text[i:min(len(text), i+20)])
			}
			if filepath.Ext(c.name) != ".ics" && strings.Contains(text, "<b onclick") {
				t.Error("a word became markup")
			}
			switch filepath.Ext(c.name) {
			case ".txt":
				text = textOfPage(parsePage(t, a.body))
			case ".atom", ".svg":
				if err := xml.Unmarshal(a.body, new(struct{})); err != nil {
					t.Error(err)
				}
			case ".json":
				if !json.Valid(a.body) {
					t.Error("it is no JSON")
				}
			case ".ics":
				checkCalendarLines(t, text)
				text = strings.ReplaceAll(text, "\r\n", "\n")
			}
			golden.Compare(t, filepath.Join("testdata", c.name), text)
		})
	}
}

// checkCalendarLines holds what RFC 5545 says of lines, and that nothing that people wrote began
// a part.
func checkCalendarLines(t *testing.T, text string) {
	t.Helper()
	begins, ends := 0, 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line has %d octets, or a line end: %q", len(line), line)
		}
		switch {
		case strings.HasPrefix(line, "BEGIN:"):
			begins++
		case strings.HasPrefix(line, "END:"):
			ends++
		}
	}
	if begins != ends || !strings.HasSuffix(text, "END:VCALENDAR\r\n") || strings.Count(text, "\r\nBEGIN:VCALENDAR") != 0 {
		t.Errorf("%d parts begin, and %d end", begins, ends)
	}
}

// A badge says one thing of a check or a group, as a picture and as an endpoint of shields.io, and
// whoever has it need not get it again.
func TestBadges(t *testing.T) {
	v := &viewer{Options: Options{Daemon: publicStage(t)}, past: withPoints(publicHistory())}
	for path, want := range map[string]string{
		"/badge/europe.json":                               "Europe|not reachable|#c0261d",
		"/badge/europe/state.json":                         "Europe|not reachable|#c0261d",
		"/badge/customers/acme.json":                       "Acme|working|#17784a",
		"/badge/canary-b/imaps.json":                       "Mail Munich (IMAP)|working|#17784a",
		"/badge/canary-c/imaps.json":                       "Mail Paris|working|#17784a",
		"/badge/canary-d/imaps/state.json":                 "Europe|working|#17784a",
		"/badge/europe.json?window=24h":                    "Europe|99.48 % in 24 hours|#17784a",
		"/badge/canary-a/imaps.json?show=uptime":           "Mail Berlin (IMAP)|99.92 % in 30 days|#17784a",
		"/badge/canary-b/login/uptime.json?period=90d":     "Mail Munich (Login)|99.93 % in 90 days|#17784a",
		"/badge/canary-b/imaps/latency.json":               "Mail Munich (IMAP)|130 ms|#17784a",
		"/badge/europe/latency.json":                       "Europe|146 ms|#17784a",
		"/badge/canary-c/imaps/certificate.json":           "Mail Paris|certificate 6 days|#8a5300",
		"/badge/europe/certificate.json":                   "Europe|certificate 6 days|#8a5300",
		"/badge/customers/acme/certificate.json?window=1y": "Acme|certificate 59 days|#17784a",
	} {
		a := askAs(t, v, anonymous, path)
		var got struct {
			SchemaVersion         int
			Label, Message, Color string
			CacheSeconds          int
		}
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Errorf("%s: %v\n%s", path, err, a.body)
			continue
		}
		if text := got.Label + "|" + got.Message + "|" + got.Color; text != want || got.SchemaVersion != 1 || got.CacheSeconds != 60 {
			t.Errorf("%s says %s, want %s", path, text, want)
		}
		picture := askAs(t, v, anonymous, strings.Replace(path, ".json", ".svg", 1))
		h := picture.header
		if h.Get("Content-Type") != "image/svg+xml" || h.Get("Cache-Control") != "public, max-age=60" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s as a picture has %v", path, h)
		}
		if !strings.Contains(string(picture.body), "<title>"+got.Label+": "+got.Message+"</title>") {
			t.Errorf("%s as a picture is\n%s", path, picture.body)
		}
		again := serve(t, v, strings.Replace(path, ".json", ".svg", 1), http.Header{"If-None-Match": {h.Get("ETag")}}, func(ctx context.Context) context.Context {
			return api.WithVisitor(ctx, anonymous)
		})
		if again.status != http.StatusNotModified || len(again.body) > 0 {
			t.Errorf("%s is sent again: %d", path, again.status)
		}
	}
}

func withPoints(p *madePast) *madePast {
	p.points = measuredPast().points[:1]
	return p
}

// However often everybody asks, the daemon is asked once in a while.
func TestPublicPagesAreKept(t *testing.T) {
	d := &countingStage{stage: publicStage(t)}
	v := &viewer{Options: Options{Daemon: d}, past: publicHistory()}
	for range 50 {
		askAs(t, v, anonymous, "/p/europe")
		askAs(t, v, anonymous, "/p/europe/feed.atom")
		askAs(t, v, anonymous, "/p/nothing")
	}
	if d.asked > 10 {
		t.Errorf("the daemon was asked %d times", d.asked)
	}
	for i := range 3 * mostKept {
		v.publicPage(t.Context(), config.GroupID("made/up/"+itoa(i)))
	}
	if n := len(v.public.pages); n > mostKept {
		t.Errorf("%d pages are kept, of groups that are made up", n)
	}
}

// A countingStage counts how often it is asked.
type countingStage struct {
	*stage
	asked int
}

func (s *countingStage) Snapshot(ctx context.Context) (*tracker.Snapshot, error) {
	s.asked++
	return s.stage.Snapshot(ctx)
}

// FuzzCalendarLine folds any text into lines that are short enough, and nothing is lost.
func FuzzCalendarLine(f *testing.F) {
	f.Add(evil)
	f.Add(strings.Repeat("é", 100))
	f.Fuzz(func(t *testing.T, value string) {
		w := &icsWriter{}
		w.text("SUMMARY", value)
		text := w.String()
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("a line has %d octets: %q", len(line), line)
			}
		}
		if strings.Count(text, "\nBEGIN")+strings.Count(text, "\nEND") > 0 {
			t.Errorf("%q begins a part", value)
		}
	})
}

// FuzzPublicPath asks for any address below /p/ and /badge/: nothing that is not public is told.
func FuzzPublicPath(f *testing.F) {
	s := publicStage(f)
	for _, path := range append([]string{"/p/../../x", "/badge/.svg", "/badge/europe/../canary-f/imaps.svg", "/p//europe//feed.atom", "/badge/%2e%2e/x.json?show=%00"}, publicPaths...) {
		f.Add(path)
	}
	v := &viewer{Options: Options{Daemon: s}, past: publicHistory()}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/p/") && !strings.HasPrefix(path, "/badge/") {
			return
		}
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + path + " HTTP/1.0\r\n\r\n"))); err != nil {
			return // it cannot be asked for
		}
		a := askAs(t, v, anonymous, path)
		if a.status >= 500 || a.status == http.StatusOK && strings.Contains(strings.ReplaceAll(string(a.body), path, ""), "canary") {
			t.Errorf("%q is answered %d\n%s", path, a.status, a.body)
		}
	})
}
