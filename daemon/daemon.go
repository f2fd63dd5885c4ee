// Package daemon wires the rooms to one running monitor: it reads the
// configuration, opens the journal, starts every task in one group and stops
// them in the order in which nothing is lost. It speaks to systemd.
//
// A reload prepares and commits a list of parts (parts.go): what a new configuration
// means for something long-lived stands there, and is appended there. The environment
// of the process is given to it, and not read (Environment).
//
// It owns no decision: what is valid is said by config/hclfile, what is true by
// daemon/incident, what is told by daemon/outbox.
package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/daemon/verdict"
	"github.com/imapvigil/imapvigil/daemon/web"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Options are what the command line and the environment say.
type Options struct {
	Environment
	ConfigPath string
	StateDir   string // wins over the configuration's
	Control    string // likewise
	// Node is the name of this machine among those of a cluster; empty: its host name without the
	// domain.
	Node string
	// Listen wins over the configuration's; empty: no status page, nil: it is the configuration's.
	Listen  *string
	Version string
	Log     *zap.Logger // must never wait for whoever reads it
	// LogState says what became of the log; nil: nobody counts.
	LogState func() api.Log
	// Level is set to what the configuration says; nil: the command line has
	// fixed it.
	Level *zap.AtomicLevel
	// AllowShrink lets the start remove most checks, or all.
	AllowShrink bool
	// Hangup delivers requests to reload (SIGHUP).
	Hangup <-chan os.Signal
	// Rates replace outbox.DefaultRates where they are set.
	Rates outbox.Rates
	// Loaded is called once the configuration of the start is read; nil: nothing.
	Loaded func()
	// Ready is called once all checks run; nil: nothing.
	Ready func()
	// Connect connects a node to a bus within this process; nil: to the one of the files.
	Connect func(node string) (bus.Bus, error)
	// Dial opens the connections of probes; nil: TCP as the system has it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// An Environment is what the environment of the process says. It is read once, by
// whoever calls [Run]; nothing below looks for itself.
type Environment struct {
	CredentialsDirectory string // CREDENTIALS_DIRECTORY, systemd.exec(5)
	StateDirectory       string // STATE_DIRECTORY, systemd.exec(5): a list with colons
	NotifySocket         string // NOTIFY_SOCKET, sd_notify(3); empty: nobody is told
	KeepMemoryLimit      bool   // GOMEMLIMIT is set (package runtime), and stays in force
	// LookupEnv is for env in the files; nil: no variable is set.
	LookupEnv func(name string) (text string, isSet bool)
}

// sourceOptions returns how configurations are read.
func (o Options) sourceOptions() source.Options {
	return source.Options{
		CredentialsDirectory: o.CredentialsDirectory, LookupEnv: o.LookupEnv, Denied: adviseSelf, Node: config.NodeID(o.Node),
	}
}

// adviseSelf says how the user of this process gets to read a path.
func adviseSelf(path string) string { return access.Self().Advice(path) }

// withoutSecrets returns how configurations are read that are only compared: no secret
// is read.
func (e Environment) withoutSecrets() source.Options {
	return source.Options{NoCredentials: true, LookupEnv: e.LookupEnv}
}

// drainTime is how long messages under way may take to end after SIGTERM.
const drainTime = 3 * time.Second

// A ConfigError is a start that was refused because of the configuration.
type ConfigError struct {
	Diagnostics []config.Diagnostic
}

func (e *ConfigError) Error() string {
	return "the configuration is in error: " + firstError(e.Diagnostics)
}

func firstError(diags []config.Diagnostic) string {
	for _, d := range diags {
		if d.Gravity == config.Error {
			return d.Error()
		}
	}
	return "it is not said why"
}

// A monitor is the running whole.
type monitor struct {
	Options
	node      string // the name of this machine
	journal   *journal.Journal
	deciding  deciding
	member    *membership // nil: this machine watches on its own
	passer    *passer     // likewise
	started   bool        // the first configuration and the rooms are open
	history   *history.Store
	mirrored  mirrored // by it
	counts    *metrics.Counts
	sender    *outbox.Sender
	prober    *probe.Prober
	loop      *probe.Loop
	probes    probeSet
	trials    chan struct{} // holds one for each probe under way that does not count
	channels  openedChannels
	heartbeat heartbeat
	watcher   *watch.Watcher
	reloads   *reloader
	vitals    *vitals
	self      *selfcheck.Self
	watch     *clock.Watch
	memory    memoryLimit
	report    func(context.Context, *config.Probe, verdict.Probe) incident.Pace // to the tracker
	listener  *control.Socket
	page      *web.Server
	routes    []api.Route // that it serves, each of them answered here
	links     keptLinks
	proofs    *proofs
}

// Run runs the monitor until ctx ends, which may be in the middle of the start. It
// returns a *ConfigError, or another error, when the start is refused; nothing has
// been touched then.
func Run(ctx context.Context, o Options) error {
	m := &monitor{Options: o, memory: memoryLimit{log: o.Log, keep: o.KeepMemoryLimit}}
	m.memory.setLimit() // before the configuration is read, which takes most of it
	first, err := m.openAll(ctx)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			o.Log.Info("stopped before the start was complete")
			return nil // as after the start: whoever ends the daemon finds no error
		}
		o.tellRefused(err)
		return err
	}
	m.restoreCounts()
	err = m.runTasks(ctx, first)
	m.keepCounts()
	return errors.Join(err, m.journal.Close())
}

