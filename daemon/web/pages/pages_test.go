package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hostile is what a server may say: markup, scripts, characters that turn the direction of a text,
// controls, and what ends an attribute.
const hostile = "* BYE </blockquote><script>alert(1)</script><img src=x onerror=alert(2)> \"' onmouseover=alert(3) x=\" \u202eevil\u2066 \x00\x1b[31m\r\nX: y javascript:alert(4) {{.}} &lt;b&gt;"

// The words of a server, of a certificate, of a DNS answer and of a person are text on every page.
func TestHostileWordsAreText(t *testing.T) {
	words := opaque.Sanitise(hostile)
	f := incident.Finding{
		Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseGreeting, Cause: config.CauseBye,
		Hint: "The server says " + words.String(), Evidence: words, Address: "192.0.2.10",
	}
	p := newPlan()
	c := p.check("mx2", "imaps", "Mail & <b>more</b>")
	c.Runbook, c.Description = "javascript:alert(5)", "For <i>everybody</i>"
	r := badProbe(c.ID, f, 4, 18, 41)
	r.Addresses[0].TLS.Subject, r.Addresses[0].TLS.Cipher, r.Addresses[0].TLS.Version = words.String(), words.String(), words.String()
	var past written
	for i, kind := range []incident.Kind{incident.Failing, incident.Opened, incident.Acknowledged, incident.Noted} {
		at := begin.Add(-time.Duration(9-i) * time.Minute)
		e := incident.Event{Kind: kind, At: at, Since: at, Incident: "k3q9w2m7tx", Check: c.ID, Condition: f.Condition, Finding: &f, By: "<u>anna</u>", Reason: words.String()}
		if i > 1 {
			e.Finding = nil
		}
		past.add(t, "incident."+string(kind), at, e)
	}
	v := &viewer{Options: Options{Daemon: newStage(t, p.Config, past, r)}, past: &madePast{certs: []history.Certificate{{
		Address: netip.MustParseAddr("192.0.2.10"), SHA256: "c0ffee", First: begin, Last: begin, NotBefore: begin, NotAfter: begin.AddDate(0, 1, 0), Subject: words.String(), Issuer: "<b>",
	}}}}
	var text strings.Builder
	for _, path := range []string{"/", "/?q=%22%3E%3Cscript%3Ealert(6)%3C/script%3E", "/c/mx2/imaps", "/i/k3q9w2m7tx", "/fragment/trouble"} {
		a := askViewer(t, v, path, nil)
		page := parsePage(t, a.body)
		inspectPage(t, page)
		for n := range page.Descendants() {
			if slices.Contains([]string{"img", "i", "u"}, n.Data) || strings.HasPrefix(n.Data, "javascript:") {
				t.Errorf("%s holds markup of somebody else: <%s>", path, n.Data)
			}
		}
		for _, r := range string(a.body) {
			if r == 0 || r == '\x1b' || r == '\u202e' || r == '\u2066' {
				t.Errorf("%s holds %U", path, r)
			}
		}
		fmt.Fprintf(&text, "-- %s --\n%s", path, textOfPage(page))
	}
	golden.Compare(t, "testdata/hostile.txt", text.String())
}

// Who sees some groups sees nothing of the others; who may not act has no forms, and reads no
// addresses of people.
func TestVisitorsSeeWhatTheyMay(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	customer := &api.Visitor{Name: "carla", Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers"}}
	viewerOnly := &api.Visitor{Name: "bert", Rights: []api.Right{api.See}}
	overview := string(askAs(t, v, customer, "/").body)
	for _, canary := range []string{"mx1", "mx2", "mx4", "Europe", "192.0.2.10", "+15550100", "it@example.org"} {
		if strings.Contains(overview, canary) {
			t.Errorf("a customer sees %q on the overview", canary)
		}
	}
	if !strings.Contains(overview, "acme/imaps") {
		t.Error("a customer does not see their own check")
	}
	for _, path := range []string{"/c/mx2/imaps", "/i/k3q9w2m7tx", "/c/nowhere", "/i/nowhere"} {
		if a := askAs(t, v, customer, path); a.status != http.StatusNotFound || strings.Contains(string(a.body), "refused") {
			t.Errorf("a customer is answered %d for %s:\n%s", a.status, path, a.body)
		}
	}
	for _, path := range []string{"/c/mx2/imaps", "/i/k3q9w2m7tx"} {
		page := string(askAs(t, v, viewerOnly, path).body)
		if strings.Contains(page, `action="/api/`) || strings.Contains(page, "data-test") {
			t.Errorf("who may only look can act on %s", path)
		}
		if strings.Contains(page, "+15550100") || !strings.Contains(page, "sms.twilio") {
			t.Errorf("who may only look reads the address of a person on %s, or not who was notified", path)
		}
	}
}

func TestSearch(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	for query, want := range map[string]string{
		"q=imaps":                       "9 checks",
		"q=MX2":                         "2 checks",
		"q=mx2+login":                   "1 check",
		"q=mx2.example.org":             "2 checks", // by host
		"q=germany":                     "4 checks", // by group
		"q=Kunden":                      "0 checks",
		"q=it_team":                     "11 checks", // by role
		"q=maintenance":                 "1 check",   // by state
		"state=down":                    "2 checks",
		"state=down&q=imaps":            "1 check",
		"group=europe":                  "7 checks in europe",
		"group=europe/france":           "3 checks in europe/france",
		"group=nowhere":                 "0 checks in nowhere",
		"state=nonsense&q=acme":         "1 check",
		"q=" + strings.Repeat("x", 999): "0 checks",
	} {
		text := textOfPage(parsePage(t, askViewer(t, v, "/?"+query, nil).body))
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("%s does not find %s:\n%s", query, want, text)
		}
	}
}

