package advice_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/advice"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/alertmanager"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/exec"
	"github.com/imapvigil/imapvigil/notifiers/gotify"
	"github.com/imapvigil/imapvigil/notifiers/matrix"
	"github.com/imapvigil/imapvigil/notifiers/mattermost"
	"github.com/imapvigil/imapvigil/notifiers/ntfy"
	"github.com/imapvigil/imapvigil/notifiers/pushover"
	"github.com/imapvigil/imapvigil/notifiers/rocketchat"
	"github.com/imapvigil/imapvigil/notifiers/slack"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// sound is a configuration that nothing is to be said about.
func sound() (*config.Config, advice.Written) {
	cfg := &config.Config{
		History: config.History{Detail: 48 * time.Hour, Hourly: 90 * 24 * time.Hour, Daily: 400 * 24 * time.Hour, Incidents: 5 * 365 * 24 * time.Hour, MaxSize: 4 << 30},
		Daemon:  config.Daemon{Listen: "127.0.0.1:9143", Roles: []config.RoleID{"it"}, HeartbeatURL: opaque.NewSecret("https://heartbeat.example.org/1")},
		Checks: map[config.CheckID]*config.Check{
			"mx": {ID: "mx", Enabled: true, Probe: config.Probe{Hostname: "mx.example.org", Interval: time.Minute}, Roles: []config.RoleID{"it"}, Pos: config.Pos{File: "a.hcl", Line: 9, Column: 1}},
		},
		Roles: map[config.RoleID]*config.Role{"it": {ID: "it", Notify: []config.Notify{
			{ID: config.NotifyID{Notifier: "email.mail"}, During: "day"},
			{ID: config.NotifyID{Notifier: "slack.chat"}, During: "night"},
		}}},
		Notifiers: map[config.NotifierID]*config.Notifier{
			"email.mail": {ID: "email.mail", Settings: email.Settings{Host: "relay.example.org", Port: 465, Security: "tls"}},
			"slack.chat": {ID: "slack.chat", Settings: slack.Settings{}},
		},
		Schedules: map[config.ScheduleID]*config.Schedule{
			"day":   {ID: "day", Zone: time.UTC, Windows: []config.Window{{Days: allDays, From: 8 * 60, To: 20 * 60}}},
			"night": {ID: "night", Zone: time.UTC, Windows: []config.Window{{Days: allDays, From: 20 * 60, To: 8 * 60}}},
		},
	}
	return cfg, advice.Written{
		Now: noon, MonitorRoles: true, Hours: map[config.ScheduleID]bool{"day": true, "night": true},
		Roles: func(config.CheckID) (config.Pos, bool) { return config.Pos{File: "a.hcl", Line: 10, Column: 3}, true },
	}
}

var (
	noon  = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	users = []config.PageUser{{Name: "anna"}}
)

// manyChecks fills a configuration with so many checks like the one that is there.
func manyChecks(c *config.Config, n int) {
	for i := range n - 1 {
		check := *c.Checks["mx"]
		check.ID = config.CheckID(fmt.Sprintf("mx%d", i))
		c.Checks[check.ID] = &check
	}
}

// relayThrough has all messages sent by one notifier.
func relayThrough(c *config.Config, id config.NotifierID, settings notifiers.Settings) {
	c.Notifiers = map[config.NotifierID]*config.Notifier{id: {ID: id, Settings: settings}}
	c.Roles["it"].Notify = []config.Notify{{ID: config.NotifyID{Notifier: id}}}
	c.Schedules = nil
}

// cluster returns one of so many nodes, of which some may decide, and so many servers.
func cluster(nodes, deciders, servers int) *config.Cluster {
	c := &config.Cluster{Nodes: map[config.NodeID]*config.Node{}, Servers: make([]string, servers)}
	for i := range nodes {
		id := config.NodeID(fmt.Sprintf("n%d", i))
		c.Nodes[id] = &config.Node{ID: id, Decide: i < deciders}
	}
	return c
}

func inherited(config.CheckID) (config.Pos, bool) { return config.Pos{}, false }

