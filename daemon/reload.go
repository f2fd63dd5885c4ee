package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/daemon/control"
)

// A reloader turns files into the configuration in force. One reload runs at a
// time, in two halves: prepare can fail and touches nothing, apply cannot fail.
type reloader struct {
	m        *monitor
	requests chan request

	// Owned by the goroutine of run, which sets cfg under mu for those who look.
	cfg      *config.Config
	snapshot *hclfile.Snapshot // what cfg was loaded from
	channels channels
	refused  string // digest of what was last rejected
	bridged  bool   // cfg is what was applied last, since the files are in error
	lost     string // what of that cannot be used either

	mu    sync.Mutex
	state control.Config
}

// A request is a reload that somebody waits for.
type request struct {
	allowShrink bool
	verdict     chan<- control.Verdict
}

// A candidate is a configuration that could be applied.
type candidate struct {
	cfg      *config.Config
	snapshot *hclfile.Snapshot
	channels channels
	before   channels
	warnings []config.Diagnostic
	wrong    string // why the files are not what this was made from; empty: they are
	lost     string // what of what was applied last cannot be used either
}

// close gives up a candidate that was not applied.
func (c *candidate) close() { closeUnused(c.channels, c.before) }

func newReloader(m *monitor) *reloader {
	return &reloader{m: m, requests: make(chan request)}
}

// first prepares the configuration that the start needs.
func (r *reloader) first(ctx context.Context) (*candidate, error) {
	c, diags, err := r.prepare(ctx, r.m.AllowShrink)
	if err != nil {
		diags = append(diags, diagnose(err))
	}
	if c == nil {
		if c = r.bridge(diags); c == nil {
			return nil, &ConfigError{diags}
		}
	}
	r.warn(c.warnings)
	return c, nil
}

// bridge gives what still loads of the configuration that was applied last, so
// that files which were broken while the daemon was down do not leave the servers
// unwatched. Nil: there is none, or nothing in it is to be watched.
func (r *reloader) bridge(wrong []config.Diagnostic) *candidate {
	dir := r.m.stateDir(&config.Config{Daemon: r.places()})
	snapshot, cfg, diags, err := restore(dir, hclfile.Options{CredentialsDirectory: os.Getenv("CREDENTIALS_DIRECTORY")})
	if err != nil || len(cfg.Checks) == 0 {
		return nil
	}
	opened, trouble := openChannels(cfg, nil)
	c := &candidate{cfg: cfg, snapshot: snapshot, channels: opened, wrong: (&ConfigError{wrong}).Error()}
	if len(trouble) > 0 {
		c.close()
		return nil
	}
	r.complain("the configuration is in error; the last good one is used", wrong)
	if config.HasErrors(diags) {
		r.complain("this cannot be used either, and is left out", diags)
		c.lost = " Of what was applied last, not everything can be used either: " + firstError(diags)
	}
	return c
}

// places are where files in error say that the state is.
func (r *reloader) places() config.Daemon {
	s, err := hclfile.Read(r.m.ConfigPath, hclfile.Options{NoCredentials: true})
	if err != nil {
		return config.Daemon{StateDir: DefaultStateDir}
	}
	return hclfile.Places(s)
}

// run serves every reason to look again, one after the other.
func (r *reloader) run(ctx context.Context) error {
	for {
		var waiting []request
		hint, shrink := false, false
		select {
		case <-ctx.Done():
			return nil
		case why := <-r.m.watcher.C():
			if r.cfg.Daemon.Reload == config.ReloadExplicit {
				r.differs()
				continue
			}
			hint = true
			r.m.Log.Debug("looking at the configuration", zap.Stringer("because_of", why))
		case <-r.m.Hangup:
		case req := <-r.requests:
			waiting, shrink = append(waiting, req), req.allowShrink
		}
		verdict := r.reload(ctx, shrink, hint)
		for _, req := range waiting {
			req.verdict <- verdict
		}
	}
}

