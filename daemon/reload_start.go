package daemon

import (
	"context"
	"os"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// first prepares the configuration that the start needs.
func (r *reloader) first(ctx context.Context) (*candidate, error) {
	c, diags, err := r.prepare(ctx, r.m.AllowShrink)
	if ctx.Err() != nil {
		if c != nil {
			c.close()
		}
		return nil, ctx.Err() // what is missing was not read, and is not in error
	}
	if err != nil {
		diags = append(diags, diagnose(err))
	}
	if c == nil {
		if c = r.bridge(diags); c == nil {
			return nil, &ConfigError{diags}
		}
	}
	c.why = "start"
	r.warn(c.warnings)
	return c, nil
}

// bridge gives what still loads of the configuration that was applied last, so
// that files which were broken while the daemon was down do not leave the servers
// unwatched. Nil: there is none, or nothing in it is to be watched.
func (r *reloader) bridge(wrong []config.Diagnostic) *candidate {
	dir := r.m.stateDir(&config.Config{Daemon: r.places()})
	snapshot, cfg, diags, err := restore(dir, source.Options{CredentialsDirectory: os.Getenv("CREDENTIALS_DIRECTORY")})
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
	s, err := source.Read(r.m.ConfigPath, source.Options{NoCredentials: true})
	if err != nil {
		return config.Daemon{StateDir: DefaultStateDir}
	}
	return hclfile.Places(s)
}
