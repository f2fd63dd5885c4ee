package daemon

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// planOwn returns how the daemon's files differ from what runs: as a reload would find
// them.
func (r *reloader) planOwn() api.Plan {
	snapshot, err := r.openPath(r.ConfigPath)
	if err != nil {
		return api.Plan{
			Diff: config.Compare(nil, nil), Renames: []config.Move{},
			Diagnostics: api.NewDiagnostics([]config.Diagnostic{asDiagnostic(err)}),
		}
	}
	return r.plan(snapshot)
}

// planOther returns how files that somebody else has read differ from what runs.
func (r *reloader) planOther(p source.Parcel) api.Plan {
	r.mu.Lock()
	own := r.snapshot
	r.mu.Unlock()
	if own.IsRestored() {
		// The last good configuration runs, and its secrets are not where it was kept.
		if s, err := r.openPath(r.ConfigPath); err == nil {
			own = s
		}
	}
	return r.plan(source.Unpack(p, own))
}

// plan returns how files differ from what runs.
func (r *reloader) plan(snapshot *source.Snapshot) api.Plan {
	cfg, diags := hclfile.Load(snapshot)
	p := api.Plan{Diff: config.Compare(nil, nil), Renames: []config.Move{}}
	if cfg != nil {
		r.mu.Lock()
		now, files, warned := r.cfg, r.snapshot, r.warned
		r.mu.Unlock()
		p.Diff = config.Compare(now, cfg)
		p.Renames = append(p.Renames, config.Renames(p.Diff, now, cfg)...)
		p.Reload, p.LastReload = now.Daemon.Reload, r.configState().LastReload
		// What has been warned of is no news.
		diags = warned.broughtBy(diags, snapshot.Root())
		diags = append(diags, asForetold("A reload", refuseReload(now, files, cfg, snapshot, p.Diff, false))...)
	}
	p.Diagnostics = api.NewDiagnostics(diags)
	return p
}
