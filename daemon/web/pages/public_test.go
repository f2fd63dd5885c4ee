package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// publicPlan is a configuration in which all that is not for the public has a name that can be
// looked for.
func publicPlan() fleetPlan {
	p := newPlan()
	p.Page.PublicGroups = []config.GroupID{"europe", "customers/acme"}
	p.group("europe", "Europe")
	p.group("europe/germany", "Germany")
	p.group("customers", "canary-group-label")
	p.group("customers/acme", "Acme")
	p.group("customers/zoo", "canary-zoo-label")
	check := func(server, name, serverLabel, label string, path ...config.GroupID) {
		c := p.check(config.ServerID(server), name, label, path...)
		c.Probe.Hostname, c.Roles = server+".canary-host.example", []config.RoleID{"canary-role"}
		p.Servers[config.ServerID(server)].Label = serverLabel
		p.Servers[config.ServerID(server)].Hostname = c.Probe.Hostname
	}
	check("canary-a", "imaps", "Mail Berlin", "IMAP", "europe", "europe/germany")
	check("canary-b", "imaps", "Mail Munich", "IMAP", "europe", "europe/germany")
	check("canary-b", "login", "Mail Munich", "Login", "europe", "europe/germany")
	check("canary-c", "imaps", "Mail Paris", "canary-c/imaps", "europe")
	check("canary-d", "imaps", "canary-d", "canary-d/imaps", "europe")
	check("canary-e", "imaps", "Acme", "Acme mail", "customers", "customers/acme")
	check("canary-f", "imaps", "canary-zoo", "canary-zoo-check", "customers", "customers/zoo")
	p.Maintenance = []config.Maintenance{{
		Name: "canary-work", AppliesTo: []config.Ref{{Server: "canary-c"}}, Zone: time.UTC, Start: begin.Add(50 * time.Hour), Clock: begin.Add(50 * time.Hour), Duration: 3 * time.Hour,
	}}
	p.Announcements = []config.Announcement{
		{Name: "canary-name", From: begin.Add(-time.Hour), Until: begin.Add(30 * time.Hour), Kind: config.AnnounceInfo, Groups: []config.GroupID{"europe/germany"}, Text: "Germany has a new spam filter."},
		{Name: "canary-zoo", From: begin.Add(-time.Hour), Until: begin.Add(30 * time.Hour), Kind: config.AnnounceInfo, Groups: []config.GroupID{"customers/zoo"}, Text: "canary-announcement"},
		{Name: "canary-move", From: begin.AddDate(0, 0, 6), Until: begin.AddDate(0, 0, 6).Add(4 * time.Hour), Kind: config.AnnounceMaintenance, Text: "We move to a new data centre."},
	}
	return p
}

var canaryFinding = incident.Finding{
	Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused,
	Hint: "canary-hint", Evidence: opaque.Sanitise("canary-evidence"), Address: "192.0.2.10",
}

// publicStage is a daemon of publicPlan: one service is down and one partly, and there was trouble
// before.
func publicStage(t testing.TB) *stage {
	t.Helper()
	var w written
	event := func(id incident.ID, check config.CheckID, kind incident.Kind, ago time.Duration, f incident.Finding, more ...func(*incident.Event)) {
		e := incident.Event{Kind: kind, At: begin.Add(-ago), Since: begin.Add(-ago - 3*time.Minute), Incident: id, Check: check, Condition: f.Condition, Finding: &f, Target: "canary-target"}
		if kind == incident.Closed {
			e.ClosedAs, e.Finding = incident.Recovered, nil
		}
		for _, m := range more {
			m(&e)
		}
		w.add(t, "incident."+string(kind), e.At, e)
	}
	whole := func(id incident.ID, check config.CheckID, ago, length time.Duration, f incident.Finding, note func(*incident.Event)) {
		event(id, check, incident.Failing, ago+3*time.Minute, f)
		event(id, check, incident.Opened, ago, f)
		if note != nil {
			event(id, check, incident.Noted, ago-5*time.Minute, f, note)
		}
		if length > 0 {
			event(id, check, incident.Recovering, ago-length, f)
			event(id, check, incident.Closed, ago-length-2*time.Minute, f)
		}
	}
	note := func(text string, public bool) func(*incident.Event) {
		return func(e *incident.Event) { e.By, e.Reason, e.Public, e.Finding = "canary-user", text, public, nil }
	}
	month := 30 * aDay
	whole("canaryid01", "canary-b/imaps", 40*aDay, 35*time.Minute, canaryFinding, note("A router has failed. It is replaced.", true))
	whole("canaryid02", "canary-b/login", 40*aDay-2*time.Minute, 50*time.Minute, canaryFinding, note("canary-private-note", false))
	whole("canaryid03", "canary-a/imaps", 12*aDay, 7*time.Minute, canaryFinding, nil)
	whole("canaryid04", "canary-f/imaps", 11*aDay, 7*time.Minute, canaryFinding, note("canary-of-another-group", true))
	certificate := endingFinding
	certificate.Hint = "canary-hint"
	whole("canaryid05", "canary-c/imaps", month/2, 0, certificate, nil)
	whole("canaryid06", "canary-a/imaps", 14*time.Minute, 0, canaryFinding, note("The power has failed in Berlin. We expect to be back at 01:00.", true))
	whole("canaryid07", "canary-b/login", 9*time.Minute, 0, canaryFinding, nil)
	return newStage(
		t, publicPlan().Config, w,
		badProbe("canary-a/imaps", canaryFinding, 4), wellProbe("canary-b/imaps"), badProbe("canary-b/login", canaryFinding, 4), badProbe("canary-c/imaps", certificate, 4, 18, 41, 12, 9, 38, 14, 6),
		wellProbe("canary-d/imaps"), wellProbe("canary-e/imaps"), badProbe("canary-f/imaps", canaryFinding, 4),
	)
}