// openAll opens all that can fail: it reads the configuration, opens the journal
// and the control socket.
func (m *monitor) openAll(ctx context.Context) (*candidate, error) {
	if err := m.nameMachine(); err != nil {
		return nil, err
	}
	// Nothing is sent before openRooms has set m.deciding.own.
	m.sender = outbox.NewSender(m.deciding.attempted)
	m.sender.Compose = m.composeReport
	m.sender.Resent = (&repeatLog{log: m.Log, failing: map[config.NotifierID]bool{}}).note
	m.sender.WordsFailed = func(msg notifiers.Message, err error) {
		m.Log.Warn("a template of a notifier failed, so the message has imapvigil's own words", zap.String("key", msg.Key), zap.String("role", msg.Role), zap.Error(err))
	}
	m.channels.sender, m.channels.listeners = m.sender, newListeners(m.Log, m.takePress)
	m.channels.none = m.probesOnly
	m.channels.mark = func(receiver string) string { return m.links.load().Mark(receiver) } // the key is read later
	m.vitals = &vitals{m: m}
	m.heartbeat.log, m.heartbeat.lives, m.heartbeat.quiet = m.Log, m.vitals.checkProgress, m.follows
	m.watcher = watch.New(watch.Options{Path: m.ConfigPath, Log: m.logOutside})
	m.counts = metrics.NewCounts()
	m.page = m.newPage()
	m.reloads = newReloader(m.Options, m.watcher, m.parts(), m.probes.changes)
	first, err := m.reloads.prepareStart(ctx)
	if err != nil {
		return nil, err
	}
	if m.Loaded != nil {
		m.Loaded()
	}
	m.StateDir = m.stateDirectory(first.cfg.Daemon)
	if m.Control == "" {
		m.Control = first.cfg.Daemon.Control
	}
	if m.journal, err = journal.Open(filepath.Join(m.StateDir, "journal"), journal.Options{Outer: m.StateDir}); err != nil {
		first.discard()
		return nil, err
	}
	logOpened(m.Log, m.journal.Status())
	m.reloads.logWarnings(first.warnings) // not before: a start that is refused says only why
	if err := m.openRooms(ctx, first.cfg); err != nil {
		first.discard()
		return nil, errors.Join(err, m.journal.Close())
	}
	return first, nil
}

// DefaultStateDir is where state is kept unless somebody says otherwise.
const DefaultStateDir = "/var/lib/imapvigil"