// ask has the files read and waits for the verdict.
func (r *reloader) ask(ctx context.Context, allowShrink bool) (v control.Verdict, err error) {
	answer := make(chan control.Verdict, 1)
	select {
	case r.requests <- request{allowShrink, answer}:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	select {
	case v = <-answer:
		return v, nil
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// reload reads, and applies what is new and right. A hint, as opposed to a
// request, does not report the same error again.
func (r *reloader) reload(ctx context.Context, allowShrink, hint bool) control.Verdict {
	now, err := r.read()
	switch {
	case err != nil: // reported below
	case now.Digest() == r.cfg.Digest && !r.bridged:
		r.refused = ""
		r.set(func(s *control.Config) { s.State, s.Error = control.Current, "" })
		tell("STATUS=" + summary(r.cfg)) // which may have named an error that is mended
		return control.Verdict{Result: control.Unchanged, Digest: r.cfg.Digest, Diagnostics: []control.Diagnostic{}}
	case hint && now.Digest() == r.refused:
		return control.Verdict{Result: control.RejectedWord, Digest: r.cfg.Digest}
	}
	tellReloading()
	c, diags, err := r.prepare(ctx, allowShrink)
	if ctx.Err() != nil {
		if c != nil {
			c.close()
		}
		return control.Verdict{Result: control.RejectedWord, Digest: r.cfg.Digest} // the daemon is ending
	}
	if err != nil {
		diags = append(diags, diagnose(err))
	}
	if c == nil {
		if now != nil {
			r.refused = now.Digest()
		}
		return r.reject(diags)
	}
	r.refused = ""
	r.apply(ctx, c)
	r.warn(c.warnings)
	tell("READY=1\nSTATUS=" + summary(c.cfg))
	return control.Verdict{
		Result: control.Applied, Digest: c.cfg.Digest, Diagnostics: control.NewDiagnostics(c.warnings),
	}
}

// diagnose makes a diagnostic of an error that may be one already.
func diagnose(err error) config.Diagnostic {
	var d config.Diagnostic
	if errors.As(err, &d) {
		return d
	}
	return config.Diagnostic{Gravity: config.Error, Summary: err.Error()}
}

// reject keeps everything as it is, and says so everywhere.
func (r *reloader) reject(diags []config.Diagnostic) control.Verdict {
	text := (&ConfigError{diags}).Error() + r.lost
	r.set(func(s *control.Config) {
		s.Error = text
		if s.State != control.LastGood {
			s.State = control.Rejected
		}
	})
	r.complain("the configuration was rejected, nothing was changed", diags)
	tell("READY=1\nSTATUS=" + summary(r.cfg) + "; " + strings.ReplaceAll(text, "\n", " ")) // one line (sd_notify(3))
	return control.Verdict{
		Result: control.RejectedWord, Digest: r.config().Digest, Diagnostics: control.NewDiagnostics(diags),
	}
}

// complain writes errors to the log, each with its place.
func (r *reloader) complain(what string, diags []config.Diagnostic) {
	for _, d := range diags {
		if d.Gravity == config.Error {
			r.m.Log.Error(what, zap.String("file", d.Pos.File), zap.Int("line", d.Pos.Line),
				zap.Int("column", d.Pos.Column), zap.String("error", d.Error()))
		}
	}
}

// prepare is the fallible half: it reads, parses, compares and opens, and
// touches nothing. Without a candidate the diagnostics say why.
func (r *reloader) prepare(ctx context.Context, allowShrink bool) (*candidate, []config.Diagnostic, error) {
	snapshot, err := r.settled(ctx)
	if err != nil {
		return nil, nil, err
	}
	cfg, diags := hclfile.Load(snapshot)
	if cfg == nil {
		return nil, diags, nil
	}
	// What Load read besides, because the files name it, must stand still too.
	proof, err := snapshot.Again()
	switch {
	case err != nil:
		return nil, nil, err
	case proof.Digest() != snapshot.Digest():
		return nil, nil, errChanging
	}
	if refused := r.refuse(cfg, snapshot, allowShrink); len(refused) > 0 {
		return nil, append(diags, refused...), nil
	}
	opened, trouble := openChannels(cfg, r.channels)
	c := &candidate{
		cfg: cfg, snapshot: snapshot, channels: opened, before: r.channels, warnings: append(diags, r.later(cfg)...),
	}
	if len(trouble) > 0 {
		c.close()
		return nil, append(diags, trouble...), nil
	}
	return c, nil, nil
}

// later says what of a configuration comes into effect with a restart only.
func (r *reloader) later(cfg *config.Config) []config.Diagnostic {
	if r.cfg == nil || cfg.Daemon.MaxConcurrentProbes == r.m.loop.Limit {
		return nil
	}
	return []config.Diagnostic{{
		Gravity: config.Warning, Rule: "restart", Summary: "A changed max_concurrent_probes needs a restart",
		Detail: fmt.Sprintf("Until then there are at most %d conversations at once. Everything else is in effect.", r.m.loop.Limit),
		Pos:    cfg.Daemon.Pos,
	}}
}

// Two equal reads this far apart are taken for a tree that nobody is writing.
const (
	settleTime = 100 * time.Millisecond
	settleMost = 5 * time.Second
)

var errChanging = errors.New("the configuration files keep changing; try again when they are written")

// settled reads the configuration until two reads agree.
func (r *reloader) settled(ctx context.Context) (*hclfile.Snapshot, error) {
	last, err := r.read()
	for end := time.Now().Add(settleMost); err == nil; {
		select {
		case <-time.After(settleTime):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		again, err := last.Again()
		if err != nil {
			return nil, err
		}
		if again.Digest() == last.Digest() {
			return again, nil
		}
		if last = again; time.Now().After(end) {
			return nil, errChanging
		}
	}
	return nil, err
}

// read takes a first snapshot; a later one also covers the files that the
// configuration in force names, if that was made from files.
func (r *reloader) read() (*hclfile.Snapshot, error) {
	if r.snapshot != nil && !r.bridged {
		return r.snapshot.Again()
	}
	return r.open(r.m.ConfigPath)
}

func (r *reloader) open(path string) (*hclfile.Snapshot, error) {
	return hclfile.Read(path, hclfile.Options{CredentialsDirectory: os.Getenv("CREDENTIALS_DIRECTORY")})
}

// refuse keeps a reload from doing what is more likely a mishap than a wish.
func (r *reloader) refuse(cfg *config.Config, snapshot *hclfile.Snapshot, allowShrink bool) []config.Diagnostic {
	if r.cfg == nil {
		return r.refuseFirst(cfg, snapshot, allowShrink)
	}
	var summary, detail string
	before, after := r.cfg.Daemon, cfg.Daemon
	switch {
	case before.StateDir != after.StateDir:
		summary, detail = "A changed state_dir needs a restart", "Put "+before.StateDir+" back, or restart the daemon."
	case before.Control != after.Control:
		summary, detail = "A changed control socket needs a restart", "Put "+before.Control+" back, or restart the daemon."
	case allowShrink:
		return nil
	default:
		return shrinks(r.cfg, r.snapshot, cfg, snapshot, "imapvigil reload --allow-shrink")
	}
	return []config.Diagnostic{{Gravity: config.Error, Summary: summary, Detail: detail, Pos: after.Pos}}
}

// refuseFirst compares the files of a start with what was applied last.
func (r *reloader) refuseFirst(cfg *config.Config, snapshot *hclfile.Snapshot, allowShrink bool) []config.Diagnostic {
	if allowShrink {
		return nil
	}
	kept, last, _, err := restore(r.m.stateDir(cfg), hclfile.Options{NoCredentials: true})
	if err != nil || last == nil {
		return nil // nothing to compare with
	}
	return shrinks(last, kept, cfg, snapshot, "imapvigil run --allow-shrink, once")
}

// shrinks refuses to lose all checks, or more than half of at least 10, or a
// whole file. Checks that others replace are no loss while they are few.
func shrinks(
	old *config.Config, oldFiles *hclfile.Snapshot, cfg *config.Config, files *hclfile.Snapshot, meant string,
) []config.Diagnostic {
	d := config.Diagnostic{Gravity: config.Error, Detail: "If that is meant, run: " + meant, Pos: cfg.Daemon.Pos}
	have, gone, emptied := len(old.Checks), len(config.Compare(old, cfg).Removed), files.Emptied(oldFiles)
	switch {
	case gone > 0 && len(cfg.Checks) == 0, have >= 10 && 2*gone > have:
		d.Summary = fmt.Sprintf("The new configuration would remove %d of %d checks", gone, have)
	case len(emptied) > 0:
		d.Summary, d.Pos = "File cut to 0 bytes", config.Pos{File: emptied[0]}
		d.Detail = "It had something in it before. " + d.Detail
	default:
		return nil
	}
	return []config.Diagnostic{d}
}

// apply is the half that cannot fail.
func (r *reloader) apply(ctx context.Context, c *candidate) {
	r.m.sender.Use(c.channels)
	r.m.self.Use(c.cfg.Daemon.SelfCheck)
	r.level(c.cfg.Daemon.LogLevel)
	if err := r.m.tracker.Configure(ctx, c.cfg); err != nil {
		c.close()
		return // the daemon is ending
	}
	want := make(map[config.CheckID]config.Probe, len(c.cfg.Checks))
	for id, check := range c.cfg.Checks {
		if check.Enabled {
			want[id] = check.Probe
		}
	}
	diff := r.m.probes.Apply(want)
	r.m.watcher.Also(c.snapshot.Named())
	r.keep(c)
	closeUnused(r.channels, c.channels)
	r.snapshot, r.channels = c.snapshot, c.channels
	r.bridged, r.lost = c.wrong != "", c.lost
	r.set(func(s *control.Config) {
		r.cfg = c.cfg
		*s = control.Config{State: control.Current, LoadedAt: time.Now().UTC(), Digest: c.cfg.Digest}
		if c.wrong != "" {
			s.State, s.Error = control.LastGood, c.wrong+c.lost
		}
	})
	r.m.Log.Info("configuration applied", zap.String("digest", c.cfg.Digest), zap.Int("checks", len(c.cfg.Checks)),
		zap.Int("started", len(diff.Started)), zap.Int("stopped", len(diff.Stopped)),
		zap.Int("changed", len(diff.Changed)), zap.Int("unchanged", diff.Unchanged))
}

// keep makes what the files say the last good configuration.
func (r *reloader) keep(c *candidate) {
	if c.wrong != "" {
		return
	}
	if err := keepLastGood(r.m.StateDir, c.snapshot); err != nil {
		r.m.Log.Error("files that break could not be bridged over at the next start", zap.Error(err))
	}
}

func (r *reloader) level(text string) {
	if r.m.Level != nil && text != "" {
		_ = r.m.Level.UnmarshalText([]byte(text)) // the loader let nothing else through
	}
}

// differs notes, where only an explicit reload applies, that the files are no
// longer what runs.
func (r *reloader) differs() {
	snapshot, err := r.read()
	switch {
	case r.bridged: // they do, and why has been said
	case err == nil && snapshot.Digest() == r.cfg.Digest:
		r.refused = ""
		r.set(func(s *control.Config) { s.State, s.Error = control.Current, "" })
	case err == nil && snapshot.Digest() == r.refused: // what is wrong with them has been said
	default:
		r.set(func(s *control.Config) { s.Error = "the files differ from what runs; imapvigil reload applies them" })
	}
}

func (r *reloader) warn(diags []config.Diagnostic) {
	for _, d := range diags {
		r.m.Log.Warn("configuration: "+d.Summary, zap.String("file", d.Pos.File), zap.Int("line", d.Pos.Line),
			zap.String("detail", d.Detail))
	}
}

func (r *reloader) config() control.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// inForce is the configuration that runs.
func (r *reloader) inForce() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

// plan says how the files at a path differ from what runs.
func (r *reloader) plan(path string) (control.Plan, error) {
	snapshot, err := r.open(cmp.Or(path, r.m.ConfigPath))
	if err != nil {
		return control.Plan{Diff: config.Compare(nil, nil), Diagnostics: control.NewDiagnostics([]config.Diagnostic{diagnose(err)})}, nil
	}
	cfg, diags := hclfile.Load(snapshot)
	p := control.Plan{Diff: config.Compare(nil, nil), Diagnostics: control.NewDiagnostics(diags)}
	if cfg != nil {
		p.Diff = config.Compare(r.inForce(), cfg)
	}
	return p, nil
}

func (r *reloader) set(change func(*control.Config)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}

// close ends what the last configuration opened.
func (r *reloader) close() { closeUnused(r.channels, nil) }
