package hclfile

import (
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/opaque"
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
	newRow("state_dir", path, `"/var/lib/imapvigil"`, "The directory of the journal. --state-dir and $STATE_DIRECTORY take precedence, in this order. A change needs a restart",
		func(d *config.Daemon, v value) { d.StateDir = v.text }),
	newRow("control", socketPath, `"/run/imapvigil/control.sock"`, "The unix socket of the command line. A change needs a restart",
		func(d *config.Daemon, v value) { d.Control = v.text }),
	newRow("listen", hostPortOrNone, `"127.0.0.1:9143"`, `Where the status page, the API and /metrics are; "" switches them off`,
		func(d *config.Daemon, v value) { d.Listen, d.ListenPos = v.text, diagnose.Position(v.at) }),
	newRow("public_url", webURL, "", "How people reach the status page, and where links in messages begin, like \"https://status.example.org\". Requests for other hosts are refused, except addresses of this machine and localhost",
		func(d *config.Daemon, v value) { d.PublicURL = v.text }),
	newRow("log_level", oneOf("debug", "info", "warn", "error"), `"info"`, "The lowest level that is logged",
		func(d *config.Daemon, v value) { d.LogLevel = v.text }),
	newRow("timezone", timeZone, "the machine's", "The time zone in messages, like \"Europe/Berlin\". A notification_role may have its own. The command line uses the zone of the caller, and JSON is in UTC",
		func(d *config.Daemon, v value) { d.Zone = zone(v.text) }),
	newRow("max_concurrent_probes", integer(1, 100_000), "512", "How many conversations run at the same time at most; fewer where the process may open only few files. A change needs a restart",
		func(d *config.Daemon, v value) { d.MaxConcurrentProbes = int(v.number) }),
	newRow("reload", oneOf("auto", "explicit"), `"auto"`, `"auto": files are applied as they are saved; "explicit": only on systemctl reload, SIGHUP and imapvigil reload, for trees that are written in many steps`,
		func(d *config.Daemon, v value) { d.Reload = config.ReloadMode(v.text) }),
	newRow("notification_roles", referencesTo("notification_role"), "every role, with a warning if there are several", "Who is notified of problems of imapvigil itself, and of incidents that could not be delivered otherwise",
		func(d *config.Daemon, v value) { d.Roles = idsOf[config.RoleID](v.refs) }),
	newRow("self_check", texts(hostPort), "", "Hosts, as host:port, that answer whenever the network of this machine works; they are asked before a server is blamed",
		func(d *config.Daemon, v value) { d.SelfCheck = v.list }),
	newRow("heartbeat_url", secretURLOrNone, "none, with a warning", "An external dead man's switch (healthchecks.io, Uptime Kuma push), which gets a ping every minute while probes, journal and sending make progress. In a cluster the node that decides asks it, and a node that is alone",
		func(d *config.Daemon, v value) { d.HeartbeatURL = v.secret }, mayHoldSecret),
}

func (l *loader) defineDaemon() {
	d := defaultDaemon()
	if b := l.single["daemon"]; b != nil {
		d.Pos = diagnose.Position(header(b))
		content := l.content(b, daemonBlock, "daemon")
		var set []string
		if l.lacksCredential(func() { set, _ = decodeEach(l, daemonTable, content, &d) }) {
			d.HeartbeatURL = opaque.Secret{} // only who sends says by it that sending goes on
		}
		if listen := content.Attributes["listen"]; listen != nil {
			l.listenAt = listen.Expr.Range()
		}
		if url := content.Attributes["heartbeat_url"]; url != nil {
			l.written.HeartbeatOfMachine = calls(url.Expr, "env")
		}
		l.written.NoHeartbeat = slices.Contains(set, "heartbeat_url") && d.HeartbeatURL.IsZero()
	}
	// An empty list is not nil: somebody chose that nobody hears of it.
	l.written.MonitorRoles = d.Roles != nil
	if !l.written.MonitorRoles {
		d.Roles = slices.Sorted(maps.Keys(l.config.Roles))
	}
	l.config.Daemon = d
}