// stateDirectory returns where the state is kept: the command line wins over systemd, which
// wins over the configuration.
func (o Options) stateDirectory(d config.Daemon) string {
	// Of several directories the first is ours (StateDirectory=, systemd.exec(5)).
	fromSystemd, _, _ := strings.Cut(o.StateDirectory, ":")
	return cmp.Or(o.StateDir, fromSystemd, d.StateDir)
}

// parts lists what a reload concerns, in the order in which a configuration comes into
// force: who sends, who judges and who decides know it before anything is probed by it.
func (m *monitor) parts() parts {
	return parts{
		&m.channels,
		taker(m.useSelfCheck),
		taker(m.heartbeat.useURL),
		taker(m.setLogLevel),
		decisions{m},
		taker(func(cfg *config.Config) { m.history.Use(cfg) }),
		taker(m.configureCounts),
		&m.probes,
		m.page,
	}
}

func (m *monitor) setLogLevel(cfg *config.Config) {
	if text := cfg.Daemon.LogLevel; m.Level != nil && text != "" {
		_ = m.Level.UnmarshalText([]byte(text)) // the loader let nothing else through
	}
}

// nameMachine finds out what this machine is called, for people and among other nodes.
func (m *monitor) nameMachine() error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("asking for the name of this machine: %w", err)
	}
	m.node = cmp.Or(m.Options.Node, host)
	m.Options.Node = cmp.Or(m.Options.Node, shortName(host))
	return nil
}

// openRooms makes what a running monitor needs beside its configuration and journal,
// the connection to other nodes last.
func (m *monitor) openRooms(ctx context.Context, cfg *config.Config) (err error) {
	if cfg.Cluster != nil {
		m.node = m.Options.Node
	}
	m.watch = clock.New(clock.Options{})
	m.prober = probe.New(probe.Options{
		Node: m.node, Version: m.Version, Dial: m.Dial, NoRoute: m.logMissingRoute, Watch: m.watch, Descriptors: probeDescriptors(),
		// m.loop is made below, before anything is probed.
		LoginTurn: func(id config.CheckID) { m.loop.Wake(id) },
	})
	m.loop = &probe.Loop{
		Probe: m.prober.Probe,
		Report: func(ctx context.Context, check *config.Probe, p verdict.Probe) incident.Pace {
			pace := m.report(ctx, check, p)
			m.prober.ExpectLogin(p.Check, pace.Login)
			return pace
		},
		Lag:   m.vitals.noteProbeBegan,
		Limit: m.limitProbesAtOnce(cfg.Daemon.MaxConcurrentProbes),
	}
	m.trials = make(chan struct{}, trialsAtOnce)
	m.probes.running, m.probes.members, m.probes.limit = reconcile.NewFunc(sameProbe, m.loop.Runner()), onlyMember, m.loop.Limit
	m.links.store(m.openLinks())
	m.history, m.proofs = m.openHistory(), m.openProofs()
	if m.deciding.own, err = tracker.Open(m.ownOptions(cfg)); err != nil {
		return err
	}
	m.self = selfcheck.New(m.selfOptions(cfg))
	m.report = m.self.Guard(m.observe)
	if m.listener, err = control.Listen(ctx, m.Control); err != nil {
		return err
	}
	m.listener.Log, m.listener.Most = m.logOutside, clientPlaces()
	if cfg.Cluster != nil {
		if err := m.join(ctx, cfg); err != nil {
			return errors.Join(err, m.listener.Close())
		}
	}
	m.started = true
	return nil
}

// trackerOptions returns what a tracker works with, whoever's journal it has.
func (m *monitor) trackerOptions(j tracker.Journal) tracker.Options {
	return tracker.Options{
		Journal: j, Sender: m.sender, Rates: m.Rates, Node: m.node, Log: m.Log,
		Wake: m.loop.Wake, Clock: m.watch.Read, Feed: feeds{m.history, m.counts}, Outcomes: m.countOutcome,
		LinkToken: m.linkToken, ButtonCode: m.links.code, Resend: m.sender.Resend, MayResend: m.sender.MayResend,
	}
}

