package daemon

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// apply is the half that cannot fail.
func (r *reloader) apply(ctx context.Context, c *candidate) {
	r.m.sender.Use(c.channels)
	r.m.sender.Partial(c.lost != "")
	r.m.self.Use(c.cfg.Daemon.SelfCheck)
	r.level(c.cfg.Daemon.LogLevel)
	if err := r.m.tracker.Configure(ctx, c.cfg); err != nil {
		c.close()
		return // the daemon is ending
	}
	want := make(map[config.CheckID]*config.Probe, len(c.cfg.Checks))
	for id, check := range c.cfg.Checks {
		if check.Enabled {
			want[id] = &check.Probe
		}
	}
	diff := r.m.probes.Apply(want)
	r.keep(c)
	closeUnused(r.channels, c.channels)
	r.channels = c.channels
	if r.bridged, r.lost = c.wrong != "", c.lost; !r.bridged {
		r.rejected = rejection{}
	}
	r.set(func(s *api.Config) {
		r.cfg, r.snapshot = c.cfg, c.snapshot
		*s = api.Config{State: api.Current, LoadedAt: time.Now().UTC(), Digest: c.cfg.Digest}
		if c.wrong != "" {
			s.State, s.Error = api.LastGood, c.wrong+c.lost
		}
	})
	r.watchNamed()
	r.m.Log.Info("configuration applied", zap.String("digest", c.cfg.Digest), zap.String("because_of", c.why), zap.Int("checks", len(c.cfg.Checks)),
		zap.Int("started", len(diff.Started)), zap.Int("stopped", len(diff.Stopped)),
		zap.Int("changed", len(diff.Changed)), zap.Int("unchanged", diff.Unchanged))
}

func sameProbe(a, b *config.Probe) bool { return *a == *b }

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
