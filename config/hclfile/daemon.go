package hclfile

import (
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

func defaultDaemon() config.Daemon {
	return config.Daemon{
		StateDir:            "/var/lib/imapvigil",
		Control:             "/run/imapvigil/control.sock",
		Listen:              "127.0.0.1:9143",
		LogLevel:            "info",
		MaxConcurrentProbes: 512,
		Reload:              config.ReloadAuto,
	}
}

var daemonTable = table[config.Daemon]{
	{
		attribute{name: "state_dir", kind: path, fallback: `"/var/lib/imapvigil"`, doc: "Where incidents and history are kept. --state-dir and $STATE_DIRECTORY win, in that order. A change needs a restart"},
		func(d *config.Daemon, v value) { d.StateDir = v.text },
	},
	{
		attribute{name: "control", kind: socketPath, fallback: `"/run/imapvigil/control.sock"`, doc: "The unix socket of the command line. A change needs a restart"},
		func(d *config.Daemon, v value) { d.Control = v.text },
	},
	{
		attribute{name: "listen", kind: hostPortOrNone, fallback: `"127.0.0.1:9143"`, notYet: true, doc: `Where the status page, the API and /metrics are; "" switches them off`},
		func(d *config.Daemon, v value) { d.Listen = v.text },
	},
	{
		attribute{name: "public_url", kind: webURL, doc: "How people reach the status page, for links in messages"},
		func(d *config.Daemon, v value) { d.PublicURL = v.text },
	},
	{
		attribute{name: "log_level", kind: oneOf("debug", "info", "warn", "error"), fallback: `"info"`, doc: "The least that is logged"},
		func(d *config.Daemon, v value) { d.LogLevel = v.text },
	},
	{
		attribute{name: "timezone", kind: timeZone, fallback: "the machine's", doc: "The zone of the times that people read, in messages and on pages, like \"Europe/Berlin\". A notification_role may have its own. The command line shows the zone of whoever types, and JSON is in UTC"},
		func(d *config.Daemon, v value) { d.Zone = zone(v.text) },
	},
	{
		attribute{name: "max_concurrent_probes", kind: integer(1, 100_000), fallback: "512", doc: "How many conversations there are at once at most; fewer where this process may open few files. A change needs a restart"},
		func(d *config.Daemon, v value) { d.MaxConcurrentProbes = int(v.number) },
	},
	{
		attribute{name: "reload", kind: oneOf("auto", "explicit"), fallback: `"auto"`, doc: `"auto": changed files are applied at once; "explicit": only on systemctl reload, SIGHUP and imapvigil reload, for trees that are written in many steps`},
		func(d *config.Daemon, v value) { d.Reload = config.ReloadMode(v.text) },
	},
	{
		attribute{name: "notification_roles", kind: referencesTo("notification_role"), fallback: "every role, with a warning", doc: "Who hears of the monitor's own trouble, and of what could not be delivered otherwise"},
		func(d *config.Daemon, v value) { d.Roles = roleIDs(v.refs) },
	},
	{
		attribute{name: "self_check", kind: texts(hostPort), doc: "host:port of things that answer whenever this machine's network does"},
		func(d *config.Daemon, v value) { d.SelfCheck = v.list },
	},
	{
		attribute{name: "heartbeat_url", kind: secretURLOrNone, fallback: "none, with a warning", secret: true, doc: "Asked every minute while probes, journal and sending make progress: who watches the watcher"},
		func(d *config.Daemon, v value) { d.HeartbeatURL = v.secret },
	},
}

func (l *loader) defineDaemon() {
	d := defaultDaemon()
	if b := l.single["daemon"]; b != nil {
		d.Pos = diagnose.Position(header(b))
		set, _ := decodeEach(l, daemonTable, l.content(b, daemonBlock, "daemon"), &d)
		l.noHeartbeat = slices.Contains(set, "heartbeat_url") && d.HeartbeatURL.IsZero()
	}
	// An empty list is not nil: somebody chose that nobody hears of it.
	l.monitorRoles = d.Roles != nil
	if !l.monitorRoles {
		d.Roles = slices.Sorted(maps.Keys(l.config.Roles))
	}
	l.config.Daemon = d
}