func publicHistory() *madePast {
	bout := func(ago, length time.Duration, id string, service bool) availability.Bout {
		b := availability.Bout{From: begin.Add(-ago - 6*time.Minute), Reported: begin.Add(-ago), Service: service, Incident: id}
		if length > 0 {
			b.To = begin.Add(-ago + length - 3*time.Minute)
		}
		return b
	}
	return &madePast{since: begin.AddDate(0, 0, -70), lives: map[config.CheckID]availability.Life{
		"canary-a/imaps": {Bouts: []availability.Bout{bout(12*aDay, 7*time.Minute, "canaryid03", true), bout(14*time.Minute, 0, "canaryid06", true)}},
		"canary-b/imaps": {Bouts: []availability.Bout{bout(40*aDay, 35*time.Minute, "canaryid01", true)}},
		"canary-b/login": {Bouts: []availability.Bout{bout(40*aDay, 50*time.Minute, "canaryid02", true), bout(9*time.Minute, 0, "canaryid07", true)}},
		"canary-c/imaps": {Bouts: []availability.Bout{bout(15*aDay, 0, "canaryid05", false)}},
		"canary-d/imaps": {Intervals: []availability.Interval{{From: begin.AddDate(0, 0, -9), To: begin.AddDate(0, 0, -8), Kind: availability.Unknown, Why: "canary-why"}}},
		"canary-e/imaps": {Intervals: []availability.Interval{{From: begin.AddDate(0, 0, -30), To: begin.AddDate(0, 0, -29), Kind: availability.Maintenance}}},
	}}
}

// wellPublic is publicPlan with nothing wrong.
func wellPublic(t *testing.T) *stage {
	t.Helper()
	cfg := publicPlan().Config
	var probes []incident.Result
	for id := range cfg.Checks {
		probes = append(probes, wellProbe(id))
	}
	return newStage(t, cfg, nil, probes...)
}

func publicViewers(t *testing.T) map[string]*viewer {
	t.Helper()
	broken := errors.New("canary-path/history.db: database is locked")
	return map[string]*viewer{
		"trouble": {Options: Options{Daemon: publicStage(t)}, past: publicHistory()},
		"well":    {Options: Options{Daemon: wellPublic(t)}, past: &madePast{since: begin.AddDate(-1, 0, 0)}},
		"nodata":  {Options: Options{Daemon: newStage(t, publicPlan().Config, nil)}, past: &madePast{err: broken}},
	}
}

var publicPaths = []string{
	"/p/", "/p/europe", "/p/europe/germany", "/p/customers/acme", "/p/feed.atom", "/p/europe/feed.atom", "/p/badge.svg", "/p/europe/badge.svg", "/p/coming.ics", "/p/europe/germany/coming.ics",
	"/badge/europe.svg", "/badge/europe.json?show=uptime", "/badge/europe/germany/certificate.svg", "/badge/europe/latency.json", "/badge/europe.svg?show=latency&window=7d",
	"/badge/canary-a/imaps.svg", "/badge/canary-a/imaps/uptime.json?period=90d", "/badge/canary-a/imaps.json?show=latency", "/badge/canary-d/imaps/state.svg",
}

// Whoever asks without logging in reads labels, times and public notes, and nothing else: no id,
// host, address, cause, evidence, hint, role or user.
func TestPublicTellsNothingElse(t *testing.T) {
	secrets := []string{"canary", "192.0.2", "2001:db8", "refused", "expires", "R11", "993", "anna", "history.db"}
	for name, v := range publicViewers(t) {
		for _, path := range publicPaths {
			a := askAs(t, v, &api.Visitor{Groups: []config.GroupID{"europe", "customers/acme"}}, path)
			if a.status != http.StatusOK {
				t.Errorf("%s: %s is answered %d\n%s", name, path, a.status, a.body)
			}
			text := string(a.body)
			for header, values := range a.header {
				text += "\n" + header + ": " + strings.Join(values, " ")
			}
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("%s: %s tells %q\n%s", name, path, secret, around(text, secret))
				}
			}
			if strings.HasPrefix(path, "/p/") && !strings.Contains(path, ".") {
				keep(t, "public-"+strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")+"-"+name, a.body)
			}
		}
	}
}

