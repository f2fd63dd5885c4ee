package daemon

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// prepareStart prepares the configuration that the start needs.
func (r *reloader) prepareStart(ctx context.Context) (*candidate, error) {
	c, diags, err := r.prepare(ctx, r.AllowShrink)
	if c == nil && ctx.Err() != nil {
		return nil, ctx.Err() // what is missing was not read, and is not in error
	}
	if err != nil {
		diags = append(diags, asDiagnostic(err))
	}
	if c == nil {
		if c = r.prepareLastGood(diags); c == nil {
			return nil, &ConfigError{diags}
		}
	}
	c.why = "start"
	return c, nil
}

// prepareLastGood prepares what still loads of the configuration that was applied last, so
// that files which were broken while the daemon was down do not leave the servers
// unwatched. Nil: there is none, or nothing in it is to be watched.
func (r *reloader) prepareLastGood(wrong []config.Diagnostic) *candidate {
	dir := r.stateDirectory(r.configuredPlaces())
	snapshot, cfg, diags, err := restoreLastGood(dir, r.sourceOptions())
	// A daemon that watches nothing would look like one that finds nothing wrong.
	if err != nil || len(cfg.Checks) == 0 {
		return nil
	}
	commit, discard, found := r.parts.Prepare(cfg)
	if config.HasErrors(found) {
		return nil
	}
	c := &candidate{cfg: cfg, snapshot: snapshot, commit: commit, discard: discard, filesError: (&ConfigError{wrong}).Error()}
	r.logErrors("the configuration is invalid; the last good one is used", wrong)
	if cfg.Incomplete {
		r.logErrors("this part of the last good configuration is invalid, too, and left out", diags)
		c.unusable = " Of what was applied last, not everything can be used either: " + firstError(diags)
	}
	return c
}

// configuredPlaces returns where the files, even in error, say that the state is kept.
func (r *reloader) configuredPlaces() config.Daemon {
	s, err := source.Read(r.ConfigPath, r.withoutSecrets())
	if err != nil {
		return config.Daemon{StateDir: DefaultStateDir}
	}
	return hclfile.Places(s)
}
