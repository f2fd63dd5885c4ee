package pages

import (
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// brokenSelf is a daemon with which much is wrong.
func brokenSelf() api.Self {
	since, lost := begin.AddDate(0, -2, 0), begin.Add(-3*time.Hour)
	return api.Self{
		Config: api.Config{
			State: api.Rejected, LoadedAt: begin.AddDate(0, 0, -3), Digest: "9f2c4e1a77d35b60c0ffee", RejectedAt: begin.Add(-40 * time.Minute),
			Error:      "/etc/imapvigil/servers.hcl:12:3: There is no attribute \"intervall\".\n  Did you mean \"interval\"?",
			LastReload: &api.LastReload{At: begin.AddDate(0, 0, -3), Changes: "2 added, 1 changed (mx1/imaps: port 993 -> 994), 1 removed"},
		},
		Probes:  api.Probes{LagS: 14.2, Waiting: 37, Overdue: 4},
		Log:     api.Log{Lost: 12, LastLostAt: &lost, Waiting: 3, WaitingS: 1.5},
		History: &api.History{Error: "the disk is full", Dropped: 18_204, SizeBytes: 1_734_000_000, Since: &since},
		Notes:   []string{"This machine has no IPv6 route, so IPv6 addresses are not probed."},
	}
}

// goodSelf is one with which all is well.
func goodSelf() api.Self {
	since := begin.AddDate(0, -1, 0)
	return api.Self{
		Config:  api.Config{State: api.Current, LoadedAt: begin.AddDate(0, 0, -3), Digest: "9f2c4e1a77d35b60c0ffee"},
		Probes:  api.Probes{LagS: 0.004},
		History: &api.History{Writable: true, SizeBytes: 17_300_000, Since: &since},
	}
}

// plannedStage is troubledStage with all that can be planned, announced and corrected.
func plannedStage(t *testing.T) *stage {
	t.Helper()
	s := troubledStage(t)
	s.self = brokenSelf()
	cfg := s.snapshot.Config
	cfg.Maintenance = append(cfg.Maintenance, config.Maintenance{
		Name: "reboot", AppliesTo: []config.Ref{{Group: "europe"}}, Zone: time.UTC, Start: begin.Add(50 * time.Hour), Clock: begin.Add(50 * time.Hour), Duration: 3 * time.Hour, RRule: "FREQ=WEEKLY",
	})
	cfg.Announcements = append(cfg.Announcements, config.Announcement{Name: "party", From: begin.Add(30 * time.Hour), Until: begin.Add(40 * time.Hour), Kind: config.AnnounceInfo, Text: "The office is closed."})
	cfg.Corrections = []config.Correction{
		{Name: "fibre", AppliesTo: []config.Ref{{Group: "europe"}}, Start: begin.AddDate(0, 0, -23), End: begin.AddDate(0, 0, -23).Add(90 * time.Minute), CountAs: config.CountUnknown, Reason: "Our own line was cut."},
		{Name: "power", AppliesTo: []config.Ref{{Check: "acme/imaps"}, {Server: "globex"}}, Start: begin.AddDate(0, 0, -3), End: begin.AddDate(0, 0, -2), CountAs: config.CountDown, Reason: "Nobody could log in, although the server answered."},
	}
	cfg.Reports = []config.Report{{Name: "customers", Every: config.EveryMonth, Group: "customers", Roles: []config.RoleID{"it_team"}, Public: true}}
	return s
}

var viewPaths = map[string]string{
	"certificates": "/certificates", "deliveries": "/deliveries", "coming": "/coming", "reports": "/reports?period=1999-12", "monitor": "/monitor", "wall": "/wall", "wall-group": "/wall?group=europe",
}

// What people read on the views beside the overview, in trouble, when all is well, and before
// anything is known.
func TestViewsSay(t *testing.T) {
	well := wellStage(t)
	well.self = goodSelf()
	special := map[string]*stage{"deliveries-trouble": messagesStage(t), "certificates-trouble": certificatesStage(t)}
	for state, v := range map[string]*viewer{
		"trouble": {Options: Options{Daemon: plannedStage(t)}, past: measuredPast()},
		"well":    {Options: Options{Daemon: well}, past: &madePast{since: begin.AddDate(0, 0, -40)}},
		"empty":   {Options: Options{Daemon: emptyStage(t, 0)}, past: &madePast{err: errors.New("the history is not available: the disk is full")}},
	} {
		for name, path := range viewPaths {
			if state == "empty" && name == "wall-group" {
				continue
			}
			v := v
			if d := special[name+"-"+state]; d != nil {
				v = &viewer{Options: Options{Daemon: d}, past: v.past}
			}
			t.Run(name+"-"+state, func(t *testing.T) {
				a := askViewer(t, v, path, nil)
				if a.status != http.StatusOK {
					t.Fatalf("answered %d\n%s", a.status, a.body)
				}
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

// What a customer may not see stands in no view.
func TestViewsAreNarrowed(t *testing.T) {
	v := &viewer{Options: Options{Daemon: plannedStage(t)}, past: measuredPast()}
	customer := &api.Visitor{Name: "carla", Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers"}}
	for name, path := range viewPaths {
		if name == "wall-group" {
			if a := askAs(t, v, customer, path); a.status != http.StatusNotFound {
				t.Errorf("%s is answered %d", path, a.status)
			}
			continue
		}
		a := askAs(t, v, customer, path)
		text := textOfPage(parsePage(t, a.body))
		for _, secret := range []string{"mx1", "mx2", "europe", "Europe", "servers.hcl", "fibre", "reboot", "renewed", "k3q9w2m7tx"} {
			if a.status != http.StatusOK || contains(text, secret) {
				t.Errorf("%s (%d) tells a customer %q: %s", path, a.status, secret, around(text, secret))
			}
		}
	}
	for _, path := range []string{"/feed.atom", "/coming.ics"} {
		a := askAs(t, v, customer, path)
		if a.status != http.StatusOK || contains(string(a.body), "mx1") || contains(string(a.body), "k3q9") || contains(string(a.body), "europe") || !contains(string(a.body), "acme") && path == "/feed.atom" {
			t.Errorf("%s: %d\n%s", path, a.status, a.body)
		}
	}
}