// around returns a text near a word.
func around(text, word string) string {
	i := strings.Index(strings.ToLower(text), strings.ToLower(word))
	return text[max(0, i-100):min(len(text), i+100)]
}

// A user who is logged in reads the same public page as everybody.
func TestPublicIsTheSameForEverybody(t *testing.T) {
	for _, path := range publicPaths {
		v := publicViewers(t)["trouble"]
		nobody := askAs(t, v, &api.Visitor{Groups: []config.GroupID{"europe", "customers/acme"}}, path)
		user := askAs(t, &viewer{Options: v.Options, past: v.past}, &api.Visitor{Name: "anna", Rights: []api.Right{api.See, api.Operate}}, path)
		if string(nobody.body) != string(user.body) {
			t.Errorf("%s is another page for a user", path)
		}
	}
}

// A group that is not public is answered as one that does not exist.
func TestWhatIsNotPublicDoesNotExist(t *testing.T) {
	v := publicViewers(t)["trouble"]
	for _, c := range [][2]string{
		{"/p/customers", "/p/nothing"},
		{"/p/customers/zoo", "/p/customers/no"},
		{"/p/customers/zoo/feed.atom", "/p/nothing/feed.atom"},
		{"/badge/customers.svg", "/badge/nothing.svg"},
		{"/badge/canary-f/imaps.svg", "/badge/canary-x/imaps.svg"},
		{"/badge/canary-f/imaps/uptime.json", "/badge/canary-x/imaps/uptime.json"},
		{"/badge/europe.png", "/badge/nothing.png"},
		{"/badge/europe.svg?show=hosts", "/badge/nothing.svg"},
	} {
		is, no := askAs(t, v, &api.Visitor{Groups: []config.GroupID{}}, c[0]), askAs(t, v, &api.Visitor{Groups: []config.GroupID{}}, c[1])
		if is.status != http.StatusNotFound || no.status != http.StatusNotFound || string(is.body) != string(no.body) {
			t.Errorf("%s is answered %d, %s %d:\n%s\n%s", c[0], is.status, c[1], no.status, is.body, no.body)
		}
	}
	if a := ask(t, Options{Daemon: wellStage(t)}, "/p/", nil); a.status != http.StatusNotFound {
		t.Error("without public groups there is a public page:", a.status)
	}
	if a := askAs(t, v, &api.Visitor{Rights: []api.Right{api.See}}, "/badge/customers/zoo.svg"); a.status != http.StatusOK || a.header.Get("Cache-Control") != "private, max-age=60" {
		t.Errorf("who may see all gets no badge of it: %d %v", a.status, a.header)
	}
	if a := askAs(t, v, &api.Visitor{Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers/acme"}}, "/badge/customers/zoo.svg"); a.status != http.StatusNotFound {
		t.Errorf("a customer gets the badge of another one: %d", a.status)
	}
}

// An incident of two services of which one has recovered goes on as that of the other, and is the
// same entry of the feed before, meanwhile and after.
func TestPartOfAnIncidentRecovers(t *testing.T) {
	m := &publicMaker{cfg: publicPlan().Config, clock: clock{begin, time.UTC}}
	reported := begin.Add(-50 * time.Minute)
	m.incidents = []api.Incident{
		{ID: "1", Check: "canary-a/imaps", Condition: config.ConditionService, Severity: config.SeverityDown, StartedAt: begin.Add(-time.Hour), ReportedAt: &reported},
		{ID: "2", Check: "canary-b/imaps", Condition: config.ConditionService, Severity: config.SeverityDown, StartedAt: begin.Add(-55 * time.Minute), ReportedAt: &reported},
	}
	says := func() (what, key string) {
		p := &publicPage{at: m.clock, Feed: "/p/feed.atom"}
		m.happened(p)
		if n := len(p.Now) + len(p.Months); n != 1 {
			t.Fatalf("there are %d incidents", n)
		}
		feed := publicFeed(p, "Mail", "https://status.example.org")
		for _, list := range [][]publicIncident{p.Now, append(p.Months, publicMonth{})[0].Incidents} {
			for i := range list {
				what += list[i].What
			}
		}
		return what, feed.Entries[len(feed.Entries)-1].ID
	}
	both, first := says()
	end := begin.Add(-20 * time.Minute)
	m.incidents[0].State, m.incidents[0].EndedAt = incident.StatusClosed, &end
	one, second := says()
	m.incidents[1].State, m.incidents[1].EndedAt = incident.StatusClosed, &begin
	none, third := says()
	want := []string{"Mail Berlin (IMAP) and Mail Munich (IMAP) are not reachable", "Mail Munich (IMAP) is not reachable", "Mail Berlin (IMAP) and Mail Munich (IMAP) were not reachable"}
	if got := []string{both, one, none}; !slices.Equal(got, want) || first != second || second != third {
		t.Errorf("the page says\n%q, of\n%s\n%s\n%s", got, first, second, third)
	}
}