// The sentence names the gravest first, and says what it leaves out below.
func TestSentence(t *testing.T) {
	count := func(n ...int32) (t tally) { copy(t[:], n); return t } // in the order of incident.CheckStates
	for _, c := range []struct {
		name           string
		tally          tally
		servers        map[config.ServerID]tally
		sentence, rest string
	}{
		{"nothing", count(), nil, "No checks are configured", ""},
		{"one", count(0, 0, 0, 0, 0, 1), nil, "The only check is well", ""},
		{"well", count(0, 0, 0, 0, 0, 9987), nil, "All 9,987 checks are well", ""},
		{"down", count(1, 0, 0, 0, 0, 9987), nil, "1 check is down, 9,987 checks are well", ""},
		{
			"a server with all of its checks", count(3, 0, 0, 0, 0, 5),
			map[config.ServerID]tally{"mx1": count(2), "mx2": count(1, 0, 0, 0, 0, 5)},
			"1 server is down, 1 check is down, 5 checks are well", "",
		},
		{"a server whose other check is paused", count(1, 0, 0, 0, 0, 0, 0, 1), map[config.ServerID]tally{"mx1": count(1, 0, 0, 0, 0, 0, 0, 1)}, "1 server is down", "1 check is paused"},
		{"much", count(2, 1, 3, 1, 1, 1, 1, 1), nil, "2 checks are down, 1 check has begun to fail, 3 checks are degraded, 1 check is well", "1 check is recovering, 1 check is not known, 1 check is in maintenance, 1 check is paused"},
		{"only planned", count(0, 0, 0, 0, 0, 0, 2, 1), nil, "2 checks are in maintenance, 1 check is paused", ""},
	} {
		f := &fleet{tally: c.tally, servers: c.servers}
		if sentence, rest := f.sentence(); sentence != c.sentence || rest != c.rest {
			t.Errorf("%s: %q and %q, want %q and %q", c.name, sentence, rest, c.sentence, c.rest)
		}
	}
}

// What was before the history is no data, and no good day; a history that cannot be read is said.
func TestYoungHistoryIsNotDrawnAsGood(t *testing.T) {
	cfg := newPlan()
	cfg.check("mx1", "imaps", "IMAP", "europe")
	b := makeBars(t.Context(), &madePast{since: begin.AddDate(0, 0, -10)}, cfg.Config, begin)
	s, percent := b.strip(b.checks["mx1/imaps"])
	if want := (rect{Class: "f-none", X: "0%", W: "87.778%", H: stripHeight}); !slices.Contains(s.Rects, want) || percent != "100.00 %" {
		t.Errorf("79 days before the history are drawn as %v, %s", s.Rects, percent)
	}
	if note := b.note(clock{begin, time.UTC}); !strings.HasPrefix(note, "The history begins 1999-12-22 00:00 UTC.") {
		t.Errorf("said: %s", note)
	}
	b = makeBars(t.Context(), &madePast{err: errors.New("the disk is full")}, cfg.Config, begin)
	if note := b.note(clock{begin, time.UTC}); note != "There are no bars and percentages now: the disk is full." || len(b.checks) > 0 {
		t.Errorf("said: %s", note)
	}
}

// A group shows the worst of each day, and the mean of all.
func TestGroupShowsTheWorstDay(t *testing.T) {
	well := pastDays{days: []availability.Seconds{{OK: aDay}, {OK: aDay}}, sum: availability.Seconds{OK: 2 * aDay}}
	bad := pastDays{days: []availability.Seconds{{OK: aDay}, {Down: aDay}}, sum: availability.Seconds{OK: aDay, Down: aDay}}
	g := pastDays{}.with(well).with(bad).with(well)
	if g.days[1].Down != aDay || g.days[0].OK != aDay || g.sum.Down != aDay || g.sum.OK != 5*aDay {
		t.Errorf("%+v", g)
	}
	if well.days[1].Down != 0 {
		t.Error("the days of a check were changed")
	}
}

// When everything fails at once, the page stays one that can be read.
func TestStormIsCutShort(t *testing.T) {
	v := &viewer{Options: Options{Daemon: manyStage(t, 1000, func(i int) bool { return i < 150 })}, past: eventfulPast()}
	page := askViewer(t, v, "/", nil)
	text := textOfPage(parsePage(t, page.body))
	if n := strings.Count(text, "failing · Connection refused"); n != mostTrouble {
		t.Errorf("%d checks are listed", n)
	}
	if !strings.Contains(text, "and 50 more. All that are failing") || !strings.Contains(string(page.body), `href="/?state=failing"`) {
		t.Errorf("the rest is not said:\n%.900s", text)
	}
	if len(page.body) > 150<<10 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
}
