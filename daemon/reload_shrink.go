package daemon

import (
	"fmt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

// refuseMishap keeps a reload from doing what is more likely a mishap than a wish.
func (r *reloader) refuseMishap(cfg *config.Config, snapshot *source.Snapshot, diff config.Diff, allowShrink bool) []config.Diagnostic {
	if r.cfg == nil {
		return r.refuseAtStart(cfg, snapshot, allowShrink)
	}
	return refuseReload(r.cfg, r.snapshot, cfg, snapshot, diff, allowShrink)
}

// refuseReload compares what runs with what would; diff is how they differ.
func refuseReload(
	old *config.Config, oldFiles *source.Snapshot, cfg *config.Config, files *source.Snapshot, diff config.Diff, allowShrink bool,
) []config.Diagnostic {
	var summary, detail string
	before, after := old.Daemon, cfg.Daemon
	switch {
	case before.StateDir != after.StateDir:
		summary, detail = "A changed state_dir needs a restart", "Put "+before.StateDir+" back, or restart the daemon."
	case before.Control != after.Control:
		summary, detail = "A changed control socket needs a restart", "Put "+before.Control+" back, or restart the daemon."
	case allowShrink:
		return nil
	default:
		return refuseShrink(old, oldFiles, cfg, files, diff, "imapvigil reload --allow-shrink")
	}
	return []config.Diagnostic{{Gravity: config.Error, Summary: summary, Detail: detail, Pos: after.Pos}}
}

// asForetold turns refusals into warnings, for those who only ask.
func asForetold(what string, refused []config.Diagnostic) []config.Diagnostic {
	for i := range refused {
		refused[i].Gravity = config.Warning
		refused[i].Detail = what + " would be refused. " + refused[i].Detail
	}
	return refused
}

// Foretell says why a start with a configuration would be refused, after what was
// applied last according to a state directory: as warnings, since nothing is wrong
// with the files as such. It reads no secrets.
func Foretell(dir string, e Environment, cfg *config.Config, files *source.Snapshot) []config.Diagnostic {
	kept, last, _, err := restoreLastGood(dir, e.withoutSecrets())
	if err != nil || last == nil {
		return nil // nothing to compare with
	}
	return asForetold("A start", refuseShrink(last, kept, cfg, files, config.Compare(last, cfg), shrinkAtStart))
}

const shrinkAtStart = "imapvigil run --allow-shrink, once"

// refuseAtStart compares the files of a start with what was applied last.
func (r *reloader) refuseAtStart(cfg *config.Config, snapshot *source.Snapshot, allowShrink bool) []config.Diagnostic {
	dir := r.stateDirectory(cfg.Daemon)
	if allowShrink {
		return nil
	}
	// First what is cheap, and nearly always the case: nothing has changed.
	if _, same, _ := compareWithLastGood(dir, snapshot); same {
		return nil
	}
	kept, last, _, err := restoreLastGood(dir, r.withoutSecrets())
	if err != nil || last == nil {
		return nil // nothing to compare with
	}
	return refuseShrink(last, kept, cfg, snapshot, config.Compare(last, cfg), shrinkAtStart)
}

// refuseShrink refuses to lose all checks, or more than half of at least 10, or a
// whole file. Checks that others replace are no loss while they are few.
func refuseShrink(
	old *config.Config, oldFiles *source.Snapshot, cfg *config.Config, files *source.Snapshot, diff config.Diff, meant string,
) []config.Diagnostic {
	d := config.Diagnostic{Gravity: config.Error, Rule: "shrink", Detail: "If that is meant, run: " + meant, Pos: cfg.Daemon.Pos}
	have, gone, emptied := len(old.Checks), len(diff.Removed), files.Emptied(oldFiles)
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