// addRole adds a second role, which the daemon notifies.
func addRole(c *config.Config) {
	c.Roles["boss"] = &config.Role{ID: "boss", Notify: c.Roles["it"].Notify}
	c.Daemon.Roles = append(c.Daemon.Roles, "boss")
	c.Checks["boss"] = &config.Check{ID: "boss", Roles: []config.RoleID{"boss"}}
}

var allDays = [7]bool{true, true, true, true, true, true, true}

func TestAdvice(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range []struct {
		rule, says string
		change     func(*config.Config, *advice.Written)
	}{
		{"", "", func(*config.Config, *advice.Written) {}},
		{"no-checks unused", "There is no imap_check block", func(c *config.Config, _ *advice.Written) { c.Checks, c.Daemon.Roles = nil, nil }},
		{"monitor-roles", "go to all roles: it and", func(c *config.Config, w *advice.Written) {
			w.MonitorRoles = false
			addRole(c)
		}},
		{"", "", func(_ *config.Config, w *advice.Written) { w.MonitorRoles = false }}, // one role is no choice
		{"no-roles", "The check mx has no notification_roles", func(c *config.Config, w *advice.Written) {
			addRole(c)
			w.Roles = func(id config.CheckID) (config.Pos, bool) { return config.Pos{}, id != "mx" }
		}},
		{"", "", func(_ *config.Config, w *advice.Written) { w.Roles = inherited }},
		{"", "", func(c *config.Config, _ *advice.Written) { c.Checks["mx"].Roles = nil }}, // [] is on purpose
		{"nobody", "4 checks (mx, c1, c2, c10) have no notification_roles, and daemon.notification_roles is empty", func(c *config.Config, w *advice.Written) {
			w.Roles = inherited
			c.Checks["mx"].Roles = nil
			for _, id := range []config.CheckID{"c10", "c2", "c1"} {
				c.Checks[id] = &config.Check{ID: id, Pos: config.Pos{File: "a.hcl", Line: 20, Column: 1}}
			}
		}},
		{"unused", "Nothing refers to notifier.slack.other.", func(c *config.Config, _ *advice.Written) {
			c.Notifiers["slack.other"] = &config.Notifier{Settings: slack.Settings{}}
		}},
		{"own-mail", "notifier.email.mail, whose host is checked by mx", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Probe.Hostname = "Relay.example.org"
			c.Roles["it"].Notify = []config.Notify{{ID: config.NotifyID{Notifier: "email.mail"}}, {ID: config.NotifyID{Notifier: "email.mail"}, After: time.Minute}}
			c.Roles["chat"] = &config.Role{Notify: []config.Notify{{ID: config.NotifyID{Notifier: "slack.chat"}, During: "day"}, {ID: config.NotifyID{Notifier: "slack.chat"}, During: "night"}}}
			c.Checks["mx"].Roles = []config.RoleID{"it", "chat"}
		}},
		{"mail-port", "on port 587 mail servers begin without", func(c *config.Config, _ *advice.Written) {
			c.Notifiers["email.mail"].Settings = email.Settings{Host: "relay.example.org", Port: 587, Security: "tls"}
		}},
		{"incomplete", "The program of command does not exist", func(c *config.Config, _ *advice.Written) {
			c.Notifiers["email.mail"].Settings = exec.Settings{Command: `["/nonexistent/page"]`}
		}},
		{"unencrypted", "notifier.email.mail sends messages without encryption", func(c *config.Config, _ *advice.Written) {
			c.Notifiers["email.mail"].Settings = email.Settings{Host: "10.0.0.5", Port: 25, Security: "none"}
		}},
		{"uncovered", "sun 20:00 to sun 21:00, mon 20:00 to mon 21:00, tue 20:00 to tue 21:00 and 4 more (UTC)", func(c *config.Config, _ *advice.Written) {
			c.Schedules["night"].Windows[0].From = 21 * 60
		}},
		{"uncovered", "none of them covers some hours.", func(c *config.Config, w *advice.Written) {
			c.Schedules["night"].Windows[0].From, w.Hours = 21*60, nil
		}},
		{"uncovered", "by which messages are sent when a service goes down has a schedule, and none of them covers", func(c *config.Config, _ *advice.Written) {
			c.Schedules["night"].Windows[0].From = 21 * 60
			ends := config.Notify{ID: config.NotifyID{Notifier: "email.mail"}, On: []notifiers.Transition{notifiers.Closed}}
			certificates := config.Notify{ID: config.NotifyID{Notifier: "slack.chat"}, Conditions: config.ConditionSet(config.ConditionCertificate)}
			c.Roles["it"].Notify = append(c.Roles["it"].Notify, ends, certificates)
		}},
		{"own-mail", "notifier.ntfy.own, whose host is checked by mx", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "ntfy.own", ntfy.Settings{URL: "https://MX.example.org/"})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "matrix.own", matrix.Settings{URL: "https://mx.example.org"})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "mattermost.own", mattermost.Settings{URL: opaque.NewSecret("https://mx.example.org:8065/hooks/x")})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "webhook.own", webhook.Settings{URL: opaque.NewSecret("https://mx.example.org/hook")})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "gotify.own", gotify.Settings{URL: "https://mx.example.org"})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "rocketchat.own", rocketchat.Settings{URL: "https://mx.example.org"})
		}},
		{"own-mail", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "alertmanager.own", alertmanager.Settings{URLs: opaque.NewSecret(notifiers.JoinList([]string{"https://mx.example.org:9093", "https://mx.example.org:9094"}))})
		}},
		{"", "", func(c *config.Config, _ *advice.Written) {
			relayThrough(c, "alertmanager.own", alertmanager.Settings{URLs: opaque.NewSecret(notifiers.JoinList([]string{"https://mx.example.org:9093", "https://am2.example.org:9093"}))})
		}},
		{"", "", func(c *config.Config, _ *advice.Written) { relayThrough(c, "ntfy.own", ntfy.Settings{}) }},
		{"reminders", "max_per_hour is 10, and with remind = \"5m\" one open incident sends 12 messages an hour by notifier.slack.chat. New alarms would wait.", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind, c.Notifiers["slack.chat"].MaxPerHour = 5*time.Minute, 10
		}},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind, c.Notifiers["slack.chat"].MaxPerHour = 5*time.Minute, 12
		}},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind, c.Notifiers["slack.chat"].MaxPerHour = 5*time.Minute, 10
			c.Roles["it"].Notify[1].On = []notifiers.Transition{notifiers.Opened, notifiers.Closed}
		}},
		{"reminders", "ntfy.sh takes 250 messages in 1d, and with remind = \"5m\" one open incident sends 288 messages in that time by notifier.ntfy.own. New alarms would be refused.", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind = 5 * time.Minute
			relayThrough(c, "ntfy.own", ntfy.Settings{})
		}},
		{"reminders", "Pushover takes 10000 messages in 30d, and with remind = \"4m\" one open incident sends 10800 messages in that time", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind = 4 * time.Minute
			relayThrough(c, "pushover.phones", pushover.Settings{})
		}},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.Remind = 5 * time.Minute
			relayThrough(c, "ntfy.own", ntfy.Settings{Token: opaque.NewSecret("tk_x")})
		}},
		{"", "", func(c *config.Config, _ *advice.Written) { c.Cluster = cluster(3, 2, 3) }},
		{"one-node", `node "n0" is the only one`, func(c *config.Config, _ *advice.Written) { c.Cluster = cluster(1, 1, 3) }},
		{"one-decider", "Only this node may decide", func(c *config.Config, _ *advice.Written) { c.Cluster = cluster(3, 1, 3) }},
		{"few-servers", "There is 1 server, and the end of that machine leaves every node alone:", func(c *config.Config, _ *advice.Written) { c.Cluster = cluster(2, 2, 1) }},
		{"few-servers", "the end of that machine leaves every node alone:", func(c *config.Config, _ *advice.Written) { c.Cluster = cluster(2, 2, 2) }},
		{"", "", func(_ *config.Config, w *advice.Written) { w.HeartbeatOfMachine = true }}, // there is one machine only
		{"heartbeat", "may be another URL on each machine", func(c *config.Config, w *advice.Written) {
			c.Cluster = cluster(3, 2, 3)
			w.HeartbeatOfMachine = true
		}},
		{"no-heartbeat", "If all nodes that may decide fail, no alerts are sent", func(c *config.Config, _ *advice.Written) {
			c.Cluster = cluster(3, 2, 3)
			c.Daemon.HeartbeatURL = opaque.Secret{}
		}},
		{"no-heartbeat", "If this machine dies, no alerts are sent at all", func(c *config.Config, _ *advice.Written) { c.Daemon.HeartbeatURL = opaque.Secret{} }},
		{"", "", func(c *config.Config, w *advice.Written) {
			c.Daemon.HeartbeatURL, w.NoHeartbeat = opaque.Secret{}, true
		}},
		{"no-operators", "no user is an operator", func(c *config.Config, _ *advice.Written) { c.Page.Users = users }},
		{"", "", func(c *config.Config, w *advice.Written) { c.Page.Users, w.NoOperators = users, true }},
		{"", "", func(c *config.Config, _ *advice.Written) { c.Page.Users, c.Page.Operators = users, []string{"anna"} }},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Page.Users, c.Page.Tokens = users, []config.PageToken{{Right: config.TokenOperate}}
		}},
		{"page-open", "all of them see everything", func(c *config.Config, _ *advice.Written) { c.Daemon.PublicURL = "https://status.example.org" }},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Daemon.PublicURL, c.Page.Users, c.Page.Operators = "https://status.example.org", users, []string{"anna"}
		}},
		{"", "", func(c *config.Config, _ *advice.Written) {
			c.Daemon.PublicURL, c.Daemon.Listen = "https://status.example.org", ""
		}},
		{"", "", func(c *config.Config, _ *advice.Written) { manyChecks(c, 10_000) }},
		{"history-size", "needs about 17 GB, and max_size is 4GiB: the oldest probes are deleted before detail is over. Set max_size to more, or keep less: with detail = \"24h\" and hourly = \"30d\" about 8 GB", func(c *config.Config, _ *advice.Written) { manyChecks(c, 100_000) }},
		{"", "", func(c *config.Config, _ *advice.Written) {
			manyChecks(c, 100_000)
			c.History.MaxSize = 20 << 30
		}},
		{"history-size", "Set max_size to more.", func(c *config.Config, _ *advice.Written) {
			c.History.Detail, c.History.Hourly, c.History.MaxSize = time.Hour, time.Hour, 1
		}},
		{"short-history", "the figures of an slo look back 30 days", func(c *config.Config, _ *advice.Written) {
			c.Checks["mx"].Policy.SLO, c.History.Incidents = 99.9, 7*24*time.Hour
		}},
		{"short-history", "report.shop looks back 62 days", func(c *config.Config, _ *advice.Written) {
			c.Reports, c.History.Incidents = []config.Report{{Name: "shop", Every: config.EveryMonth}}, 40*24*time.Hour
		}},
		{"past-announcement", "is over", func(c *config.Config, _ *advice.Written) {
			c.Announcements = []config.Announcement{{Until: noon.Add(-1)}, {Until: noon.Add(1)}}
		}},
		{"idle-correction", "There is no check in group.europe, so", func(c *config.Config, _ *advice.Written) {
			c.Corrections = []config.Correction{{End: noon, AppliesTo: []config.Ref{{Group: "europe"}, {Check: "mx"}}}}
		}},
		{"idle-correction", "nothing of that time is left", func(c *config.Config, _ *advice.Written) {
			c.Corrections = []config.Correction{{End: noon.AddDate(-6, 0, 0), AppliesTo: []config.Ref{{Check: "mx"}}}}
		}},
	} {
		cfg, written := sound()
		test.change(cfg, &written)
		var rules, texts []string
		for _, d := range advice.Of(cfg, written) {
			rules, texts = append(rules, d.Rule), append(texts, d.Detail)
			seen[d.Rule] = true
		}
		slices.Sort(rules)
		if got := strings.Join(rules, " "); got != test.rule || !strings.Contains(strings.Join(texts, " "), test.says) {
			t.Errorf("got %s %q, want %s %q", got, texts, test.rule, test.says)
		}
	}
	for _, r := range advice.Rules {
		if !seen[r.ID] {
			t.Errorf("nothing is warned of under %s", r.ID)
		}
	}
}
