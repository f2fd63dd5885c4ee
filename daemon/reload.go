package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A reloader turns files into the configuration in force. One reload runs at a
// time, in two halves: prepare can fail and touches nothing, apply cannot fail. What
// a configuration means is the business of the parts.
type reloader struct {
	Options
	parts    parts
	changes  func() []zap.Field // what the parts did last, for the log
	watcher  *watch.Watcher
	requests chan request

	// Owned by the goroutine of serveReasons, which sets cfg, snapshot and warned under mu
	// for those who look.
	cfg      *config.Config
	snapshot *source.Snapshot // what cfg was loaded from
	warned   warnings         // of cfg
	rejected rejection
	lastGood bool   // cfg is the last good configuration, since the files are in error
	unusable string // what of that cannot be used either

	mu    sync.Mutex
	state api.Config
}

// A candidate is a configuration that all parts have prepared. It is applied, or
// discarded.
type candidate struct {
	cfg             *config.Config
	snapshot        *source.Snapshot
	commit, discard func()
	diff            config.Diff   // from what runs; at the start from nothing
	renames         []config.Move // in it, without a moved block
	warnings        []config.Diagnostic
	filesError      string // why the last good configuration is used; empty: it is the files
	unusable        string // what of the last good configuration cannot be used either
	why             string // who or what had the files read
}

func newReloader(o Options, watcher *watch.Watcher, p parts, changes func() []zap.Field) *reloader {
	return &reloader{Options: o, watcher: watcher, parts: p, changes: changes, requests: make(chan request)}
}

// serveReasons serves every reason to look again, one look at a time. What comes up
// while one is under way is answered by the next, all of it at once.
func (r *reloader) serveReasons(ctx context.Context) error {
	for {
		reasons, ok := r.gatherReasons(ctx)
		if !ok {
			return nil
		}
		r.Log.Debug("checking the configuration files", zap.Stringer("because_of", reasons))
		if reasons.isHint() && r.cfg.Daemon.Reload == config.ReloadExplicit {
			r.noteDifference()
			continue
		}
		verdict := r.reloadFiles(ctx, reasons)
		for _, req := range reasons.waiting {
			req.verdict <- verdict
		}
	}
}

