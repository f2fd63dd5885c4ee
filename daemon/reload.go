package daemon

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A reloader turns files into the configuration in force. One reload runs at a
// time, in two halves: prepare can fail and touches nothing, apply cannot fail.
type reloader struct {
	m        *monitor
	requests chan request

	// Owned by the goroutine of run, which sets cfg under mu for those who look.
	cfg      *config.Config
	snapshot *source.Snapshot // what cfg was loaded from
	channels channels
	rejected rejection
	bridged  bool   // cfg is what was applied last, since the files are in error
	lost     string // what of that cannot be used either

	mu    sync.Mutex
	state api.Config
}

// A candidate is a configuration that could be applied.
type candidate struct {
	cfg      *config.Config
	snapshot *source.Snapshot
	channels channels
	before   channels
	warnings []config.Diagnostic
	wrong    string // why the files are not what this was made from; empty: they are
	lost     string // what of what was applied last cannot be used either
	why      string // who or what had the files read
}

// close gives up a candidate that was not applied.
func (c *candidate) close() { closeUnused(c.channels, c.before) }

func newReloader(m *monitor) *reloader {
	return &reloader{m: m, requests: make(chan request)}
}

// run serves every reason to look again, one look at a time. What comes up
// while one is under way is answered by the next, all of it at once.
func (r *reloader) run(ctx context.Context) error {
	for {
		reasons, ok := r.gather(ctx)
		if !ok {
			return nil
		}
		r.m.Log.Debug("looking at the configuration", zap.Stringer("because_of", reasons))
		if reasons.hint() && r.cfg.Daemon.Reload == config.ReloadExplicit {
			r.differs()
			continue
		}
		verdict := r.reload(ctx, reasons)
		for _, req := range reasons.waiting {
			req.verdict <- verdict
		}
	}
}

// ask has the files read and waits for the verdict.
func (r *reloader) ask(ctx context.Context, allowShrink bool) (v api.Verdict, err error) {
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

// reload reads, and applies what is new and right. A hint, as opposed to a
// request, does not report the same error again.
func (r *reloader) reload(ctx context.Context, why reasons) api.Verdict {
	if why.hint() && r.rejected.stands(r.read) {
		return r.verdict(api.RejectedWord, nil)
	}
	if now, err := r.read(); err == nil && now.Digest() == r.cfg.Digest && !r.bridged {
		return r.unchanged()
	}
	tellReloading()
	c, diags, err := r.prepare(ctx, why.shrink)
	if ctx.Err() != nil {
		if c != nil {
			c.close()
		}
		return r.verdict(api.RejectedWord, nil) // the daemon is ending
	}
	if err != nil {
		diags = append(diags, diagnose(err))
	}
	if c == nil {
		return r.reject(diags)
	}
	c.why = why.String()
	r.apply(ctx, c)
	r.warn(c.warnings)
	tell("READY=1\nSTATUS=" + summary(c.cfg))
	return r.verdict(api.Applied, c.warnings)
}

// verdict answers those who wait.
func (r *reloader) verdict(result string, diags []config.Diagnostic) api.Verdict {
	return api.Verdict{Result: result, Digest: r.cfg.Digest, Diagnostics: api.NewDiagnostics(diags)}
}

// unchanged is for files that are, maybe again, what runs.
func (r *reloader) unchanged() api.Verdict {
	r.rejected = rejection{}
	r.watchNamed()
	r.set(func(s *api.Config) { s.State, s.Error = api.Current, "" })
	tell("STATUS=" + summary(r.cfg)) // which may have named an error that is mended
	return r.verdict(api.Unchanged, nil)
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
func (r *reloader) reject(diags []config.Diagnostic) api.Verdict {
	text := (&ConfigError{diags}).Error() + r.lost
	r.watchNamed()
	r.set(func(s *api.Config) {
		s.Error = text
		if s.State != api.LastGood {
			s.State = api.Rejected
		}
	})
	r.complain("the configuration was rejected, nothing was changed", diags)
	tellReady(r.cfg, text)
	return r.verdict(api.RejectedWord, diags)
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

// differs notes, where only an explicit reload applies, that the files are no
// longer what runs.
func (r *reloader) differs() {
	snapshot, err := r.read()
	switch {
	case r.bridged: // they do, and why has been said
	case err == nil && snapshot.Digest() == r.cfg.Digest:
		r.rejected = rejection{}
		r.set(func(s *api.Config) { s.State, s.Error = api.Current, "" })
	case r.rejected.stands(r.read): // what is wrong with them has been said
	default:
		r.set(func(s *api.Config) { s.Error = "the files differ from what runs; imapvigil reload applies them" })
	}
}

func (r *reloader) warn(diags []config.Diagnostic) {
	for _, d := range diags {
		r.m.Log.Warn("configuration: "+d.Summary, zap.String("file", d.Pos.File), zap.Int("line", d.Pos.Line),
			zap.String("detail", d.Detail))
	}
}

func (r *reloader) config() api.Config {
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
func (r *reloader) plan(path string) (api.Plan, error) {
	snapshot, err := r.open(cmp.Or(path, r.m.ConfigPath))
	if err != nil {
		return api.Plan{Diff: config.Compare(nil, nil), Diagnostics: api.NewDiagnostics([]config.Diagnostic{diagnose(err)})}, nil
	}
	cfg, diags := hclfile.Load(snapshot)
	p := api.Plan{Diff: config.Compare(nil, nil)}
	if cfg != nil {
		r.mu.Lock()
		now, files := r.cfg, r.snapshot
		r.mu.Unlock()
		p.Diff = config.Compare(now, cfg)
		if now != nil {
			diags = append(diags, foretold("A reload", refusals(now, files, cfg, snapshot, false))...)
		}
	}
	p.Diagnostics = api.NewDiagnostics(diags)
	return p, nil
}

func (r *reloader) set(change func(*api.Config)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}

// close ends what the last configuration opened.
func (r *reloader) close() { closeUnused(r.channels, nil) }