// ownOptions returns what the tracker of this machine works with.
func (m *monitor) ownOptions(cfg *config.Config) tracker.Options {
	o := m.trackerOptions(m.journal)
	if cfg.Cluster != nil {
		// Another node may decide about the same failure.
		o.Feed, o.Mark, o.Salt, o.Successor = ownFeed{sharedFeed{m}}, m.mark, m.node, m.successor
	}
	return o
}

// selfOptions returns what the question whether this machine is at fault works with.
func (m *monitor) selfOptions(cfg *config.Config) selfcheck.Options {
	o := selfcheck.Options{Newest: m.deciding.own.Newest(), Clock: m.watch.Read}
	if cfg.Cluster != nil {
		o.Own = isOwnAddress // a server of the bus may run here
	}
	return o
}

// useSelfCheck takes who is asked whether this machine is at fault.
func (m *monitor) useSelfCheck(cfg *config.Config) {
	var beside []string
	if m.member != nil {
		beside = busTargets(m.member.begun)
	}
	m.self.Use(cfg.Daemon.SelfCheck, beside...)
}

// logOutside logs that something outside is not as it should be (there are no file-system
// events, the control socket is gone), and, without an error, that it is well again.
func (m *monitor) logOutside(msg string, err error) {
	if err == nil {
		m.Log.Info(msg)
		return
	}
	m.Log.Warn(msg, zap.Error(err))
}

// runTasks starts every task, and ends them so that nothing is lost: first the
// probes, then the messages under way, then the tracker that journals both.
func (m *monitor) runTasks(ctx context.Context, first *candidate) error {
	// What must outlive ctx: the tracker has to journal what ends after it.
	keeping, stopTracker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTracker()
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return m.deciding.own.Run(keeping) })
	tasks.Go(func() error { return m.watch.Run(keeping) })
	leave := m.runMember(ctx, keeping, tasks)
	recording, stopHistory := context.WithCancel(keeping)
	defer stopHistory()
	tasks.Go(func() error { return m.history.Run(recording) })
	tasks.Go(func() error { return m.watcher.Run(ctx) })
	tasks.Go(func() error { return m.vitals.feedWatchdog(ctx) })
	tasks.Go(func() error { return m.heartbeat.askRegularly(ctx) })
	tasks.Go(func() error { return m.self.Run(ctx, m.reportMachine) })
	tasks.Go(func() error { return m.watchTroubles(ctx) })
	tasks.Go(func() error { return m.sendReports(ctx) })
	tasks.Go(func() error { return m.sendTests(ctx) })
	tasks.Go(func() error { return m.watchDurability(ctx) })
	tasks.Go(func() error { return m.counts.Run(ctx) })
	tasks.Go(func() error {
		m.reloads.applyCandidate(first)
		// Whoever asks before this waits: the socket is open, and "no checks"
		// would be no answer.
		tasks.Go(func() error { return control.Serve(ctx, m.listener, m.socketHandler()) })
		tasks.Go(func() error { return m.page.Run(ctx) })
		m.announceReady(first)
		return m.reloads.serveReasons(ctx)
	})
	tasks.Go(func() error {
		<-ctx.Done()
		m.notifySystemd("STOPPING=1")
		m.channels.listeners.Close() // whoever presses a button now is not answered
		// Close waits for the probes, so that no result comes after the tracker has
		// stopped.
		m.probes.running.Close()
		stopHistory() // with the last results; it takes at most as long as the messages under way
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		m.sender.Stop(drain)
		leave() // with what has become of the messages: another node would send them again
		stopTracker()
		return nil
	})
	err := tasks.Wait()
	m.channels.closeAll()
	return err
}

func (m *monitor) announceReady(first *candidate) {
	m.Log.Info("ready", zap.Int("checks", len(first.cfg.Checks)), zap.String("state_dir", m.StateDir),
		zap.String("control", m.Control))
	m.tellReady(first.cfg, first.filesError+first.unusable)
	if m.Ready != nil {
		m.Ready()
	}
}

func summarise(cfg *config.Config) string {
	plural := func(n int, what string) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	return "watching " + plural(len(cfg.Checks), "check") + " on " + plural(len(cfg.Servers), "server")
}
