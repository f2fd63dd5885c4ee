package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// wide is a configuration with one block of each kind, made anew.
func wide() *config.Config {
	zone := zone("Europe/Berlin")
	return &config.Config{
		Daemon:  config.Daemon{LogLevel: "info", Zone: zone},
		Cluster: &config.Cluster{Servers: []string{"tls://a.example"}, Key: opaque.NewSecret("SU1"), Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Location: "frankfurt"}}},
		Page: config.Page{
			Zone: zone, Users: []config.PageUser{{Name: "anna", Hash: opaque.NewSecret("$2y$")}}, Access: []config.Access{{Name: "acme"}},
		},
		Reports:       []config.Report{{Name: "customers", Zone: zone}},
		Announcements: []config.Announcement{{Name: "move", From: time.Unix(1, 0).In(zone)}},
		Corrections:   []config.Correction{{Name: "fibre", Start: time.Unix(1, 0).In(zone)}},
		Servers:       map[config.ServerID]*config.Server{"mx1": {ID: "mx1", Label: "Mail 1"}},
		Groups:        map[config.GroupID]*config.Group{"europe/germany": {ID: "europe/germany", Label: "Germany"}},
		Notifiers:     map[config.NotifierID]*config.Notifier{"webhook.hook": {Settings: webhook.Settings{URL: opaque.NewSecret("https://a.example/")}}},
		Roles:         map[config.RoleID]*config.Role{"it": {ID: "it", Zone: zone, Notify: []config.Notify{{Severity: "down"}}}},
		Schedules:     map[config.ScheduleID]*config.Schedule{"1st": {ID: "1st", Zone: zone, Windows: []config.Window{{From: 60}}}},
		Maintenance: []config.Maintenance{
			{Name: "a", Zone: zone, Start: time.Unix(0, 0)}, {Name: "b", Zone: zone},
		},
	}
}

// zone returns a time zone, read anew: another pointer each time.
func zone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func TestCompareElsewhere(t *testing.T) {
	for want, change := range map[string]func(*config.Config){
		"daemon":               func(c *config.Config) { c.Daemon.LogLevel = "debug" },
		"server.mx1":           func(c *config.Config) { c.Servers["mx1"].Label = "Mail one" },
		"server.mx2":           func(c *config.Config) { c.Servers["mx2"] = &config.Server{} },
		"group.europe.germany": func(c *config.Config) { c.Groups["europe/germany"].Label = "D" },
		"notifier.webhook.hook": func(c *config.Config) {
			c.Notifiers["webhook.hook"].Settings = webhook.Settings{URL: opaque.NewSecret("https://b.example/")}
		},
		"notification_role.it": func(c *config.Config) { c.Roles["it"].Notify[0].Severity = "degraded" },
		`schedule["1st"]`:      func(c *config.Config) { c.Schedules["1st"].Zone = time.UTC },
		"maintenance":          func(c *config.Config) { c.Maintenance[0].Start = time.Unix(1, 0) },
		"history":              func(c *config.Config) { c.History.Detail = time.Hour },
		"page":                 func(c *config.Config) { c.Page.Title = "Mail" },
		"report.customers":     func(c *config.Config) { c.Reports[0].Public = true },
		"announcement.move":    func(c *config.Config) { c.Announcements[0].Until = time.Unix(9, 0) },
		"correction.fibre":     func(c *config.Config) { c.Corrections[0].CountAs = config.CountUp },
		"node.fra1":            func(c *config.Config) { c.Cluster.Nodes["fra1"].Decide = true },
		"node.fra2":            func(c *config.Config) { c.Cluster.Nodes["fra2"] = &config.Node{ID: "fra2"} },
		"cluster":              func(c *config.Config) { c.Cluster.AloneAfter = time.Hour },
		"correction.more":      func(c *config.Config) { c.Corrections = append(c.Corrections, config.Correction{Name: "more"}) },
	} {
		is := wide()
		change(is)
		if got := config.Compare(wide(), is); !slices.Equal(got.Elsewhere, []string{want}) || got.IsEmpty() {
			t.Errorf("%s: %q", want, got.Elsewhere)
		}
	}
	for want, change := range map[string]func(*config.Config){
		"daemon":               func(c *config.Config) { c.Daemon.Zone = time.UTC },
		"notification_role.it": func(c *config.Config) { c.Roles["it"].Zone = nil },
		"cluster":              func(c *config.Config) { c.Cluster.Key = opaque.NewSecret("SU2") },
		"page":                 func(c *config.Config) { c.Page.Zone = zone("Asia/Tokyo") },
		"report.customers":     func(c *config.Config) { c.Reports[0].Zone = zone("Asia/Tokyo") },
	} {
		is := wide()
		change(is)
		if got := config.Compare(wide(), is); !slices.Equal(got.Elsewhere, []string{want}) {
			t.Errorf("another zone or secret of %s: %q", want, got.Elsewhere)
		}
	}
	alone := wide()
	alone.Cluster = nil
	if got := config.Compare(wide(), alone).Elsewhere; !slices.Equal(got, []string{"cluster", "node.fra1"}) {
		t.Errorf("without a cluster: %q", got)
	}
	gone := wide()
	delete(gone.Notifiers, "webhook.hook")
	if got := config.Compare(wide(), gone).Elsewhere; !slices.Equal(got, []string{"notifier.webhook.hook"}) {
		t.Errorf("gone: %q", got)
	}
}

func TestZoneFor(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	c := wide()
	c.Roles["it"].Zone = tokyo
	for role, want := range map[config.RoleID]string{"it": "Asia/Tokyo", "gone": "Europe/Berlin"} {
		if got := c.ZoneFor(role); got.String() != want {
			t.Errorf("%s reads %v, want %s", role, got, want)
		}
	}
	c.Daemon.Zone = nil
	if got := c.ZoneFor("gone"); got != time.Local {
		t.Errorf("without any timezone: %v", got)
	}
}

// Where something is written, and in which order, is no difference.
func TestCompareElsewhereIgnoresPlaces(t *testing.T) {
	is := wide()
	place := config.Pos{File: "other.hcl", Line: 7, Column: 1}
	is.Daemon.Pos, is.Servers["mx1"].Pos, is.Groups["europe/germany"].Pos = place, place, place
	is.Notifiers["webhook.hook"].Pos, is.Roles["it"].Pos, is.Roles["it"].Notify[0].Pos = place, place, place
	is.Schedules["1st"].Pos, is.Maintenance[0].Pos = place, place
	is.Page.Access[0].Pos, is.Reports[0].Pos, is.Announcements[0].Pos, is.Corrections[0].Pos = place, place, place, place
	is.Cluster.Pos, is.Cluster.Nodes["fra1"].Pos = place, place
	slices.Reverse(is.Maintenance)
	if got := config.Compare(wide(), is); !got.IsEmpty() {
		t.Errorf("%+v", got)
	}
}