// requestReload asks for the files to be read, and waits for the verdict.
func (r *reloader) requestReload(ctx context.Context, allowShrink bool) (v api.Verdict, err error) {
	// Room for one: the reload must not wait for somebody who has gone.
	answer := make(chan api.Verdict, 1)
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

// reloadFiles reads, and applies what is new and right. A hint, as opposed to a
// request, does not report the same error again.
func (r *reloader) reloadFiles(ctx context.Context, why reasons) api.Verdict {
	if why.isHint() && r.rejected.stillStands(r.readFiles) {
		return r.answerWith(api.RejectedWord, nil)
	}
	// While the last good configuration runs, files that are right again must be applied:
	// that alone ends this state.
	if now, err := r.readFiles(); err == nil && now.Digest() == r.cfg.Digest && !r.lastGood {
		return r.acceptUnchanged()
	}
	r.tellReloading() // READY=1 has to follow, also when the files are rejected (sd_notify(3))
	c, diags, err := r.prepare(ctx, why.shrink)
	if c == nil && ctx.Err() != nil {
		return r.answerWith(api.RejectedWord, nil) // the daemon is ending
	}
	if err != nil {
		diags = append(diags, asDiagnostic(err))
	}
	if c == nil {
		return r.rejectFiles(diags)
	}
	c.why = why.String()
	before := r.configState().LastReload
	fresh := r.warned.broughtBy(c.warnings, c.snapshot.Root())
	r.applyCandidate(c)
	r.logWarnings(fresh)
	r.logRenames(c.renames)
	r.notifySystemd("READY=1\nSTATUS=" + summarise(c.cfg))
	v := r.answerWith(api.Applied, fresh)
	v.Diff, v.Changes, v.Renames, v.LastReload = c.diff, c.diff.Summary(), append(v.Renames, c.renames...), before
	return v
}

// prepare does the fallible half of a reload: it reads, parses, compares and has the parts
// prepared, and changes nothing but what was rejected last. Without a candidate the
// diagnostics, or the error, say why.
func (r *reloader) prepare(ctx context.Context, allowShrink bool) (*candidate, []config.Diagnostic, error) {
	snapshot, cfg, diags, err := r.loadSettled(ctx)
	switch {
	case errors.Is(err, errChanging), ctx.Err() != nil:
		return nil, nil, errors.Join(err, ctx.Err())
	case err != nil:
		r.rejected = rejection{err: err.Error()}
		return nil, nil, err
	}
	var diff config.Diff
	if cfg != nil {
		if r.cfg != nil { // at the start all is new, and that is no news
			diff = config.Compare(r.cfg, cfg)
		}
		diags = append(diags, r.refuseMishap(cfg, snapshot, diff, allowShrink)...)
	}
	if cfg == nil || config.HasErrors(diags) {
		r.rejected = rejection{files: snapshot}
		return nil, diags, nil
	}
	commit, discard, found := r.parts.Prepare(cfg)
	diags = append(diags, found...)
	if config.HasErrors(found) {
		r.rejected = rejection{files: snapshot}
		return nil, diags, nil
	}
	if ctx.Err() != nil { // nobody would commit, or close, what was opened
		discard()
		return nil, nil, ctx.Err()
	}
	var renames []config.Move
	if r.cfg != nil {
		renames = config.Renames(diff, r.cfg, cfg)
	}
	return &candidate{
		cfg: cfg, snapshot: snapshot, commit: commit, discard: discard, diff: diff, renames: renames, warnings: diags,
	}, nil, nil
}

// applyCandidate does the half of a reload that cannot fail.
func (r *reloader) applyCandidate(c *candidate) {
	c.commit()
	// The first candidate lives as long as the daemon; what was prepared need not.
	c.commit, c.discard = nil, nil
	if c.filesError == "" {
		// Only what came from the files is kept: the last good configuration, with blocks
		// left out, would replace the whole one.
		r.rejected = rejection{}
		if err := keepLastGood(r.stateDirectory(c.cfg.Daemon), c.snapshot); err != nil {
			r.Log.Error("could not save the last good configuration: with invalid files the next start will fail", zap.Error(err))
		}
	}
	r.lastGood, r.unusable = c.filesError != "", c.unusable
	fields := []zap.Field{
		zap.String("digest", c.cfg.Digest), zap.String("because_of", c.why), zap.Int("checks", len(c.cfg.Checks)),
	}
	var last *api.LastReload
	if r.cfg != nil { // not the start
		last = &api.LastReload{At: time.Now().UTC(), Changes: c.diff.Summary()}
		fields = append([]zap.Field{zap.String("changes", last.Changes)}, fields...)
	}
	r.changeState(func(s *api.Config) {
		r.cfg, r.snapshot, r.warned = c.cfg, c.snapshot, countWarnings(c.warnings, c.snapshot.Root())
		*s = api.Config{State: api.Current, LoadedAt: time.Now().UTC(), Digest: c.cfg.Digest, LastReload: last}
		if r.lastGood {
			s.State, s.Error, s.RejectedAt = api.LastGood, c.filesError+c.unusable, s.LoadedAt
		}
	})
	r.watchNamedFiles()
	r.Log.Info("configuration applied", append(fields, r.changes()...)...)
}

// answerWith makes the answer for those who wait.
func (r *reloader) answerWith(result string, diags []config.Diagnostic) api.Verdict {
	return api.Verdict{
		Result: result, Digest: r.cfg.Digest, Diagnostics: api.NewDiagnostics(diags),
		Diff: config.Compare(nil, nil), Renames: []config.Move{}, LastReload: r.configState().LastReload,
	}
}

// acceptUnchanged notes that the files are what runs, or are so again.
func (r *reloader) acceptUnchanged() api.Verdict {
	r.rejected = rejection{}
	r.watchNamedFiles()
	r.noteCurrent()
	r.notifySystemd("STATUS=" + summarise(r.cfg)) // which may have named an error that is mended
	v := r.answerWith(api.Unchanged, nil)
	v.Unchanged = len(r.cfg.Checks)
	return v
}

// asDiagnostic makes a diagnostic of an error that may be one already.
func asDiagnostic(err error) config.Diagnostic {
	var d config.Diagnostic
	if errors.As(err, &d) {
		return d
	}
	return config.Diagnostic{Gravity: config.Error, Summary: err.Error()}
}

// rejectFiles keeps everything as it is, and says so everywhere.
func (r *reloader) rejectFiles(diags []config.Diagnostic) api.Verdict {
	text := (&ConfigError{diags}).Error() + r.unusable
	r.watchNamedFiles()
	r.changeState(func(s *api.Config) {
		s.Error = text
		if s.State != api.LastGood {
			s.State = api.Rejected
		}
		if s.RejectedAt.IsZero() {
			s.RejectedAt = time.Now().UTC()
		}
	})
	r.logErrors(rejectedMessage, diags)
	r.tellReady(r.cfg, text)
	return r.answerWith(api.RejectedWord, diags)
}

// noteCurrent notes that the files are what runs.
func (r *reloader) noteCurrent() {
	r.changeState(func(s *api.Config) { s.State, s.Error, s.RejectedAt = api.Current, "", time.Time{} })
}

// noteDifference notes, where only an explicit reload applies, that the files are no
// longer what runs.
func (r *reloader) noteDifference() {
	snapshot, err := r.readFiles()
	switch {
	case r.lastGood: // they do, and why has been said
	case err == nil && snapshot.Digest() == r.cfg.Digest:
		r.rejected = rejection{}
		r.noteCurrent()
	case r.rejected.stillStands(r.readFiles): // what is wrong with them has been said
	default:
		r.changeState(func(s *api.Config) {
			s.Error = "the files have changed and are not applied yet; apply them with: imapvigil reload"
		})
	}
}

func (r *reloader) configState() api.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// configInForce returns the configuration that runs; nil before the first.
func (r *reloader) configInForce() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

func (r *reloader) changeState(change func(*api.Config)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}
